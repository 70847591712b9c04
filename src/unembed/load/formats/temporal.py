"""Temporal SAEs: `conf.yaml` and `latest_ckpt.safetensors`."""

from __future__ import annotations

from unembed.load.formats.format import Decoder, Format, Seen, bank_of
from unembed.load.formats.reading import matrix

_CONFIG, _FILE = "conf.yaml", "latest_ckpt.safetensors"


def _fits(seen: Seen) -> bool:
    return seen.holds(_CONFIG, _FILE)


def _decoders(seen: Seen) -> list[Decoder]:
    layer = seen.number(r"layer_(\d+)")
    return [
        Decoder(
            name=bank_of("sae", layer),
            read=matrix(seen.tensors(_FILE), "D", f"{seen.folder.name}/{_FILE}", bias="b"),
            hook=None if layer is None else f"blocks.{layer}.hook_resid_post",
            layer=layer,
            details={"architecture": "temporal"},
            no_encoder="it is a temporal SAE: its features read what attention over the tokens "
            "before has not foretold, which is no direction of one token",
        )
    ]


TEMPORAL = Format(
    "temporal", "temporal SAEs", "`latest_ckpt.safetensors`: `D` [F, d]",
    "none that is a direction: it reads what attention has not foretold", _fits, _decoders,
    loaders=("temporal",), file=f"{{}}/{_FILE}",
)  # fmt: skip
