"""Where the banks of a run can be added to the model's stream: behind which block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from unembed.errors import UnembedError
from unembed.facts import BankFacts
from unembed.features import Features
from unembed.load.lenses.of_bank import block_behind
from unembed.load.stream.along import point_of
from unembed.questions.lenses import written_as
from unembed.questions.weights import weights_of
from unembed.store.tables import RunTables


class Written(NamedTuple):
    """A bank as it is written, and as the run reads it.

    Attributes:
        name: without a lens.
        block: behind which its directions stand in the stream; −1 for the embedding.
        banks: of the run, one through each lens.
    """

    name: str
    block: int
    banks: tuple[Features, ...]

    @property
    def before(self) -> Features:
        """The bank in its own layer."""
        return self.banks[0].before or self.banks[0]


def written_banks(run: RunTables, names: Sequence[str]) -> tuple[list[Written], dict[str, str]]:
    """Return the banks that can be added behind a block, and why others cannot.

    Args:
        run: a finished run.
        names: of banks that are meant, each through whatever lens.

    Raises:
        UnembedError: when there is none that can.
        SourceError: when one cannot be read again.
    """
    asked = [run.manifest.bank(name) for name in names]
    wanted = {written_as(facts) for facts in asked if facts.reads is None}
    together: dict[str, list[BankFacts]] = {}
    for facts in run.manifest.banks:
        if written_as(facts) in wanted and facts.reads is None:
            together.setdefault(written_as(facts), []).append(facts)
    left_out = {facts.name: _READS for facts in asked if facts.reads is not None}
    found = []
    for name, of_one in together.items():
        try:
            block = _block(of_one)
        except UnembedError as error:
            left_out[name] = str(error)
            continue
        banks = tuple(weights_of(run).bank(facts.name) for facts in of_one)
        if not banks[0].W_dec.any():
            left_out[name] = "none of its features writes anything."
            continue
        found.append(Written(name, block, banks))
    if not found:
        why = " ".join(f"{name}: {each}" for name, each in left_out.items())
        raise UnembedError(f"No bank can be added to the model behind a block. {why}")
    return found, left_out


_READS = "it is what features read, and a lens is of what they write."


def _block(of_one: Sequence[BankFacts]) -> int:
    """Return the block behind which a bank stands in the stream, by its hook or its lens.

    Raises:
        UnembedError: when that is not known, or it is written inside a block.
    """
    hook = of_one[0].hook
    if hook is None:
        for facts in of_one:
            if facts.lens is not None:
                return facts.lens.layer
        raise UnembedError(
            "it does not say where it is written. Make the run again with --hook HOOK."
        )
    point = point_of(hook)
    if point.along in ("attention", "between"):
        raise UnembedError(
            f"it is written inside a block, at {hook}, and directions are added behind blocks."
        )
    return block_behind(point)
