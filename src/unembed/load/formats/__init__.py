"""Where published dictionaries keep their directions: one module and one row a format.

To add a format, write a module with a `Format` (`fits`, `decoders`) and put it into `FORMATS`. The
first one that fits is taken, so that what is told by a config comes before what is told by tensors.
"""

from __future__ import annotations

from unembed.errors import FormatError, SourceError, listed
from unembed.load.formats.circuit_tracer import CROSS_LAYER, TRANSCODERS
from unembed.load.formats.dictionary_learning import DICTIONARY_LEARNING
from unembed.load.formats.format import Decoder, Format, Seen
from unembed.load.formats.gemma_scope import GEMMA_SCOPE
from unembed.load.formats.gemma_scope_2 import GEMMA_SCOPE_2, GEMMA_SCOPE_2_CLT
from unembed.load.formats.matrix import MATRIX
from unembed.load.formats.openmoss import LLAMA_SCOPE, LLAMASCOPIUM
from unembed.load.formats.saelens import SAELENS
from unembed.load.formats.several_layers import wanted
from unembed.load.formats.sparsify import SPARSIFY
from unembed.load.formats.temporal import TEMPORAL
from unembed.load.formats.torch_files import (
    CROSSCODER,
    DEEPSEEK_R1,
    GOODFIRE,
    HOOK_Z,
    OPENAI,
    QWEN_SCOPE,
)
from unembed.load.published.table import Published

__all__ = [
    "FORMATS", "Decoder", "Format", "Seen", "decoders_of", "format_of", "format_of_loader",
]  # fmt: skip

FORMATS: tuple[Format, ...] = (
    LLAMASCOPIUM, SAELENS, LLAMA_SCOPE, DICTIONARY_LEARNING, SPARSIFY, TEMPORAL,
    GEMMA_SCOPE, GEMMA_SCOPE_2, GEMMA_SCOPE_2_CLT, CROSS_LAYER, TRANSCODERS,
    QWEN_SCOPE, HOOK_Z, CROSSCODER, GOODFIRE, OPENAI, DEEPSEEK_R1, MATRIX,
)  # fmt: skip


def format_of_loader(entry: Published) -> Format:
    """Return the format of a published SAE, which its release says.

    Raises:
        FormatError: when that is not read.
    """
    found = next((each for each in FORMATS if entry.loader in each.loaders), None)
    if found is None:
        raise FormatError(
            f"{entry.name} is of the format that SAELens calls {entry.loader!r}, which unembed "
            "does not read."
        )
    return found


def format_of(seen: Seen) -> Format:
    """Return the format of a place: that of its release, or the first that fits.

    Raises:
        FormatError: when it is of none, or its release's format is not read.
        SourceError: when there is nothing there.
    """
    if seen.published is not None:
        return format_of_loader(seen.published)
    if seen.place.file is not None and not seen.folder.has(seen.place.file):
        raise SourceError(f"There is no file {seen.place.name}.")
    found = next((each for each in FORMATS if each.fits(seen)), None)
    if found is None:
        raise FormatError(
            f"{seen.place.name} holds no SAE that can be read. It holds: "
            f"{listed(seen.names, 'no files')}. Formats that are: "
            f"{', '.join(each.title for each in FORMATS)}. For the MLP neurons of the model, write "
            "mlp:LAYER."
        )
    return found


def decoders_of(seen: Seen, kind: Format, part: str | None = None) -> list[Decoder]:
    """Return the banks that a place holds, none of them read yet.

    Args:
        seen: the place.
        kind: its format.
        part: which of several, such as `sum`, `5→9`, or `9` for what writes to layer 9.

    Raises:
        FormatError: when it holds no such bank.
    """
    try:
        found = kind.decoders(seen)
    except FormatError as error:
        if seen.folder.name in str(error):
            raise
        raise FormatError(f"{seen.place.name}: {error}") from error
    meant = wanted(found, part)
    if not meant:
        parts = [each.part for each in found if each.part]
        raise FormatError(
            f"{seen.place.name} has no part {part!r}. "
            + (f"Its parts: {', '.join(parts)}." if parts else "It is one bank, without parts.")
        )
    return meant
