"""Gemma Scope (Gemma 2): `params.npz` in a folder for each layer, width and sparsity.

The files hold nothing but arrays. What was read and written is said by the repository's name
(`gemma-scope-2b-pt-res`, `-mlp`, `-att`, `-transcoders`) and by the path (`layer_20`,
`embedding`).

Transcoders read what the MLP's norm puts out before its weight, which their makers folded into the
MLP (Lieberum et al. 2024, "Language model technical details"): TransformerLens'
`ln2.hook_normalized`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

from unembed.load.formats.encoders import encoder_rows, features_of
from unembed.load.formats.format import Decoder, Encoder, Format, Seen, bank_of, last_number
from unembed.load.formats.reading import matrix, no_decoder
from unembed.load.stream.sites import layer_of
from unembed.load.tensors.file import TensorFile

FILE = "params.npz"
_REPOSITORY = re.compile(r"gemma-scope-(?P<size>\d+b)-(?P<kind>pt|it)-(?P<site>\w+)")
_EMBEDDING = "hook_embed"
_HOOKS = {
    "res": "hook_resid_post",
    "mlp": "hook_mlp_out",
    "att": "attn.hook_z",
    "transcoders": "hook_mlp_out",
}


def _fits(seen: Seen) -> bool:
    return seen.matching(r"params\.npz") is not None


def _decoders(seen: Seen) -> list[Decoder]:
    file = seen.tensors(FILE)
    tensor = decoder_of(file, seen.place.name)
    found = _repository(seen.path)
    hook = hook_by_path(seen.path)
    layer = seen.number(r"layer_(\d+)") if hook is None else layer_of(hook)
    embedding = hook == _EMBEDDING
    read = matrix(file, tensor, f"{seen.place.name}/{FILE}", bias="b_dec")
    transcodes = found is not None and found["site"] == "transcoders"
    kind = "transcoder" if transcodes else "sae"
    return [
        Decoder(
            name=bank_of(kind, "embed" if embedding else layer),
            read=_times_root_width(read) if embedding else read,
            hook=hook,
            layer=layer,
            model=_model(found),
            steps=("× √d_model",) if embedding else (),
            details={"architecture": "jumprelu"},
        ).that_reads(_encoder(file, tensor, f"{seen.place.name}/{FILE}", layer, transcodes))
    ]


def _encoder(
    file: TensorFile, tensor: str, place: str, layer: int | None, transcodes: bool
) -> Encoder | str:
    """Return what the features read; of the embedding's SAEs up to one factor for all."""
    if transcodes and layer is None:
        return "its path does not name the layer that it reads"
    read = encoder_rows(
        file, encoder_beside(tensor), place, "columns", features_of(file, tensor, bias="b_dec")
    )  # fmt: skip
    return Encoder(read, hook=f"blocks.{layer}.ln2.hook_normalized" if transcodes else None)


def encoder_beside(tensor: str) -> str:
    """Return what the encoder beside a decoder is called.

    >>> encoder_beside("w_dec")
    'w_enc'
    """
    return f"{tensor.removesuffix('dec')}enc"


def decoder_of(file: TensorFile, place: str) -> str:
    """Return the decoder's name: `W_dec`, or `w_dec` in some of these files.

    Raises:
        FormatError: when the file has none.
    """
    found = [name for name in file.shapes() if name.lower() == "w_dec"]
    if len(found) != 1:
        raise no_decoder(place, file)
    return found[0]


def hook_by_path(path: str) -> str | None:
    """Return what an SAE writes to, by its repository and path; None where they do not say it.

    >>> hook_by_path("google/gemma-scope-2b-pt-att/layer_3/width_16k/average_l0_104")
    'blocks.3.attn.hook_z'
    """
    found = _repository(path)
    if found is None or found["site"] not in _HOOKS:
        return None
    inside = path[found.end() :]
    layer = last_number(r"/layer_(\d+)", inside)
    if layer is None:
        return _EMBEDDING if found["site"] == "res" and "/embedding/" in inside else None
    return f"blocks.{layer}.{_HOOKS[found['site']]}"


def _repository(path: str) -> re.Match[str] | None:
    """Return the repository that a path names last: what is above it proves nothing."""
    return next(reversed([*_REPOSITORY.finditer(path)]), None)


def _model(found: re.Match[str] | None) -> str | None:
    if found is None:
        return None
    return f"gemma-2-{found['size']}{'-it' if found['kind'] == 'it' else ''}"


def _times_root_width(read: Callable[[int | None], Tensor]) -> Callable[[int | None], Tensor]:
    """Gemma multiplies its embeddings by √d_model; these SAEs were trained before that."""

    def scaled(width: int | None) -> Tensor:
        W_dec = read(width).to(torch.float32)
        return W_dec.mul(W_dec.shape[1] ** 0.5)

    return scaled


GEMMA_SCOPE = Format(
    "gemma-scope", "Gemma Scope (Gemma 2 SAEs and transcoders)", "`params.npz`: `W_dec` [F, d]",
    "`W_enc` [d, F]", _fits, _decoders, loaders=("gemma_2", "gemma_2_transcoder"),
    file=f"{{}}/{FILE}", hook_of=lambda entry: hook_by_path(f"{entry.repo}/{entry.path}"),
)  # fmt: skip
