"""`unembed export control-vector`: features as llama.cpp adds them to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unembed import steering
from unembed.cli.completion import complete_feature
from unembed.cli.opened import open_run
from unembed.cli.options import Json, OverwriteFile, RunFolder, several
from unembed.cli.output import console, print_json
from unembed.outside.text import shown


def control_vector(
    path: RunFolder,
    features: Annotated[
        list[str],
        typer.Argument(
            metavar="FEATURE",
            help="Features: bank/index; those of one block are added up.",
            autocompletion=complete_feature,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The .gguf file to write.")
    ],
    strength: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="How long each is, in lengths of the stream behind its block, which is known "
            "where a feature of that block was steered.",
            show_default="one unit of the feature",
        ),
    ] = None,
    overwrite: OverwriteFile = False,
    as_json: Json = False,
) -> None:
    """Write features as a control vector that llama.cpp reads. Needs the extra `gguf`.

        unembed export control-vector runs/demo sae.26/1242 -o he.gguf --strength 0.3

        llama-cli -m model.gguf --control-vector-scaled he.gguf:1 -p "The report says"

    Block N is steered by the tensor `direction.N`; llama.cpp has none for block 0.
    """
    named = several(features) or []
    run = open_run(path, *named)
    written = steering.write_control_vector(run, named, out, strength=strength, overwrite=overwrite)
    if as_json:
        print_json({**written._asdict(), "path": str(written.path)})
        return
    of = ", ".join(
        f"direction.{block} (length {length:.3g})"
        for block, length in zip(written.blocks, written.lengths, strict=True)
    )
    console().print(f"Wrote {shown(written.path)}: {of}, for {shown(written.model_hint)}.")
