"""The commands and their options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console

from unembed.cli import enrichment as enrichment_commands
from unembed.cli import layers as layers_commands
from unembed.cli.explain import explain as explain_command
from unembed.cli.explore import explore as explore_command
from unembed.cli.find import find as find_command
from unembed.cli.inputs import load_inputs
from unembed.cli.neuronpedia import neuronpedia as neuronpedia_command
from unembed.cli.options import Csv, Family, Json, RunFolder, one_format
from unembed.cli.output import print_json
from unembed.cli.progress import analyze_with_progress
from unembed.cli.report import report as report_command
from unembed.cli.saes import saes as saes_command
from unembed.cli.sets import app as sets_app
from unembed.demo import FEATURES as DEMO_FEATURES
from unembed.demo import MODEL as DEMO_MODEL
from unembed.enrichment import EnrichmentSettings
from unembed.enrichment.settings import FEWEST_DIRECTIONS
from unembed.lens import Lens
from unembed.store import Run
from unembed.sweep.settings import SweepSettings, Weight
from unembed.tokensets.build import DEFAULT as DEFAULT_SETS
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

app.add_typer(sets_app, name="sets")
app.command()(saes_command)
app.command()(explain_command)
app.command()(explore_command)
app.command()(report_command)
app.command()(enrichment_commands.enrichment)
app.command()(enrichment_commands.leading_edge)
app.command()(layers_commands.layers)
app.command()(layers_commands.match)
app.command()(find_command)
app.command()(neuronpedia_command)

Device = Annotated[str, typer.Option(help="A torch device, such as cpu or cuda.")]
TopK = Annotated[int, typer.Option(min=1, max=1000, help="Tokens to keep at either end.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Throw away another run in the folder first.")
]


NO_SETS = "none"
"""What `--sets` says for no token sets at all."""


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
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] FEATURES",
            help="The model (folder, .gguf file, hub repo, or a short name such as gpt2-small) may "
            "be left out where the features say it. Features: a published SAE by name (see "
            "`unembed saes`), a folder or file of one, a matrix, mlp:LAYERS or head:LAYER.HEAD for "
            "the model's own; several as blocks.{0-11} or blocks.*. NAME=… names the bank.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="The run folder.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="The model, instead of the one that the features were made for by their release: "
            "a mirror of a gated one, say."
        ),
    ] = None,
    hook: Annotated[
        str | None,
        typer.Option(
            help="Where the features are written, if their files do not say it: "
            "blocks.8.hook_resid_post, blocks.8.attn.hook_z …"
        ),
    ] = None,
    lens: Annotated[
        Lens, typer.Option(help="Logit weights, or cosines with W_U's rows.")
    ] = "logit",
    tokenizer: Annotated[
        str | None, typer.Option(help="The tokenizer's file or folder, if not beside the model.")
    ] = None,
    top_k: TopK = SweepSettings.top_k,
    tile: Annotated[int, typer.Option(min=1, help="Features worked on at once.")] = 512,
    device: Device = "cpu",
    sets: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Token sets to test: default, post, nltk, mine.yaml; several with commas; none.",
        ),
    ] = DEFAULT_SETS,
    family: Family = None,
    tsea: Annotated[
        bool,
        typer.Option(
            "--tsea/--no-tsea",
            help="Enrichment scores and AUROC too, or the direction test alone.",
        ),
    ] = True,
    null_bank: Annotated[
        str | None,
        typer.Option(
            metavar="BANK",
            help="What random directions are like: a bank of this run, another one (as FEATURES), "
            "or identity. Each bank itself, if not given.",
        ),
    ] = None,
    weight: Annotated[Weight, typer.Option(help="What a hit adds to ES.")] = "none",
    directions: Annotated[
        int, typer.Option(min=FEWEST_DIRECTIONS, help="Random directions for the null of ES.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Decides the random directions.")] = 0,
    max_q: Annotated[
        float, typer.Option(min=0, max=1, help="Pairs with q up to this are kept in full.")
    ] = 0.05,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    r"""Analyse feature banks against a model's unembedding, and keep the result in a folder.

    A published SAE by its name, with the model that it was made for:

        unembed run gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical -o runs/x

    GPT-2 small's SAE of layer 8 beside the neurons of the same layer:

        unembed run gpt2-small mlp:8 gpt2-small-res-jb/blocks.8.hook_resid_pre -o runs/gpt2

    A first look at very many features, with your own token sets:

        unembed run gpt2 huge.npy --no-tsea --sets default,mine.yaml -o runs/huge

    Stop it at any time: the same command goes on where it stopped.
    """
    settings = SweepSettings(top_k=top_k, tile=tile, device=device)
    enrichment = EnrichmentSettings(
        tsea=tsea, weight=weight, directions=directions, seed=seed, max_q=max_q
    )
    unembedding, banks, null = load_inputs(
        inputs, model=model, hook=hook, lens=lens, tokenizer=tokenizer, null_bank=null_bank
    )
    finished = analyze_with_progress(
        unembedding, banks, out, sets=None if sets == NO_SETS else sets, family=family, null=null,
        settings=settings, enrichment=enrichment, overwrite=overwrite,
    )  # fmt: skip
    _report(finished, as_json)


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

    SmolLM2-135M's sparse autoencoder of layer 26 and the MLP neurons of layers 10, 20, 26 and 29,
    14,336 features × 49,135 tokens, tested against the whole default collection of token sets.

        unembed demo && unembed show runs/demo mlp.20/1036
    """
    unembedding, banks, null = load_inputs(DEMO_FEATURES, model=DEMO_MODEL)
    finished = analyze_with_progress(
        unembedding, banks, out, sets=DEFAULT_SETS, family=None, null=null,
        settings=SweepSettings(device=device), overwrite=overwrite,
    )  # fmt: skip
    _report(finished, as_json)


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
    as_csv: Csv = False,
) -> None:
    """List a run's features with their statistics and tokens.

    The suppression-like ones of one bank:

        unembed features runs/demo --bank mlp.26 --where "kurtosis > 10 and skewness < 0"
    """
    one_format(as_json, as_csv)
    found = features_view.query(
        Run.open(path), banks=bank, where=where, sort=sort, ascending=ascending,
        limit=limit or None,
    )  # fmt: skip
    if as_json:
        print_json(found.to_dicts())
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
        print_json(facts)
    else:
        Console().print(feature_view.draw(facts, n_tokens=tokens))


def _report(finished: Run, as_json: bool) -> None:
    if as_json:
        print_json(summary.facts(finished))
    else:
        Console().print(summary.draw(finished))


def _listing(found: pl.DataFrame) -> object:
    return features_view.table(found) if found.height else "No feature fits."
