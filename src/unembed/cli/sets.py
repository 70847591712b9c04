"""`unembed sets`: look at token sets, keep them in a file, check one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from unembed.cli.options import Family, Json, Sets, families_of
from unembed.cli.output import print_json
from unembed.cli.progress import discover_with_progress
from unembed.demo import MODEL as DEMO_MODEL
from unembed.demo import SAE as DEMO_SAE
from unembed.discovery import DiscoverSettings
from unembed.errors import VocabularyError
from unembed.load import load_features, load_model, load_unembedding, load_vocabulary
from unembed.tokensets import TokenSets, build_token_sets
from unembed.tokensets.check import check_file
from unembed.tokensets.export import write_sets
from unembed.views import token_sets as view

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Token sets: named sets of tokens, for any tokenizer.",
)

Tokenizer = Annotated[
    str,
    typer.Option(
        metavar="PATH",
        help="A tokenizer's file or folder, a model, or a hub repository; the demo's if none.",
    ),
]
Pattern = Annotated[str | None, typer.Option(help="Only names like this, such as 'suffix:*'.")]

_DEMO = str(DEMO_MODEL)


@app.command("list")
def list_sets(
    tokenizer: Tokenizer = _DEMO,
    sets: Sets = "default",
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
        print_json(view.overview(found))
    else:
        everything = (family, pattern, token, min_size, max_size) == (None, None, None, 1, None)
        Console().print(view.families(found) if everything else view.listing(found))
        Console().print(_footer(found), style="dim", highlight=False)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A token set.")],
    tokenizer: Tokenizer = _DEMO,
    sets: Sets = "default",
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to show.")] = 200,
    as_json: Json = False,
) -> None:
    """Show one set: where it comes from, and its tokens in this vocabulary.

    unembed sets show months --tokenizer gpt2
    """
    facts = view.facts(_build(tokenizer, sets), name)
    if as_json:
        print_json(facts)
    else:
        Console().print(view.draw(facts, n_tokens=tokens), highlight=False)


@app.command()
def export(
    out: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .gmt, .json or .parquet file to write.")
    ],
    tokenizer: Tokenizer = _DEMO,
    sets: Sets = "default",
    family: Family = None,
    pattern: Pattern = None,
    ids: Annotated[
        bool, typer.Option("--ids", help="Members by token id, not by text (.gmt).")
    ] = False,
) -> None:
    """Write sets to a file: .gmt for the tools of biology, .json or .parquet for programs.

    unembed sets export grammar.gmt --family grammar --tokenizer gpt2
    """
    found = _filtered(_build(tokenizer, sets), family, pattern)
    write_sets(found, out, members="ids" if ids else "text")
    Console(stderr=True).print(f"{len(found):,} sets in {out}.", highlight=False)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .yaml, .toml or .gmt file.")],
    tokenizer: Tokenizer = _DEMO,
    as_json: Json = False,
) -> None:
    """Check a file of one's own: what each set holds, and which words are no single tokens.

    unembed sets check mine.yaml --tokenizer gpt2
    """
    found = check_file(file, load_vocabulary(tokenizer))
    if as_json:
        print_json([vars(each) for each in found])
    else:
        Console().print(view.checks(found), highlight=False)


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
    min_words: Annotated[int, typer.Option(min=2, help="Fewest words of a module.")] = 4,
    min_z: Annotated[float, typer.Option(min=0, help="How far out a feature's tail begins.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Decides ties and the noise to compare with.")] = 0,
    device: Annotated[str, typer.Option(help="A torch device, such as cpu or cuda.")] = "cpu",
    as_json: Json = False,
) -> None:
    """Find modules of tokens in the weights, and name them after the known sets.

    Words whose rows of W_U point the same way, and tokens that the same features promote or
    suppress. On the demo, with its sparse autoencoder:

        unembed sets discover -o found.gmt
    """
    opened = load_model(model)
    named = features if features else [str(DEMO_SAE)] if model == _DEMO else []
    unembedding = load_unembedding(opened)
    banks = [bank for reference in named for bank in load_features(reference, model=opened)]
    settings = DiscoverSettings(min_words=min_words, min_z=min_z, seed=seed, device=device)
    found = discover_with_progress(unembedding, banks, settings)
    if out is not None:
        write_sets(found, out)
        Console(stderr=True).print(f"{len(found):,} modules in {out}.", highlight=False)
    if as_json:
        print_json([view.facts(found, name) for name in found])
    elif out is None or limit:
        shown = found.select(list(found)[: limit or None])
        Console().print(view.modules(shown), highlight=False)
        Console().print(f"{len(found):,} modules; --limit 0 prints all.", style="dim")


def _build(tokenizer: str, sets: str) -> TokenSets:
    console = Console(stderr=True)
    with console.status("Reading the vocabulary …") as status:
        vocabulary = load_vocabulary(tokenizer)
        status.update(f"Building the token sets of {vocabulary!r} …")
        return build_token_sets(vocabulary, sets)


def _filtered(
    sets: TokenSets,
    family: str | None,
    pattern: str | None,
    min_size: int = 1,
    max_size: int | None = None,
) -> TokenSets:
    return sets.filter(
        family=families_of(family), pattern=pattern, min_size=min_size, max_size=max_size
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
        print_json([view.facts(sets, aside.name) for aside in sets.set_aside])
    else:
        Console().print(view.left_out(sets), highlight=False)


def _footer(sets: TokenSets) -> Text:
    text = f"{len(sets):,} sets of {sets.vocabulary!r}, {len(sets.ids):,} memberships."
    aside = f" {len(sets.set_aside):,} more were set aside (--aside)." if sets.set_aside else ""
    return Text(text + aside)
