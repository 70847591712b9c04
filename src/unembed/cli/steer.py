"""`unembed steer`: features added to their model, and whether it says what their labels say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from unembed import steering, terminal
from unembed.cli.completion import complete_feature
from unembed.cli.opened import open_run
from unembed.cli.options import Device, Json, RunFolder, several
from unembed.cli.output import aside, console, print_json, stoppable
from unembed.cli.progress import show_progress
from unembed.errors import QueryError
from unembed.steering import SteerSettings

_LENGTHS = "in lengths of the stream behind the feature's block; several with commas"


def steer(
    path: RunFolder,
    features: Annotated[
        list[str],
        typer.Argument(
            metavar="FEATURE", help="Features: bank/index.", autocompletion=complete_feature
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="All of the run's model: a folder, a hub repository, or a .gguf file.",
            show_default="where the run's W_U was read from",
        ),
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Prompts, one a line.", show_default="50 neutral ones that ship"
        ),
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="A prompt; may be given more than once."),
    ] = None,
    strength: Annotated[
        list[str] | None,
        typer.Option(metavar="S", help=f"What is measured, {_LENGTHS}.", show_default="0.1"),
    ] = None,
    write: Annotated[
        int, typer.Option(min=0, help="Tokens that the model writes with each; 0 for no text.")
    ] = SteerSettings.tokens,
    texts: Annotated[
        int, typer.Option(min=0, help="Prompts, the first ones, that it writes behind.")
    ] = SteerSettings.texts,
    text_strength: Annotated[
        list[str] | None,
        typer.Option(metavar="S", help=f"What it writes with, {_LENGTHS}.", show_default="0.3,1"),
    ] = None,
    random: Annotated[
        int, typer.Option(min=1, help="Random directions of the same length to compare with.")
    ] = SteerSettings.random,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides the random directions and the random sets.")
    ] = SteerSettings.seed,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16", "float64"],
        typer.Option(help="What the model computes in."),
    ] = "float32",
    device: Device = SteerSettings.device,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep what is found in the run.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Add features to their model, and see whether the tokens of their labels rise or fall.

    It runs the model, and needs `pip install 'unembed[steer]'`. How far each set of the label moves
    is held against 200 random sets of tokens as frequent, and against random directions of the
    same length. Of the demo's run the model is found where it is installed:

        unembed steer runs/demo sae.26/1242

    With a model and prompts of one's own, three times as far:

        unembed steer runs/gpt2 sae.8/4467 --model gpt2 --text prompts.txt --strength 0.1,0.3
    """
    named = several(features) or []
    run = open_run(path, *named)
    if text is not None and prompt:
        raise QueryError("Give the prompts by --text or by --prompt, not by both.")
    settings = SteerSettings(
        strengths=_given(strength, SteerSettings.strengths), random=random, texts=texts,
        text_strengths=_given(text_strength, SteerSettings.text_strengths), tokens=write,
        seed=seed, dtype=dtype, device=device,
    )  # fmt: skip
    said = " Features that were done are kept in the run." if keep else ""
    stop = stoppable(f"Stopped.{said}", "yellow")
    with stop, show_progress(aside()) as progress:
        found = steering.steer(
            run, named, model=model, prompts=prompt or text, settings=settings, keep=keep,
            progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(found.to_dicts())
    else:
        console().print(terminal.steering.draw(found.to_dicts()))


def _given(texts: list[str] | None, default: tuple[float, ...]) -> tuple[float, ...]:
    """Return the strengths that were given, with commas between or more than once.

    Raises:
        typer.BadParameter: when one is no number.
    """
    named = several(texts)
    if named is None:
        return default
    try:
        return tuple(float(each) for each in named)
    except ValueError as error:
        raise typer.BadParameter(
            f"{', '.join(named)!r} are no strengths. Write them like 0.1,0.3."
        ) from error
