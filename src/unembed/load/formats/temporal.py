"""Temporal SAEs: `conf.yaml` and `latest_ckpt.safetensors`."""

from __future__ import annotations

from unembed.load.formats.format import Decoder, Format, Seen, matrix

_CONFIG, _FILE = "conf.yaml", "latest_ckpt.safetensors"


def _fits(seen: Seen) -> bool:
    named = seen.place.file in (None, _FILE)
    return named and seen.folder.has(_CONFIG) and seen.folder.has(_FILE)


def _decoders(seen: Seen) -> list[Decoder]:
    layer = seen.number(r"layer_(\d+)")
    return [
        Decoder(
            name="sae" if layer is None else f"sae.{layer}",
            read=matrix(seen.tensors(_FILE), "D", f"{seen.folder.name}/{_FILE}", bias="b"),
            hook=None if layer is None else f"blocks.{layer}.hook_resid_post",
            layer=layer,
            details={"architecture": "temporal"},
        )
    ]


TEMPORAL = Format(
    "temporal", "temporal SAEs", "`latest_ckpt.safetensors`: `D` [F, d]", _fits, _decoders,
    loaders=("temporal",), file=f"{{}}/{_FILE}",
)  # fmt: skip
