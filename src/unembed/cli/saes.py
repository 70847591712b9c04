"""`unembed saes`: the published SAEs that can be named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from unembed import load, terminal
from unembed.cli.options import Csv, Json, Limit, one_format
from unembed.cli.output import aside, console, print_csv, print_json

if TYPE_CHECKING:
    import polars as pl


def saes(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", help="Words that must all be in its name."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Only SAEs of this model, such as gemma-2-2b.")
    ] = None,
    hook: Annotated[
        str | None, typer.Option(help="Only what writes there: resid_post, mlp_out, hook_z …")
    ] = None,
    layer: Annotated[int | None, typer.Option(min=0, help="Only this layer.")] = None,
    width: Annotated[
        str | None, typer.Option(help="Only SAEs with this many features, such as 16k.")
    ] = None,
    loadable: Annotated[
        bool, typer.Option("--loadable", help="Only those that can be read.")
    ] = False,
    limit: Limit = 40,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List the published SAEs that `unembed run` takes by name; nothing is fetched.

    Releases of a model, then the SAEs of one layer, and one of them analysed:

        unembed saes --model gemma-2-2b

        unembed saes canonical --model gemma-2-2b --layer 20 --hook resid_post

        unembed run gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical -o runs/x

    The table is that of SAELens, whose newest version is read where it is installed.
    """
    one_format(as_json, as_csv)
    name = " ".join(words or ())
    found = load.list_saes(
        name, model=model, hook=hook, layer=layer, width=width, loadable=loadable
    )
    shown = found.head(limit or found.height)
    if as_json:
        print_json(shown.to_dicts())
    elif as_csv:
        print_csv(shown)
    else:
        _print(found, shown, name, overview=not (name or hook or width) and layer is None)


def _print(found: pl.DataFrame, shown: pl.DataFrame, name: str, *, overview: bool) -> None:
    out = console()
    if not found.height:
        out.print(f"No published SAE fits.{load.near_published(name)}")
    elif overview:
        out.print(terminal.saes.releases(found))
    else:
        out.print(terminal.saes.listing(shown))
    hidden = 0 if overview else found.height - shown.height
    more = f" {hidden:,} more; --limit 0 shows all." if hidden else ""
    aside().print(f"{found.height:,} SAEs, by SAELens {load.saelens_version()}.{more}", style="dim")
