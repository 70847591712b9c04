"""Opening a model and its tokenizer with `transformers`, from what a reference names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import torch

from unembed.errors import FormatError, MissingExtraError, SourceError, listed
from unembed.fitting.blocks import Blocks
from unembed.fitting.extras import needs_accelerate, transformers_package
from unembed.fitting.gguf_once import gguf_read_once
from unembed.load.folder import LocalFolder
from unembed.load.hub import HubFolder
from unembed.load.reference import Place


class Opened(NamedTuple):
    """A model that can be run, and what its text is cut with.

    Attributes:
        blocks: of the model.
        tokenizer: of `transformers`.
        origin: where both came from, for the file's metadata.
    """

    blocks: Blocks
    tokenizer: Any
    origin: dict[str, str]


def open_causal_model(place: Place, *, dtype: torch.dtype, device: torch.device) -> Opened:
    """Return the model that lies at a place, on a device, and its tokenizer.

    A GGUF file's weights are dequantised as it is opened: where kernels for packed weights are
    installed, transformers would keep them packed, and not every such product has a gradient.

    Args:
        place: a folder of `transformers`' layout, a repository, or a GGUF file.
        dtype: to compute in.
        device: to compute on.

    Raises:
        MissingExtraError: when a package that this needs is not installed.
        SourceError: when the place is none that `transformers` can open.
        FormatError: when the model is no causal language model whose blocks can be told apart.
    """
    transformers = transformers_package()
    name, how = _named(place)
    classes = (transformers.AutoTokenizer, transformers.AutoModelForCausalLM)
    with _quiet(transformers), gguf_read_once(), _in_words(place, transformers.__version__):
        tokenizer = classes[0].from_pretrained(name, **how)
        model, loaded = classes[1].from_pretrained(
            name, dtype=dtype, output_loading_info=True, **how, **_dequantised(transformers, how)
        )
    _check_whole(place, loaded)
    return Opened(Blocks(model.to(device)), tokenizer, place.origin)


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Have transformers draw no bars and say nothing of what is checked here."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _in_words(place: Place, version: str) -> Iterator[None]:
    """Turn what transformers says of what it cannot open into an error of ours."""
    try:
        yield
    except ImportError as error:  # sentencepiece, a family's kernels …: transformers says which
        raise MissingExtraError(f"{place.name} needs another package: {_first(error)}") from error
    except (OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
        if "accelerate" in str(error):
            raise needs_accelerate() from error
        raise FormatError(
            f"{place.name} cannot be opened as a causal language model by transformers {version}: "
            f"{_first(error)}"
        ) from error


def _check_whole(place: Place, loaded: dict[str, Any]) -> None:
    """Check that no weight is missing: transformers would draw it at random.

    Raises:
        FormatError: when one is.
    """
    missing = sorted({*loaded["missing_keys"], *(each[0] for each in loaded["mismatched_keys"])})
    if missing:
        raise FormatError(
            f"{place.name} is not the whole model: {len(missing)} of its tensors are missing or "
            f"have another shape ({listed(missing, most=3)}). A lens needs all of them; the demo's "
            "model has no more than is read of weights."
        )


def _named(place: Place) -> tuple[str, dict[str, str]]:
    """Return what `from_pretrained` is called with."""
    folder, how = place.folder, {}
    inside = PurePosixPath(place.file or "")
    if place.file is not None:
        if inside.suffix.lower() != ".gguf":
            raise SourceError(
                f"{place.name} is no model that can be run: give a folder with config.json and "
                "weights, a repository of the hub, or a .gguf file."
            )
        how["gguf_file"] = inside.name
    if isinstance(folder, LocalFolder):
        return str(folder.path / inside.parent), how
    if isinstance(folder, HubFolder):
        within = str(PurePosixPath(folder.subfolder, inside.parent))
        return folder.repo, how | {"revision": folder.commit} | (
            {"subfolder": within} if within != "." else {}
        )
    raise SourceError(f"{place.name} is neither a folder of this disk nor a repository of the hub.")


def _dequantised(transformers: Any, how: dict[str, str]) -> dict[str, Any]:
    config = getattr(transformers, "GgufConfig", None)  # older ones unpack all of it anyway
    if "gguf_file" not in how or config is None:
        return {}
    return {"quantization_config": config(dequantize=True)}


def _first(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
