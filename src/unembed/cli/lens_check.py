"""`unembed lens check`: whether the lenses of a run tell what its features do."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

import unembed
from unembed import fitting, questions, terminal
from unembed.cli.opened import open_run
from unembed.cli.options import Banks, Csv, Device, Json, RunFolder, one_format, several
from unembed.cli.output import aside, console, print_csv, print_json, stoppable
from unembed.cli.progress import show_progress
from unembed.fitting import CheckSettings
from unembed.outside.text import shown


def check(
    path: RunFolder,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            show_default="the run's",
            help="The whole model: a folder, a hub repository, or a .gguf file.",
        ),
    ] = None,
    bank: Banks = None,
    features: Annotated[int, typer.Option(min=1, help="Features of each bank.")] = (
        CheckSettings.features
    ),
    random: Annotated[int, typer.Option(min=3, help="Random directions like them.")] = (
        CheckSettings.random
    ),
    text: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="A text file, documents in .jsonl, or neutral: 100 sentences that are broken off.",
        ),
    ] = fitting.NEUTRAL,
    prompts: Annotated[int, typer.Option(min=1, help="Prompts that the change is a mean over.")] = (
        CheckSettings.prompts
    ),
    tokens: Annotated[
        int, typer.Option(min=1, help="Tokens of a prompt that is cut from FILE.")
    ] = (CheckSettings.tokens),
    strength: Annotated[
        float, typer.Option(help="How far the stream is moved, in its own lengths.")
    ] = CheckSettings.strength,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16", "float64"],
        typer.Option(help="What the model computes in."),
    ] = "float32",
    device: Device = CheckSettings.device,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides the features and the random directions.")
    ] = CheckSettings.seed,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Check whether the lenses of a run are true: hold them against what its features do.

    Some features of each bank are added to the model behind their block, and the change of the
    logits is correlated, over all tokens, with the logit weights of every lens that the run has of
    the bank: 1 says that the lens tells all of it, 0 nothing. What is found stays with the run,
    which says from then on where a lens is not to be trusted.

    It runs the model, and needs `pip install 'unembed[fit]'`.

    unembed lens check runs/demo

    unembed lens check runs/gpt2 --bank mlp.4 --features 100 --text corpus.txt
    """
    one_format(as_json, as_csv)
    settings = CheckSettings(
        features=features, random=random, prompts=prompts, tokens=tokens, strength=strength,
        dtype=dtype, device=device, seed=seed,
    )  # fmt: skip
    remarks, run, wanted = aside(), open_run(path), several(bank)
    with (
        stoppable(f"Stopped. What was found of banks that are done stays in {shown(path)}."),
        show_progress(remarks) as report,
    ):

        def before(plan: unembed.CheckPlan) -> None:
            remarks.print(*terminal.lens_check.planned(plan), sep="\n")

        remarks.print("Reading the model …", style="dim")
        found = unembed.check_lenses(
            run, model=model, bank=wanted, text=text, settings=settings, progress=report,
            before=before,
        )  # fmt: skip
    checked = questions.same_but_for_lens(run, wanted)
    rows = found.filter(found["bank"].is_in(checked))
    if as_json:
        print_json(rows.to_dicts())
    elif as_csv:
        print_csv(rows)
    else:
        console().print(terminal.lens_check.draw(run, checked))
