"""`unembed lens`: fit a model's own lens, and check whether a run's lenses are true."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from unembed import fitting, terminal
from unembed.cli.lens_check import check
from unembed.cli.options import Device, Json, OverwriteFile
from unembed.cli.output import aside, console, print_json, stoppable
from unembed.cli.progress import show_progress
from unembed.fitting import FitSettings
from unembed.numerals import megabytes
from unembed.outside.text import shown

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Lenses: what directions of a layer have become at the last one.",
)


@app.callback()
def _about() -> None:
    """Lenses: what directions of a layer have become at the last one."""


@app.command()
def fit(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A folder, a hub repository, or a .gguf file.")
    ],
    out: Annotated[
        list[Path],
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="A .safetensors file, or a .pt as lenses are published; may be given for both.",
        ),
    ],
    text: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="A text file, documents in .jsonl, or sample: what the model writes itself.",
        ),
    ] = fitting.SAMPLE,
    layers: Annotated[
        str | None,
        typer.Option(
            metavar="LAYERS",
            show_default="all but the last",
            help="Blocks behind which directions are written, such as 3,10-12; -1: the embedding.",
        ),
    ] = None,
    prompts: Annotated[int, typer.Option(min=1, help="Prompts to average over.")] = (
        FitSettings.prompts
    ),
    tokens: Annotated[int, typer.Option(min=2, help="Tokens of a prompt.")] = FitSettings.tokens,
    skip: Annotated[
        int, typer.Option(min=0, help="Tokens at the beginning of a prompt that do not count.")
    ] = FitSettings.skip,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default="8 on the CPU, else 64",
            help="Rows of J made in one pass: more take more memory.",
        ),
    ] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16", "float64"],
        typer.Option(help="What the model computes in."),
    ] = "float32",
    device: Device = FitSettings.device,
    seed: Annotated[int, typer.Option(min=0, help="Of the text that the model writes.")] = (
        FitSettings.seed
    ),
    overwrite: OverwriteFile = False,
    as_json: Json = False,
) -> None:
    """Fit a Jacobian lens to a model, for the early and middle layers.

    It runs the model forwards and backwards, and needs `pip install 'unembed[fit]'`. What was
    stopped goes on with the same command, and gives the same lens.

    unembed lens fit gpt2 -o gpt2-lens.safetensors --text corpus.txt --layers 4-8

    unembed run gpt2 mlp:4-8 --lens gpt2-lens.safetensors -o runs/gpt2
    """
    settings = FitSettings(
        layers=None if layers is None else fitting.layers_named(layers), prompts=prompts,
        tokens=tokens, skip=skip, batch=batch, dtype=dtype, device=device, seed=seed,
    )  # fmt: skip
    remarks = aside()
    with (
        stoppable(f"Stopped. What is done stays beside {shown(out[0])}; the same command goes on."),
        show_progress(remarks) as report,
    ):

        def before(memory: fitting.Memory) -> None:
            remarks.print(_said(memory), style="dim")

        lens = fitting.fit_lens(
            model, out, text=text, settings=settings, overwrite=overwrite, progress=report,
            before=before,
        )  # fmt: skip
    if as_json:
        print_json({"files": [str(each) for each in lens.paths], **lens.metadata})
    else:
        console().print(terminal.lens.draw(lens))


def _said(memory: fitting.Memory) -> Text:
    return Text(
        f"On {memory.device}: about {megabytes(memory.total)} of memory, {megabytes(memory.model)} "
        f"for the model, {megabytes(memory.graph)} for a prompt's copies, and on the CPU "
        f"{megabytes(memory.sums)} for the sums."
    )


app.command()(check)
