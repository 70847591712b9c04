"""Dictionaries that are one torch file each: told by the tensors in it, and what lies beside."""

from __future__ import annotations

import re
from collections.abc import Callable

from unembed.errors import FormatError
from unembed.load.formats.encoders import encoder_rows, features_of
from unembed.load.formats.format import Decoder, Encoder, Format, Seen, bank_of, last_number
from unembed.load.formats.reading import Faces, matrix
from unembed.load.formats.several_layers import check_count, share_of
from unembed.load.stream.sites import layer_of
from unembed.load.tensors.torch_legacy import LegacyTorch
from unembed.load.tensors.torch_zip import TorchZip

_TORCH = r".+\.(?:pt|pth|bin|safetensors)"
_QWEN_FILE = re.compile(r"layer(\d+)\.sae\.pt")
_QWEN_REPOSITORY = re.compile(r"SAE-Res-(?P<model>[\w.-]+?)-W\d+K-L0_\d+")
_OPENAI_HOOKS = {
    "resid_delta_attn": "hook_attn_out",
    "resid_delta_mlp": "hook_mlp_out",
    "resid_post_attn": "hook_resid_mid",
    "resid_post_mlp": "hook_resid_post",
    "mlp_post_act": "mlp.hook_post",
}
"""By the folder's name, `resid_post_mlp_v5_32k/autoencoders/7.pt`, GPT-2 small's all of them."""


def _fits(*tensors: str) -> Callable[[Seen], bool]:
    """Return a test of whether a named file holds all of these tensors."""

    def fits(seen: Seen) -> bool:
        name = seen.place.file
        if name is None or not re.fullmatch(_TORCH, name):
            return False
        return {*tensors} <= {*seen.tensors(name).shapes()}

    return fits


def _one(
    seen: Seen, tensor: str, hook: str | None, *, faces: Faces, bias: str,
    encoder: tuple[str, Faces], model: str | None = None, centred: bool = False,
) -> list[Decoder]:  # fmt: skip
    """The one bank of a file; the encoder is named with how it is stored."""
    assert seen.place.file is not None
    layer, file, place = layer_of(hook), seen.tensors(seen.place.file), seen.place.name
    name, turned = encoder
    rows = encoder_rows(
        file, name, place, turned, features_of(file, tensor, faces, bias=bias)
    )  # fmt: skip
    return [
        Decoder(
            name=bank_of("sae", layer),
            read=matrix(file, tensor, place, faces=faces, bias=bias),
            hook=hook, layer=layer, model=model, encoder=Encoder(rows, centred=centred),
        )
    ]  # fmt: skip


def _resid_post(layer: int | None) -> str | None:
    return None if layer is None else f"blocks.{layer}.hook_resid_post"


def _qwen(seen: Seen) -> list[Decoder]:
    found = _QWEN_REPOSITORY.search(seen.path)
    return _one(
        seen, "W_dec", _resid_post(seen.number(r"layer(\d+)\.sae\.pt")), faces="columns",
        bias="b_dec", encoder=("W_enc", "rows"),
        model=f"Qwen/{found['model']}" if found else None,
    )  # fmt: skip


def _fits_qwen(seen: Seen) -> bool:
    name = seen.matching(_QWEN_FILE.pattern)
    return name is not None and "W_dec" in seen.tensors(name).shapes()


def _goodfire(seen: Seen) -> list[Decoder]:
    found = re.search(r"([\w.-]+)-SAE-l(\d+)\.", seen.path)
    return _one(
        seen, "decoder_linear.weight", _resid_post(last_number(r"-SAE-l(\d+)\.", seen.path)),
        faces="columns", bias="decoder_linear.bias", encoder=("encoder_linear.weight", "rows"),
        model=f"meta-llama/{found[1].replace('Meta-', '')}" if found else None,
    )  # fmt: skip


def _deepseek_r1(seen: Seen) -> list[Decoder]:
    """A decoder of its own, or tied to the encoder as `W`."""
    assert seen.place.file is not None
    tied = "W" in seen.tensors(seen.place.file).shapes()
    return _one(
        seen, "W" if tied else "decoder.weight", _resid_post(seen.number(r"-l(\d+)\.")),
        faces="columns", bias="b_dec" if tied else "decoder.bias",
        encoder=("W", "columns") if tied else ("encoder.weight", "rows"),
    )  # fmt: skip


def _fits_deepseek_r1(seen: Seen) -> bool:
    if seen.place.file is None or not re.search(r"-SAE-l\d+\.pt$", seen.place.file):
        return False
    shapes = seen.tensors(seen.place.file).shapes()
    return "W" in shapes or "decoder.weight" in shapes


def _openai(seen: Seen) -> list[Decoder]:
    path = rf"/({'|'.join(_OPENAI_HOOKS)})(?:_v\d\w*)?/(?:autoencoders/)?(\d+)\.pt"
    found = re.findall(path, f"/{seen.path}")
    site = found[-1][0] if found else None
    hook = f"blocks.{found[-1][1]}.{_OPENAI_HOOKS[site]}" if site else None
    decoders = _one(
        seen, "decoder.weight", hook, faces="columns", bias="pre_bias",
        encoder=("encoder.weight", "rows"), model="gpt2-small" if site else None,
        centred=_activation(seen) == "TopK",
    )  # fmt: skip
    if _activation(seen) is not None:
        return decoders
    unsaid = "it does not say its activation, and so not whether what it reads was normalised"
    return [each.that_reads(unsaid) for each in decoders]


