"""What the features of OpenMOSS' dictionaries read: `W_E` [d, F], once `encoder.weight`."""

from __future__ import annotations

from unembed.load.formats.encoders import encoder_rows, features_of
from unembed.load.formats.format import Encoder
from unembed.load.formats.reading import Faces
from unembed.load.tensors.file import TensorFile
from unembed.outside.fields import Fields

_NORMS = ("inference", "dataset-wise", "batch-wise", "token-wise", "none")
"""Ways of normalising what is read, all of them by one number a token or for all."""
_LINEAR = ("sae", "matryoshka_sae", "crosscoder", "clt")


def no_encoder(config: Fields) -> str:
    """Return why the features read no direction each, or not one that is known; else nothing."""
    kind, norm = config.text("sae_type") or "sae", config.text("norm_activation") or "none"
    if kind == "lorsa":
        return "it is a sparse attention: what its features read of a token depends on the others"
    if kind not in _LINEAR:
        return f"how a dictionary of sae_type {kind!r} encodes is not known"
    if config.flag("use_glu_encoder"):
        return "its encoder is a gated linear unit (use_glu_encoder): a product of two readings"
    if norm not in _NORMS:
        return f"what norm_activation: {norm} does to what is read is not known"
    return ""


def single(
    file: TensorFile, place: str, decoder: str, faces: Faces, bias: str, read_from: str, hook: str
) -> Encoder:
    """Return what the features of one bank read.

    Args:
        file: where it is.
        place: the file, as errors name it.
        decoder: the name of the decoder.
        faces: how the decoder is stored; the encoder beside it is the other way round.
        bias: the decoder's.
        read_from: the hook that is read.
        hook: the one that is written to.
    """
    name = "W_E" if faces == "rows" else "encoder.weight"
    turned: Faces = "columns" if faces == "rows" else "rows"
    read = encoder_rows(file, name, place, turned, features_of(file, decoder, faces, bias=bias))
    return Encoder(read, hook=None if read_from == hook else read_from)


def share(
    file: TensorFile, place: str, at: int, decoder: str, hook: str | None = None,
    steps: tuple[str, ...] = (),
) -> Encoder:  # fmt: skip
    """Return what is read at one of several places: `W_E` [places, d, F]."""
    features = features_of(file, decoder, part=(at,))
    read = encoder_rows(file, "W_E", place, "columns", features, part=(at,))
    return Encoder(read, hook=hook, steps=steps)
