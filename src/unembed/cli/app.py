"""The commands and their options."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console

from unembed.cli.progress import analyze_with_progress
from unembed.demo import FEATURES as DEMO_FEATURES
from unembed.demo import MODEL as DEMO_MODEL
from unembed.features import Features
from unembed.load import load_features, load_model, load_unembedding
from unembed.store import Run
from unembed.sweep import SweepSettings
from unembed.unembedding import Lens, Unembedding
from unembed.version import __version__
from unembed.views import feature as feature_view
from unembed.views import features as features_view
from unembed.views import summary

app = typer.Typer(
    name="unembed",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Device = Annotated[str, typer.Option(help="A torch device, such as cpu or cuda.")]
TopK = Annotated[int, typer.Option(min=1, max=1000, help="Tokens to keep at either end.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Throw away another run in the folder first.")
]


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Read what a language model's features write.

    Start with `unembed demo`, which needs no network.
    """


@app.command()
def run(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder, .gguf file or hub repo.")],
    features: Annotated[
        list[str],
        typer.Argument(
            metavar="FEATURES…",
            help="SAE folder, .npy/.safetensors matrix, hub repo, or mlp:LAYERS for the model's "
            "own neurons. NAME=… names the bank.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="The run folder.")],
    lens: Annotated[
        Lens, typer.Option(help="Logit weights, or cosines with W_U's rows.")
    ] = "logit",
    tokenizer: Annotated[
        str | None, typer.Option(help="The tokenizer's file or folder, if not beside the model.")
    ] = None,
    top_k: TopK = 20,
    tile: Annotated[int, typer.Option(min=1, help="Features worked on at once.")] = 512,
    device: Device = "cpu",
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    r"""Analyse feature banks against a model's unembedding, and keep the result in a folder.

    GPT-2 small's SAE of layer 8, from the hub, beside the neurons of the same layer:

        unembed run gpt2 mlp:8 \
          hf:jbloom/GPT2-Small-SAEs-Reformatted/blocks.8.hook_resid_pre -o runs/gpt2

    Stop it at any time: the same command goes on where it stopped.
    """
    settings = SweepSettings(top_k=top_k, tile=tile, device=device)
    unembedding, banks = _load(model, features, lens, tokenizer)
    _report(analyze_with_progress(unembedding, banks, out, settings, overwrite), as_json)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="The run folder.")] = Path(
        "runs/demo"
    ),
    device: Device = "cpu",
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Analyse the embedded demo, a real language model, without a network.

    SmolLM2-135M's sparse autoencoder of layer 26 and the MLP neurons of layers 10, 20, 26 and 29:
    14,336 features × 49,135 tokens.

        unembed demo && unembed show runs/demo mlp.20/1036
    """
    unembedding, banks = _load(DEMO_MODEL, DEMO_FEATURES, "logit", None)
    settings = SweepSettings(device=device)
    _report(analyze_with_progress(unembedding, banks, out, settings, overwrite), as_json)


@app.command()
def features(
    path: RunFolder,
    bank: Annotated[
        list[str] | None, typer.Option(help="Only this bank; may be given more than once.")
    ] = None,
    sort: Annotated[str, typer.Option(help="The column to sort by.")] = "kurtosis",
    ascending: Annotated[bool, typer.Option("--ascending", help="Smallest first.")] = False,
    where: Annotated[
        str | None, typer.Option(help='An SQL condition, such as "kurtosis > 10".')
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 20,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """List a run's features with their statistics and tokens.

    The suppression-like ones of one bank:

        unembed features runs/demo --bank mlp.26 --where "kurtosis > 10 and skewness < 0"
    """
    if as_json and as_csv:
        raise typer.BadParameter("Choose one of --json and --csv.")
    found = features_view.query(
        Run.open(path), banks=bank, where=where, sort=sort, ascending=ascending,
        limit=limit or None,
    )  # fmt: skip
    if as_json:
        _print_json(found.to_dicts())
    elif as_csv:
        sys.stdout.write(features_view.to_csv(found))
    else:
        Console().print(_listing(found))


@app.command()
def show(
    path: RunFolder,
    feature: Annotated[str, typer.Argument(metavar="FEATURE", help="bank/index.")],
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to show at either end.")] = 10,
    as_json: Json = False,
) -> None:
    """Show one feature: statistics, histogram, top and bottom tokens.

    unembed show runs/demo mlp.26/1329
    """
    facts = feature_view.facts(Run.open(path), feature)
    if as_json:
        _print_json(facts)
    else:
        Console().print(feature_view.draw(facts, n_tokens=tokens))


def _load(
    model: str | Path, features: Sequence[str], lens: Lens, tokenizer: str | None
) -> tuple[Unembedding, list[Features]]:
    try:
        return _read(model, features, lens, tokenizer)
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped while reading; no run was begun.")
        raise typer.Exit(130) from None


def _read(
    model: str | Path, features: Sequence[str], lens: Lens, tokenizer: str | None
) -> tuple[Unembedding, list[Features]]:
    opened = load_model(model)
    Console(stderr=True).print(f"Reading {opened.name} …", style="dim", highlight=False)
    unembedding = load_unembedding(opened, lens=lens, tokenizer=tokenizer)
    return unembedding, [bank for ref in features for bank in load_features(ref, model=opened)]


def _report(finished: Run, as_json: bool) -> None:
    if as_json:
        _print_json(summary.facts(finished))
    else:
        Console().print(summary.draw(finished))


def _listing(found: pl.DataFrame) -> object:
    return features_view.table(found) if found.height else "No feature fits."


def _print_json(content: object) -> None:
    print(json.dumps(_finite(content), ensure_ascii=False, indent=2, allow_nan=False))


def _finite(content: object) -> object:
    """Return the content with null for infinities (a density of 0), which JSON cannot write."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
