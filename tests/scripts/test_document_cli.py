"""The page of the command line, of a program whose commands are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer

from scripts import document_cli

ROWS = """\
| `[MODEL] FILES` | text … | required | What to read. |
| `--out`, `-o` | `FOLDER` | required | Where to. |
| `--sign` | `+`, `-` |  | `+` or `-`; by \\|z\\|. |
| `--count` | number from 1 to 1,000 | `50` | How many. |
| `--share` | number from 0 | `0.05` |  |
| `--layer` | number … |  | Layers. |
| `--model` | text | the demo's | A model. |
| `--home` | path |  | Not shown. |
| `--fast`, `--slow` |  | `--slow` | At what speed. |
| `--json` |  |  | As JSON. |
"""


def sort(
    files: Annotated[list[str], typer.Argument(metavar="[MODEL] FILES", help="What to read.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where to.")],
    sign: Annotated[Literal["+", "-"] | None, typer.Option(help="`+` or `-`;\n  by |z|.")] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    share: Annotated[float, typer.Option(min=0)] = 0.05,
    layer: Annotated[list[int] | None, typer.Option(help="Layers.")] = None,
    model: Annotated[str, typer.Option(show_default="the demo's", help="A model.")] = "x",
    home: Annotated[Path, typer.Option(show_default=False, help="Not shown.")] = Path("/home"),
    fast: Annotated[bool, typer.Option("--fast/--slow", help="At what speed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    secret: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Sort files.

    And more that is not for the page.
    """


def show(name: str, others: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Show one."""


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    app, inner = typer.Typer(add_completion=False), typer.Typer()
    app.callback()(lambda: None)
    app.command()(sort)
    inner.command()(show)
    app.add_typer(inner, name="sets")
    monkeypatch.setattr(document_cli, "app", app)


def block(name: str) -> str:
    return f"<!-- options: {name} -->\nstale\n<!-- end -->\n"


def test_all_that_an_option_says_is_in_its_row() -> None:
    page = document_cli.page("".join(map(block, document_cli.commands())))
    assert ROWS in page
    assert "unembed sort [MODEL] FILES… --out FOLDER [OPTIONS]\n" in page
    assert "unembed sets show NAME [OTHERS…] [OPTIONS]\n" in page
    assert "secret" not in page
    assert "stale" not in page


def test_what_is_written_by_hand_stays_and_writing_again_changes_nothing() -> None:
    text = f"# Page\n\n{block('unembed')}\nBy hand.\n\n{block('unembed sort')}\nAlso.\n"
    page = document_cli.page(text)
    assert page.startswith("# Page\n\n<!-- options: unembed -->")
    assert "<!-- end -->\n\nBy hand.\n\n<!-- options: unembed sort" in page
    assert "<!-- end -->\n\nAlso.\n\n## `unembed sets show`\n\nShow one.\n\n<!--" in page
    assert document_cli.page(page) == page


def test_a_command_that_is_gone_is_named() -> None:
    with pytest.raises(SystemExit, match="options of unembed sorted: there is no such command"):
        document_cli.page(block("unembed sorted"))
