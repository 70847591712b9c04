"""circuit-tracer's files: `layer_N.safetensors` transcoders, and cross-layer `W_dec_N.safetensors`.

`config.yaml` says where features read and write (`feature_input_hook`, `feature_output_hook`), in a
model whose norms are not folded (`fold_ln=False`). Of two trainers that write
`layer_N.safetensors` one stores `W_dec` as [F, d] and one as [d, F]: `b_dec`, as long as the
residual stream is wide, tells. Both store `W_enc` as [F, d].
"""

from __future__ import annotations

from torch import Tensor

from unembed.errors import FormatError
from unembed.load.formats.encoders import Count, encoder_rows, features_of
from unembed.load.formats.format import Decoder, Encoder, Format, Seen, last_number
from unembed.load.formats.reading import matrix
from unembed.load.formats.several_layers import Slice, cross_layer_shape, decoders_of_slices
from unembed.load.tensors.file import TensorFile
from unembed.outside.fields import Fields

_CONFIG = "config.yaml"
_TRAINING = ("wandb-config.yaml", "wanb-config.yaml")
"""What was trained how; the second name is a slip that some repositories have."""
_LAYER_FILE = r"layer_(\d+)\.safetensors"
_CLT_FILE = r"W_dec_(\d+)\.safetensors"
_MLP_OUT, _MLP_IN = "hook_mlp_out", "mlp.hook_in"


def _fits(seen: Seen) -> bool:
    name = seen.matching(_LAYER_FILE)
    return name is not None and {"W_enc", "W_dec"} <= {*seen.tensors(name).shapes()}


def _decoders(seen: Seen) -> list[Decoder]:
    name = seen.matching(_LAYER_FILE)
    assert name is not None
    layer = last_number(_LAYER_FILE, name)
    config = seen.config(_CONFIG)
    written = _written_hook(seen, config)
    _check_turned(seen, name)
    return [
        Decoder(
            name=f"transcoder.{layer}",
            read=matrix(
                seen.tensors(name), "W_dec", f"{seen.folder.name}/{name}",
                bias="b_dec", by_width=True,
            ),
            by_width=True,
            hook=f"blocks.{layer}.{written}" if written else None,
            layer=layer,
            model=config.text("model_name"),
            details={"architecture": "transcoder"},
        ).that_reads(_encoder(seen, name, config))
    ]  # fmt: skip


def _encoder(seen: Seen, name: str, config: Fields) -> Encoder | str:
    """Return what the features of one layer read, or why that is not known."""
    file, place = seen.tensors(name), f"{seen.folder.name}/{name}"
    stated = config.text("feature_input_hook") or (_MLP_IN if _is_trained(seen) else None)
    if stated is None:
        return _not_said(seen)
    read = encoder_rows(file, "W_enc", place, "rows", _features(file, place))
    return Encoder(read, hook=f"blocks.{last_number(_LAYER_FILE, name)}.{stated}", folded=False)


def _features(file: TensorFile, place: str) -> Count:
    """Return what says how many features there are, by the biases: W_dec may be turned either way.

    Raises, when it is called, FormatError where there are none.
    """

    def count() -> int:
        shapes = file.shapes()
        if len(shapes.get("b_enc", ())) == 1:
            return shapes["b_enc"][0]
        if "b_dec" not in shapes:
            raise FormatError(
                f"{place} has neither b_enc nor b_dec, so that its features cannot be told from "
                "the width of what they read."
            )
        return features_of(file, "W_dec", bias="b_dec")()

    return count


def _not_said(seen: Seen) -> str:
    return f"{_CONFIG} in {seen.folder.name} does not say what it reads (feature_input_hook)"


def _check_turned(seen: Seen, name: str) -> None:
    """Check that it can be told how W_dec is turned.

    Raises:
        FormatError: for a square one that no release vouches for.
    """
    shape = seen.tensors(name).shapes()["W_dec"]
    if seen.published is None and len(set(shape)) == 1:
        raise FormatError(
            f"{seen.folder.name}/{name}: W_dec is square, {list(shape)}, and some trainers that "
            "write such files store it as [features, d_model], some as [d_model, features]. Save "
            "it alone, turned as [features, d_model], and name that file."
        )


def _written_hook(seen: Seen, config: Fields) -> str | None:
    """Return what the features write to, without its layer; None where nothing says it."""
    stated = config.text("feature_output_hook")
    if stated:
        return stated
    return _MLP_OUT if _is_trained(seen) else None


def _is_trained(seen: Seen) -> bool:
    """Return whether it is of mwhanna's, all of which read and write the same places."""
    return seen.published is not None or any(seen.folder.has(name) for name in _TRAINING)


def _fits_clt(seen: Seen) -> bool:
    return seen.matching(_CLT_FILE) is not None


def _clt_decoders(seen: Seen) -> list[Decoder]:
    """Return a bank for each layer that the features write to, from their own on."""
    name = seen.matching(_CLT_FILE)
    assert name is not None
    source = last_number(_CLT_FILE, name) or 0
    file, tensor, place = seen.tensors(name), f"W_dec_{source}", f"{seen.folder.name}/{name}"
    shape = cross_layer_shape(file, tensor, place)
    config = seen.config(_CONFIG)
    written = config.text("feature_output_hook") or _MLP_OUT
    features = features_of(file, tensor, part=(slice(None), 0))
    return decoders_of_slices(
        file, place,
        [Slice(source, source + at, tensor, (slice(None), at)) for at in range(shape[1])],
        hooks=[f"blocks.{to}.{written}" for to in range(source + shape[1])],
        model=config.text("model_name"),
        encoder=_clt_encoder(seen, config, source, features),
    )  # fmt: skip


def _clt_encoder(seen: Seen, config: Fields, source: int, features: Count) -> Encoder | str:
    """Return what the features of one layer read, which lies in a file of its own."""
    name, stated = f"W_enc_{source}.safetensors", config.text("feature_input_hook")
    if stated is None:
        return _not_said(seen)

    def read() -> Tensor:
        file, place = seen.tensors(name), f"{seen.folder.name}/{name}"
        return encoder_rows(file, f"W_enc_{source}", place, "rows", features)()

    return Encoder(read, hook=f"blocks.{source}.{stated}", folded=False)


TRANSCODERS = Format(
    "circuit-tracer", "circuit-tracer transcoders (mwhanna, mntss)",
    "`layer_N.safetensors`: `W_dec` [F, d], in older ones [d, F]",
    "`W_enc` [F, d]", _fits, _decoders,
    loaders=("mwhanna_transcoder",),
    hook_of=lambda entry: f"blocks.{last_number(_LAYER_FILE, entry.path)}.{_MLP_OUT}",
)  # fmt: skip
CROSS_LAYER = Format(
    "circuit-tracer-clt", "circuit-tracer cross-layer transcoders (mntss)",
    "`W_dec_N.safetensors`: [F, layers from N on, d], a bank for each layer",
    "`W_enc_N.safetensors`: [F, d]", _fits_clt, _clt_decoders,
    loaders=("mntss_clt_layer_transcoder",),
    path_of=lambda entry: f"W_dec_{entry.path}.safetensors",
    hook_of=lambda entry: f"blocks.{entry.path}.{_MLP_OUT}",
)  # fmt: skip
