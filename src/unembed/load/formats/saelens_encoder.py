"""What the features of a SAELens dictionary read: `W_enc` [d_in, F], at `hook_name`.

A transcoder reads there and writes at `hook_name_out`. What is divided by one number a token
(`constant_norm_rescale`), or by one for all, is read in the same directions; a LayerNorm
(`layer_norm`) takes the mean out first. Trained on whitened activations z = (x − mean) @ matrix, a
feature reads `matrix` @ its column of W_enc, as `fold_activation_whitening` has it.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from unembed.errors import FormatError
from unembed.load.formats.encoders import encoder_rows, features_of
from unembed.load.formats.format import Encoder
from unembed.load.formats.reading import numbers_of
from unembed.load.tensors.file import TensorFile
from unembed.outside.fields import Fields
from unembed.products import product

_LINEAR = (
    "standard", "gated", "topk", "abstopk", "batchtopk", "matryoshka_batchtopk", "jumprelu",
    "transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder",
)  # fmt: skip
_NOT_LINEAR = {
    "temporal": "it is a temporal SAE: its features read what attention over the tokens before "
    "has not foretold, which is no direction of one token",
    "matching_pursuit": "it encodes by matching pursuit: each feature reads what those before it "
    "have left, which is no direction of the activations",
}
_SCALED = ("none", "expected_average_only_in", "constant_norm_rescale", "constant_scalar_rescale")
"""Ways of normalising that divide by one number a token, or by one for all."""
_LAYER_NORM, _WHITENING = "layer_norm", "covariance_whitening"


def encoder_of(
    file: TensorFile, place: str, config: Fields, whitening: TensorFile | None
) -> Encoder | str:
    """Return what the features read, or why that is not known.

    Args:
        file: the weights.
        place: the file, as errors name it.
        config: the fields of `cfg.json`, in one table with what its release says.
        whitening: the whitening that is not folded in, where it was trained so.
    """
    try:
        return _encoder(file, place, config, whitening)
    except FormatError as error:  # a field that only the encoder needs
        return str(error)


def _encoder(
    file: TensorFile, place: str, config: Fields, whitening: TensorFile | None
) -> Encoder | str:
    architecture = config.text("architecture") or "standard"
    normalize = config.content.get("normalize_activations")
    normalize = config.text("normalize_activations") if isinstance(normalize, str) else "none"
    if architecture not in _LINEAR:
        return _NOT_LINEAR.get(
            architecture, f"how the architecture {architecture!r} encodes is not known"
        )
    if normalize not in (*_SCALED, _LAYER_NORM, _WHITENING):
        return f"what normalize_activations: {normalize} does to what is read is not known"
    hook = config.text("hook_name") or config.text("hook_point")
    transcodes = config.says("hook_name_out")
    if (transcodes and hook is None) or ("transcoder" in architecture and not transcodes):
        return "it is a transcoder, and its config does not say both what it reads and writes"
    loaded = config.table("model_from_pretrained_kwargs")
    return Encoder(
        read=_reader(file, place, whitening),
        hook=_hook(config, hook) if transcodes else None,
        centred=normalize == _LAYER_NORM,
        centred_stream=bool(loaded.flag("center_writing_weights")),
        folded=loaded.flag("fold_ln"),
        steps=("@ matrixᵀ of activation_whitening.safetensors",) if whitening else (),
    )


def _hook(config: Fields, hook: str | None) -> str | None:
    """Return the hook that is read.

    SAELens calls the input of Gemma Scope 2's transcoders `hook_mlp_in`, which in TransformerLens
    is before the norm; `hf_hook_name` is what they were trained on, behind it.
    """
    inside = config.text("hf_hook_name")
    return inside if inside and hook and hook.endswith(".hook_mlp_in") else hook


def _reader(file: TensorFile, place: str, whitening: TensorFile | None) -> Callable[[], Tensor]:
    read = encoder_rows(
        file, "W_enc", place, "columns", features_of(file, "W_dec", bias="b_dec")
    )  # fmt: skip
    if whitening is None:
        return read

    def unwhitened() -> Tensor:
        rows = read()
        d = rows.shape[1]
        return product(rows, numbers_of(whitening, "matrix", place, (d, d)).T.contiguous())

    return unwhitened
