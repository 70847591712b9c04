"""EleutherAI's sparsify: `cfg.json` and `sae.safetensors` in a folder named after a module.

The hookpoint is a Hugging Face module (`layers.3.mlp`): what it puts out, before a norm that
follows it. `W_dec` is [F, d], as the trainer's own decoding has it (SAELens 6.54 transposes it).
"""

from __future__ import annotations

from unembed.load.formats.format import Decoder, Format, Seen, bank_of
from unembed.load.formats.reading import matrix
from unembed.load.stream.sites import layer_of

_CONFIG, _FILE = "cfg.json", "sae.safetensors"


def _fits(seen: Seen) -> bool:
    return seen.holds(_CONFIG, _FILE)


def _decoders(seen: Seen) -> list[Decoder]:
    config = seen.config(_CONFIG)
    hook = seen.folder_name
    layer = layer_of(hook)
    known = layer is not None or hook == "embed_tokens"
    kind = "transcoder" if config.flag("transcode") else "sae"
    return [
        Decoder(
            name=bank_of(kind, "embed" if known and layer is None else layer),
            read=matrix(seen.tensors(_FILE), "W_dec", f"{seen.folder.name}/{_FILE}", bias="b_dec"),
            hook=hook if known else None,
            layer=layer,
            details={"architecture": config.text("activation") or "topk"},
        )
    ]


SPARSIFY = Format(
    "sparsify", "sparsify (EleutherAI)", "`sae.safetensors`: `W_dec` [F, d]", _fits, _decoders,
    loaders=("sparsify",), file=f"{{}}/{_FILE}",
)  # fmt: skip
