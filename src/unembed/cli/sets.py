"""`unembed sets`: look at token sets, keep them in a file, check one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from unembed import load, terminal, tokensets
from unembed.cli.options import Device, Family, Json, OverwriteFile, Sets, several
from unembed.cli.output import aside, console, print_json
from unembed.cli.progress import discover_with_progress, named_modules_with_progress
from unembed.demo import MODEL as DEMO_MODEL
from unembed.demo import SAE as DEMO_SAE
from unembed.discovery import DiscoverSettings
from unembed.errors import VocabularyError
from unembed.outside.text import shown
from unembed.tokensets import DEFAULT

if TYPE_CHECKING:
    from unembed import TokenSets

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Token sets: named sets of tokens, for any tokenizer.",
)

Tokenizer = Annotated[
    str,
    typer.Option(
        metavar="PATH",
        show_default="the demo's",
        help="A tokenizer's file or folder, a model, or a hub repository.",
    ),
]
Pattern = Annotated[str | None, typer.Option(help="Only names like this, such as 'suffix:*'.")]

_DEMO = str(DEMO_MODEL)


@app.command("list")
def list_sets(
    tokenizer: Tokenizer = _DEMO,
    sets: Sets = DEFAULT,
    family: Family = None,
    pattern: Pattern = None,
    token: Annotated[
        str | None, typer.Option(help="Only sets that hold this token, such as ' May'.")
    ] = None,
    min_size: Annotated[int, typer.Option(min=1, help="Only sets of so many tokens.")] = 1,
    max_size: Annotated[
        int | None, typer.Option(min=1, help="Only sets of at most so many tokens.")
    ] = None,
    aside: Annotated[
        bool, typer.Option("--aside", help="List the sets that were set aside, and why.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the families, or the sets of a family, by name, or with a token.

    unembed sets list

    unembed sets list --family time

    unembed sets list --tokenizer gpt2 --token " May"
    """
    found = _filtered(_build(tokenizer, sets), family, pattern, min_size, max_size)
    if token is not None:
        found = found.select(_holding(found, token))
    if aside:
        _print_aside(found, as_json)
    elif as_json:
        print_json(tokensets.describe_all(found))
    else:
        everything = (family, pattern, token, min_size, max_size) == (None, None, None, 1, None)
        console().print(
            terminal.token_sets.families(found)
            if everything
            else terminal.token_sets.listing(found)
        )
        console().print(_footer(found), style="dim")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A token set.")],
    tokenizer: Tokenizer = _DEMO,
    sets: Sets = DEFAULT,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to show.")] = 200,
    as_json: Json = False,
) -> None:
    """Show one set: where it comes from, and its tokens in this vocabulary.

    unembed sets show months --tokenizer gpt2
    """
    facts = tokensets.describe(_build(tokenizer, sets), name)
    if as_json:
        print_json(facts)
    else:
        console().print(terminal.token_sets.draw(facts, n_tokens=tokens))


@app.command()
def export(
    out: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .gmt, .json or .parquet file to write.")
    ],
    tokenizer: Tokenizer = _DEMO,
    sets: Sets = DEFAULT,
    family: Family = None,
    pattern: Pattern = None,
    ids: Annotated[
        bool, typer.Option("--ids", help="Members by token id, not by text (.gmt).")
    ] = False,
    overwrite: OverwriteFile = False,
) -> None:
    """Write sets to a file: .gmt for the tools of biology, .json or .parquet for programs.

    unembed sets export grammar.gmt --family grammar --tokenizer gpt2
    """
    tokensets.check_export(out, overwrite=overwrite)
    found = _filtered(_build(tokenizer, sets), family, pattern)
    tokensets.write_sets(found, out, members="ids" if ids else "text", overwrite=overwrite)
    aside().print(f"{len(found):,} sets in {shown(out)}.")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .yaml, .toml or .gmt file.")],
    tokenizer: Tokenizer = _DEMO,
    as_json: Json = False,
) -> None:
    """Check a file of one's own: what each set holds, and which words are no single tokens.

    unembed sets check mine.yaml --tokenizer gpt2
    """
    found = tokensets.check_file(file, load.load_vocabulary(tokenizer))
    if as_json:
        print_json([vars(each) for each in found])
    else:
        console().print(terminal.token_sets.checks(found))


