"""`unembed run` and `unembed demo`: features analysed, and kept in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unembed import questions, terminal
from unembed.analysis import Remaining, Share, check_engine
from unembed.cli.inputs import load_demo, load_inputs
from unembed.cli.options import Device, Family, Json, Overwrite, several
from unembed.cli.output import console, print_json
from unembed.cli.progress import analyze_with_progress
from unembed.enrichment import EnrichmentSettings
from unembed.enrichment.settings import FEWEST_DIRECTIONS, TseaOf
from unembed.facts import Side
from unembed.sweep import MAX_TOP_K, SweepSettings, Weight
from unembed.tokensets import DEFAULT as DEFAULT_SETS

if TYPE_CHECKING:
    from unembed import Run

NO_SETS = "none"
"""What `--sets` says for no token sets at all."""


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
        str,
        typer.Option(
            metavar="LENSES",
            help="How features are read: logit; cosine, with W_U's rows; jacobian or tuned, the "
            "published lens of the model, by which each feature is first taken from its layer to "
            "the last; or a lens's file. Several with commas, side by side: logit,jacobian. "
            "NAME=FILE says what the banks' names end with.",
        ),
    ] = "logit",
    lens_layer: Annotated[
        int | None,
        typer.Option(
            min=-1,
            metavar="LAYER",
            help="Whose matrix of the lens is taken, for features that do not say where they are "
            "written: that of the output of block LAYER; -1 for the embedding.",
        ),
    ] = None,
    lens_of_another_model: Annotated[
        bool,
        typer.Option(
            "--lens-of-another-model",
            help="Take a lens that was fitted on another model: the one that yours was trained on "
            "from, say.",
        ),
    ] = False,
    side: Annotated[
        Side,
        typer.Option(
            help="What features write, what they read (an encoder's rows; gates and up "
            "projections of neurons; over the embedding), or both, and how far they agree."
        ),
    ] = "write",
    tokenizer: Annotated[
        str | None, typer.Option(help="The tokenizer's file or folder, if not beside the model.")
    ] = None,
    fold: Annotated[
        bool,
        typer.Option(
            "--fold/--no-fold",
            help="Take the final norm into W_U; or read features with W_U as the model has it, as "
            "dashboards do whose model was loaded without processing.",
        ),
    ] = True,
    top_k: Annotated[
        int, typer.Option(min=1, max=MAX_TOP_K, help="Tokens to keep at either end.")
    ] = SweepSettings.top_k,
    tile: Annotated[
        int,
        typer.Option(
            min=1,
            help="Features worked on at once: how much memory it takes, not what comes of it.",
        ),
    ] = SweepSettings.tile,
    device: Device = SweepSettings.device,
    sets: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Token sets to test: default, post, sounds, nltk, discovered (found in W_U, which "
            "takes minutes, once a model), mine.yaml; several with commas; none.",
        ),
    ] = DEFAULT_SETS,
    family: Family = None,
    tsea: Annotated[
        TseaOf,
        typer.Option(
            help="Enrichment scores and AUROC of the pairs that pass the direction test, of all "
            "(which takes longer, and more disk), or none."
        ),
    ] = EnrichmentSettings.tsea,
    no_tsea: Annotated[
        bool, typer.Option("--no-tsea", help="The direction test alone: --tsea none.")
    ] = False,
    null_bank: Annotated[
        str | None,
        typer.Option(
            metavar="BANK",
            help="What random directions are like: a bank of this run, another one (as FEATURES), "
            "or identity. Each bank itself, if not given.",
        ),
    ] = None,
    weight: Annotated[
        Weight, typer.Option(help="What a hit adds to ES.")
    ] = EnrichmentSettings.weight,
    directions: Annotated[
        int, typer.Option(min=FEWEST_DIRECTIONS, help="Random directions for the null of ES.")
    ] = EnrichmentSettings.directions,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides the random directions.")
    ] = EnrichmentSettings.seed,
    max_q: Annotated[
        float, typer.Option(min=0, max=1, help="Pairs with q up to this are kept in full.")
    ] = EnrichmentSettings.max_q,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Make the I-th of N shares of the run, beside other programs that make the others "
            "in the same folder, here or on other machines.",
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="ray",
            help="Make the run by tasks of a Ray cluster: ray for one on this machine, or an "
            "address such as ray://head:10001 (extra ray).",
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    r"""Analyse feature banks against a model's unembedding, and keep the result in a folder.

    A published SAE by its name, with the model that it was made for:

        unembed run gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical -o runs/x

    GPT-2 small's SAE of layer 8 beside the neurons of the same layer:

        unembed run gpt2-small mlp:8 gpt2-small-res-jb/blocks.8.hook_resid_pre -o runs/gpt2

    Neurons of early layers, as the logit lens sees them and as the Jacobian lens does:

        unembed run gpt2-small mlp:0-5 --lens logit,jacobian -o runs/early

    What the same neurons read beside what they write:

        unembed run gpt2-small mlp:0-5 --side both -o runs/sides

    A first look at very many features, with your own token sets:

        unembed run gpt2 huge.npy --no-tsea --sets default,mine.yaml -o runs/huge

    On several machines that see one folder, the third of eight programs:

        unembed run gpt2 huge.npy -o /shared/huge --shard 3/8

    Stop it at any time: the same command goes on where it stopped.
    """
    how = _how(shard, engine, overwrite)
    settings = SweepSettings(top_k=top_k, tile=tile, device=device)
    enrichment = EnrichmentSettings(
        tsea="none" if no_tsea else tsea,
        weight=weight,
        directions=directions,
        seed=seed,
        max_q=max_q,
    )
    unembedding, banks, null = load_inputs(
        inputs, model=model, hook=hook, lens=lens, lens_layer=lens_layer,
        another_model=lens_of_another_model, tokenizer=tokenizer, null_bank=null_bank, side=side,
        fold=fold,
    )  # fmt: skip
    finished = analyze_with_progress(
        unembedding, banks, out, sets=None if sets == NO_SETS else sets, family=several(family),
        null=null, settings=settings, enrichment=enrichment,
        **how,
    )  # fmt: skip
    _report(finished, as_json)


def _how(shard: str | None, engine: str | None, overwrite: bool) -> dict[str, Any]:
    """Return what says who does the work, of the options that do not go with all others."""
    if shard is None:
        check_engine(engine)
        return {"engine": engine, "overwrite": overwrite}
    if overwrite:
        raise typer.BadParameter(
            "--shard and --overwrite do not go together: each program would throw away what the "
            "others made. Choose another folder, or start the run over without --shard."
        )
    if engine is not None:
        raise typer.BadParameter(
            "--shard and --engine do not go together: an engine divides all of the run by itself."
        )
    return {"share": Share.parse(shard)}


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="The run folder.")] = Path(
        "runs/demo"
    ),
    device: Device = SweepSettings.device,
    side: Annotated[
        Side, typer.Option(help="both: what the last layer's neurons read, too (mlp.29).")
    ] = "write",
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Analyse the embedded demo, a real language model, without a network.

    SmolLM2-135M's sparse autoencoder of layer 26 and the MLP neurons of layers 10, 20, 26 and 29,
    14,336 features × 49,135 tokens, tested against the whole default collection of token sets; and
    the neurons of the first three again, as they are seen through a Jacobian lens.

        unembed demo && unembed show runs/demo mlp.20/1036
    """
    unembedding, banks = load_demo(side)
    finished = analyze_with_progress(
        unembedding, banks, out, sets=DEFAULT_SETS, family=None, null="bank",
        settings=SweepSettings(device=device), overwrite=overwrite,
    )  # fmt: skip
    _report(finished, as_json)


def _report(finished: Run | Remaining, as_json: bool) -> None:
    if isinstance(finished, Remaining):
        _report_remaining(finished, as_json)
    elif as_json:
        print_json(questions.overview(finished))
    else:
        console().print(terminal.summary.draw(finished))


def _report_remaining(left: Remaining, as_json: bool) -> None:
    shares = [str(share) for share in left.shares]
    if as_json:
        print_json({"missing_tables": left.tables, "missing_shares": shares})
    else:
        by = f", of the shares {', '.join(shares)}" if shares else ""
        console().print(f"This share is done. {left.tables:,} tables are still to be made{by}.")