def _activation(seen: Seen) -> str | None:
    """Return the activation of one of OpenAI's; None where its file is not as they wrote it.

    Those of TopK, and only those, take the activations through a LayerNorm without parameters
    first: `Autoencoder.from_state_dict` tells them so, and takes none for ReLU.
    """
    file = seen.tensors(seen.place.file or "")
    if not isinstance(file, TorchZip | LegacyTorch):
        return None
    return str(file.said().get("activation") or "ReLU")


def _hook_z_config(seen: Seen) -> str | None:
    """Return the config beside a `.pt` of ckkissane's: `…_cfg.json`."""
    name = seen.place.file
    if name is None or not name.endswith(".pt"):
        return None
    config = f"{name.removesuffix('.pt')}_cfg.json"
    return config if seen.folder.has(config) else None


def _hook_z(seen: Seen) -> list[Decoder]:
    name = _hook_z_config(seen)
    if name is None:
        raise FormatError(f"{seen.place.name} has no _cfg.json beside it, which says its hook.")
    config = seen.config(name)
    hook = config.text("act_name")
    return _one(
        seen, "W_dec", hook, faces="rows", bias="b_dec", encoder=("W_enc", "columns"),
        model=config.text("model_name"),
    )  # fmt: skip


def _fits_crosscoder(seen: Seen) -> bool:
    name = seen.matching(r"cc_weights\.pt")
    return name is not None and len(seen.tensors(name).shapes().get("W_dec", ())) == 3


def _crosscoder(seen: Seen) -> list[Decoder]:
    """A bank for each of the models that a crosscoder was trained on: `W_dec` [F, models, d].

    What its features read is added up over the models: `W_enc` [models, d, F].
    """
    file = seen.tensors("cc_weights.pt")
    count = check_count(file.shapes()["W_dec"][1], "W_dec", seen.place.name)
    config = seen.config("cfg.json")
    hook = config.text("hook_point")
    return [
        Decoder(
            name=f"crosscoder.{at}",
            read=matrix(file, "W_dec", seen.place.name, part=(slice(None), at)),
            hook=hook,
            layer=layer_of(hook),
            part=str(at),
            details={"architecture": "crosscoder", "model_number": at},
            encoder=Encoder(
                encoder_rows(
                    file, "W_enc", seen.place.name, "columns",
                    features_of(file, "W_dec", part=(slice(None), at)), part=(at,),
                ),
                steps=(share_of(count),),
            ),
        )
        for at in range(count)
    ]  # fmt: skip


QWEN_SCOPE = Format(
    "qwen-scope", "Qwen Scope", "`layerN.sae.pt`: `W_dec` [d, F]", "`W_enc` [F, d]",
    _fits_qwen, _qwen,
    loaders=("qwen_scope",),
    hook_of=lambda entry: _resid_post(last_number(r"layer(\d+)\.sae\.pt", entry.path)),
)  # fmt: skip
GOODFIRE = Format(
    "goodfire", "Goodfire", "`….pt`: `decoder_linear.weight` [d, F]",
    "`encoder_linear.weight` [F, d]",
    _fits("decoder_linear.weight"), _goodfire, loaders=("goodfire",),
    hook_of=lambda entry: _resid_post(last_number(r"-l(\d+)\.", entry.path)),
)  # fmt: skip
DEEPSEEK_R1 = Format(
    "deepseek-r1", "DeepSeek R1 (qresearch)", "`….pt`: `decoder.weight` or tied `W` [d, F]",
    "`encoder.weight` [F, d], or `W`",
    _fits_deepseek_r1, _deepseek_r1, loaders=("deepseek_r1",),
    hook_of=lambda entry: _resid_post(last_number(r"-l(\d+)\.", entry.path)),
)  # fmt: skip
OPENAI = Format(
    "openai", "OpenAI sparse_autoencoder", "`….pt`: `decoder.weight` [d, F]",
    "`encoder.weight` [F, d]; of TopK behind a LayerNorm",
    _fits("decoder.weight", "latent_bias", "pre_bias"), _openai,
)  # fmt: skip
HOOK_Z = Format(
    "hook-z-kk", "attention SAEs of Kissane et al.",
    "`….pt` with `…_cfg.json`: `W_dec` [F, heads × d_head]",
    "`W_enc` [heads × d_head, F]",
    lambda seen: _hook_z_config(seen) is not None, _hook_z,
    loaders=("connor_rob_hook_z",),
    hook_of=lambda entry: entry.id.replace("hook_z", "attn.hook_z"),
)  # fmt: skip
CROSSCODER = Format(
    "crosscoder", "crosscoders of Kissane et al.",
    "`cc_weights.pt`: `W_dec` [F, models, d], a bank for each model",
    "`W_enc` [models, d, F]", _fits_crosscoder, _crosscoder,
)  # fmt: skip