@app.command()
def discover(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="As in `unembed run`.", show_default="the demo's"),
    ] = _DEMO,
    features: Annotated[
        list[str] | None,
        typer.Argument(metavar="FEATURES…", help="Banks whose features are read too."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="A .gmt, .json or .parquet.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Modules to print; 0 for all.")] = 40,
    min_words: Annotated[
        int, typer.Option(min=2, help="Fewest words of a module.")
    ] = DiscoverSettings.min_words,
    min_z: Annotated[
        float, typer.Option(min=0, help="How far out a feature's tail begins.")
    ] = DiscoverSettings.min_z,
    seed: Annotated[
        int, typer.Option(help="Decides ties and the noise to compare with.")
    ] = DiscoverSettings.seed,
    device: Device = DiscoverSettings.device,
    named: Annotated[
        bool,
        typer.Option(
            "--named",
            help="Only modules of W_U that no known set describes and that have a name of their "
            "own: the collection `discovered` of `unembed run --sets`.",
        ),
    ] = False,
    aside: Annotated[
        bool, typer.Option("--aside", help="With --named: list those that do not join, and why.")
    ] = False,
    overwrite: OverwriteFile = False,
    as_json: Json = False,
) -> None:
    """Find modules of tokens in the weights, and name them after the known sets.

    Words whose rows of W_U point the same way, and tokens that the same features promote or
    suppress. On the demo, with its sparse autoencoder:

        unembed sets discover -o found.gmt

    Those of W_U that are news, as a collection that a run can test:

        unembed sets discover gpt2 --named -o found.gmt
    """
    _check_discover(features, named=named, aside=aside)
    if out is not None:
        tokensets.check_export(out, overwrite=overwrite)
    opened = load.load_model(model)
    unembedding = load.load_unembedding(opened)
    settings = DiscoverSettings(min_words=min_words, min_z=min_z, seed=seed, device=device)
    if named:
        found = named_modules_with_progress(unembedding, settings)
    else:
        read = features if features else [str(DEMO_SAE)] if model == _DEMO else []
        banks = [bank for each in read for bank in load.load_features(each, model=opened)]
        found = discover_with_progress(unembedding, banks, settings)
    _report_modules(found, out, limit, overwrite=overwrite, left_out=aside, as_json=as_json)


def _check_discover(features: list[str] | None, *, named: bool, aside: bool) -> None:
    if named and features:
        raise typer.BadParameter(
            "--named takes modules of W_U alone, and no FEATURES: sets that features were found "
            "with are no test of the same features."
        )
    if aside and not named:
        raise typer.BadParameter("--aside goes with --named: else every module is listed.")


def _report_modules(
    found: TokenSets,
    out: Path | None,
    limit: int,
    *,
    overwrite: bool,
    left_out: bool,
    as_json: bool,
) -> None:
    """Write the modules to a file, if one was named, and show some."""
    if out is not None:
        tokensets.write_sets(found, out, overwrite=overwrite)
        aside().print(f"{len(found):,} modules in {shown(out)}.")
    if left_out:
        _print_aside(found, as_json)
    elif as_json:
        print_json([tokensets.describe(found, name) for name in found])
    elif out is None or limit:
        some = found.select(list(found)[: limit or None])
        console().print(terminal.token_sets.modules(some))
        more = f" {len(found.set_aside):,} more do not join (--aside)." if found.set_aside else ""
        console().print(f"{len(found):,} modules; --limit 0 prints all.{more}", style="dim")


def _build(tokenizer: str, sets: str) -> TokenSets:
    with aside().status("Reading the vocabulary …") as status:
        vocabulary = load.load_vocabulary(tokenizer)
        status.update(Text(f"Building the token sets of {vocabulary!r} …"))
        return tokensets.build_token_sets(vocabulary, sets)


def _filtered(
    sets: TokenSets,
    family: list[str] | None,
    pattern: str | None,
    min_size: int = 1,
    max_size: int | None = None,
) -> TokenSets:
    return sets.filter(
        family=several(family), pattern=pattern, min_size=min_size, max_size=max_size
    )


def _holding(sets: TokenSets, token: str) -> list[str]:
    """Return the names of the sets that hold a token, given by its text."""
    try:
        return sets.containing(sets.vocabulary.texts.index(token))
    except ValueError:
        raise VocabularyError(
            f"{token!r} is no token of {sets.vocabulary!r}. Give its text as it is written, with "
            "its leading space where it has one, in quotes."
        ) from None


def _print_aside(sets: TokenSets, as_json: bool) -> None:
    if as_json:
        print_json([tokensets.describe(sets, aside.name) for aside in sets.set_aside])
    else:
        console().print(terminal.token_sets.left_out(sets))


def _footer(sets: TokenSets) -> Text:
    text = f"{len(sets):,} sets of {sets.vocabulary!r}, {len(sets.ids):,} memberships."
    aside = f" {len(sets.set_aside):,} more were set aside (--aside)." if sets.set_aside else ""
    return Text(text + aside)
