"""The documents say what is true: code blocks run, commands and options are all described."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import typer

from scripts import document_cli, document_reach, document_sets
from tests.tokensets.vocabularies import default_sets
from unembed.cli import app
from unembed.store.explanation import EXPLANATION_COLUMNS
from unembed.store.schema import FEATURE_COLUMNS

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/*.md", "scripts/*/*.md", "src/unembed/demo/*/*.md")
    for page in ROOT.glob(pattern)
)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.slow
@pytest.mark.usefixtures("in_shared_cache")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name
)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a page one after the other, as they are read; most build the same token sets."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, f"{page.name}: {block.splitlines()[0]}", "exec"), names)
    assert names


def all_commands() -> dict[str, click.Command]:
    """Every command by the words that call it: `show`, `sets show`."""
    found = {}
    for name, command in typer.main.get_command(app).commands.items():
        if hasattr(command, "commands"):
            found |= {f"{name} {inner}": each for inner, each in command.commands.items()}
        else:
            found[name] = command
    return found


def test_every_command_and_option_is_documented() -> None:
    page = document_cli.PAGE.read_text()
    for name, command in all_commands().items():
        section = re.search(rf"## `unembed {name}`\n\n\w.*?(?=\n## |\Z)", page, re.DOTALL)
        assert section, name
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert f"`{option}`" in section[0], f"unembed {name} {option}"


def test_the_page_of_the_command_line_is_what_the_commands_give() -> None:
    page = document_cli.PAGE.read_text()
    assert document_cli.page(page) == page, "run scripts/document_cli.py"


def test_commands_in_the_documents_exist() -> None:
    commands = all_commands()
    for page in PAGES:
        for block in blocks(page, "sh"):
            for used in re.findall(
                r"^(?:\.venv/bin/)?unembed ((?:sets )?[\w-]+)", block, re.MULTILINE
            ):
                assert used in commands, f"{page.name}: unembed {used}"
            for target in re.findall(r"^make (\w+)", block, re.MULTILINE):
                assert f"\n{target}:" in (ROOT / "Makefile").read_text()


def test_every_column_is_documented() -> None:
    text = "".join(path.read_text() for path in ROOT.glob("docs/*.md"))
    for column in {*FEATURE_COLUMNS, *EXPLANATION_COLUMNS} - {"bank", "index"}:
        assert f"`{column}`" in text, column


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        prose = re.sub(r"`[^`\n]*`|<code>.*?</code>", "", page.read_text())
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


@pytest.mark.inputs
def test_the_page_of_the_library_is_what_the_definitions_give() -> None:
    sets = default_sets("gpt2")
    assert document_sets.page(sets) == document_sets.PAGE.read_text(), (
        "run scripts/document_sets.py"
    )


def test_the_page_of_what_loads_is_what_the_tables_give() -> None:
    assert document_reach.page() == document_reach.PAGE.read_text(), "run scripts/document_reach.py"
