"""EleutherAI's sparsify: `cfg.json` and `sae.safetensors` in a folder named after a module.

The hookpoint is a Hugging Face module (`layers.3.mlp`): what it puts out, before a norm that
follows it. `W_dec` is [F, d], as the trainer's own decoding has it (SAELens 6.54 transposes it).
A transcoder reads the module's input. The encoder is a linear layer, [F, d].
"""

from __future__ import annotations

from unembed.load.formats.encoders import encoder_rows, features_of
from unembed.load.formats.format import Decoder, Encoder, Format, Seen, bank_of
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
        ).that_reads(_encoder(seen, hook if known else None, bool(config.flag("transcode"))))
    ]


def _encoder(seen: Seen, hook: str | None, transcodes: bool) -> Encoder | str:
    """Return what the features read, or why that is not known."""
    if transcodes and hook is None:
        return f"it is a transcoder, and its folder {seen.folder_name} is not named after a module"
    file = seen.tensors(_FILE)
    read = encoder_rows(
        file, "encoder.weight", f"{seen.folder.name}/{_FILE}", "rows",
        features_of(file, "W_dec", bias="b_dec"),
    )  # fmt: skip
    return Encoder(read, hook=f"{hook}.input" if transcodes else None)


SPARSIFY = Format(
    "sparsify", "sparsify (EleutherAI)", "`sae.safetensors`: `W_dec` [F, d]",
    "`encoder.weight` [F, d]", _fits, _decoders,
    loaders=("sparsify",), file=f"{{}}/{_FILE}",
)  # fmt: skip
