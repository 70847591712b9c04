"""The documents say what is true: code blocks run, commands and options are all described."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from unembed.cli import app
from unembed.store.schema import FEATURE_COLUMNS

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/*.md", "scripts/*/*.md", "src/unembed/demo/*/*.md")
    for page in ROOT.glob(pattern)
)


def blocks(language: str) -> list[object]:
    found = []
    for page in PAGES:
        for number, block in enumerate(
            re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
        ):
            found.append(pytest.param(block, id=f"{page.name}-{number}"))
    return found


@pytest.mark.parametrize("block", blocks("python"))
def test_python_blocks_run(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block, "block", "exec"), names)
    assert names


def test_every_command_and_option_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        section = re.search(rf"## `unembed {name}.*?(?=\n## |\Z)", page, re.DOTALL)
        assert section, name
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                if option.startswith("--"):
                    assert option in section[0], f"unembed {name} {option}"


def test_commands_in_the_documents_exist() -> None:
    commands = set(typer.main.get_command(app).commands)
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            for used in re.findall(r"^(?:\.venv/bin/)?unembed (\w+)", block, re.MULTILINE):
                assert used in commands, f"{page.name}: unembed {used}"
            for target in re.findall(r"^make (\w+)", block, re.MULTILINE):
                assert f"\n{target}:" in (ROOT / "Makefile").read_text()


def test_every_column_is_documented() -> None:
    text = "".join(path.read_text() for path in ROOT.glob("docs/*.md"))
    for column in {*FEATURE_COLUMNS} - {"bank", "index"}:
        assert f"`{column}`" in text, column


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
