"""The documents say what is true: code blocks run, commands and options are all described."""

from __future__ import annotations

import ast
import importlib
import io
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
import yaml

import unembed
from scripts import document_cli, document_reach, document_sets
from tests.numbers import misses
from tests.planted import Planted
from tests.store.test_lens_check import found_of
from tests.tokensets.vocabularies import default_sets
from unembed import Run, questions
from unembed.cli import app
from unembed.demo import MODEL
from unembed.questions.neuronpedia.comparison import COLUMNS as AGREEMENT
from unembed.questions.neuronpedia.comparison import TABLE as AGREEMENT_TABLE
from unembed.store.explanation import EXPLANATION_COLUMNS
from unembed.store.lens_check import keep_lens_check
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
def test_python_blocks_run_and_give_the_numbers_in_their_comments(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a page one after the other, as they are read; most build the same token sets."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        for statement in ast.parse(block).body:
            given = execute(statement, names)
            if isinstance(statement, ast.Expr):
                line = block.splitlines()[(statement.end_lineno or 0) - 1]
                said = line[len(line.encode()[: statement.end_col_offset].decode()) :]
                assert not misses(said, given), f"{page.name}: {line}\ngives {given}"
    assert names


@pytest.mark.usefixtures("in_shared_cache")
def test_files_of_sets_in_the_documents_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = [block for page in PAGES for block in blocks(page, "yaml")]
    assert files
    for text in files:
        Path("mine.yaml").write_text(text)
        built = unembed.build_token_sets(unembed.load_vocabulary(MODEL), "default,mine.yaml")
        known = {name for info in built.infos for name in (info.name, *info.aliases)}
        assert {*yaml.safe_load(text)["sets"]} <= known | {each.name for each in built.set_aside}


def execute(statement: ast.stmt, names: dict[str, object]) -> str:
    """Run a statement; gives what it prints, or what it is, all of a frame."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        if not isinstance(statement, ast.Expr):
            exec(compile(ast.Module([statement], []), "<page>", "exec"), names)
            return printed.getvalue()
        value = eval(compile(ast.Expression(statement.value), "<page>", "eval"), names)
    rows = value.rows() if isinstance(value, pl.DataFrame) else value
    return f"{printed.getvalue()} {rows}"


def all_commands() -> dict[str, Any]:
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


def lines_of_commands(page: Path) -> Iterator[list[str]]:
    """The words behind `unembed` of every line that calls it in a page."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and Path(words[0]).name == "unembed":
                yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_documents_are_understood(page: Path) -> None:
    """Each as it stands there, options and all; none is run."""
    commands = all_commands()
    for words in lines_of_commands(page):
        at = 2 if words[0] in ("sets", "lens", "export", "neuronpedia") else 1
        name = " ".join(words[:at])
        assert name in commands, f"unembed {name}"
        commands[name].make_context(name, words[at:])


def test_targets_of_make_in_the_documents_exist() -> None:
    for page in PAGES:
        for block in blocks(page, "sh"):
            for target in re.findall(r"^make (\w+)", block, re.MULTILINE):
                assert f"\n{target}:" in (ROOT / "Makefile").read_text()


def test_options_in_the_text_exist() -> None:
    known = {
        option
        for command in document_cli.commands().values()
        for parameter in command.params
        for option in [*parameter.opts, *parameter.secondary_opts, "--help"]
    }
    for page in PAGES:
        if page.parent in (ROOT, ROOT / "docs") and page.name != "CHANGELOG.md":
            prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
            for code in re.findall(r"`((?:unembed [^`]*)?--[a-z][^`]*)`", prose):
                used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", code))
                assert used <= known, f"{page.name}: {code}"


def test_names_of_the_package_in_the_documents_exist() -> None:
    """In code that is run, and in code that is not: `unembed.discover`, not `unembed.discovery`."""
    not_names = {"unembed.run", "unembed.table", "unembed.seal"}  # keys in the metadata of Parquet
    for page in PAGES:
        if page.name == "CHANGELOG.md":
            continue
        for name in set(re.findall(r"(?<![\w./@])unembed(?:\.[A-Za-z_]\w*)+", page.read_text())):
            if name not in not_names:
                assert named(name), f"{page.name}: {name}"


def named(name: str) -> bool:
    """Whether a dotted name is something of the package that can be called or read."""
    value: Any = unembed
    for at, part in enumerate(name.split(".")[1:], 2):
        if not hasattr(value, part):
            try:
                importlib.import_module(".".join(name.split(".")[:at]))
            except ImportError:
                return False
        value = getattr(value, part)
    return True


def test_every_column_is_documented() -> None:
    text = "".join(path.read_text() for path in ROOT.glob("docs/*.md"))
    for column in {*FEATURE_COLUMNS, *EXPLANATION_COLUMNS} - {"bank", "index"}:
        assert f"`{column}`" in text, column


def searched(run: Run) -> list[str]:
    """The columns of the scores of every criterion."""
    pair = ("names:female", "names:male")
    found = unembed.find(run, token_set=pair[0], contrast=pair, token=" Paris", like="a/20")
    return [name for name in found.columns if name not in questions.list_features(run).columns]


def compared(run: Run) -> unembed.Comparison:
    """The run's two banks."""
    return unembed.compare_banks(*unembed.dictionaries(run))


OF_BOTH_SIDES = ROOT / "tests" / "golden" / "schema-5"


def checked(run: Run) -> list[str]:
    """The columns of what a check of a run's lenses found."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(shutil.copytree(run.path, Path(folder, "run")))
        keep_lens_check(copied, run.manifest, found_of("a"))
        found = questions.lens_check(Run.open(copied))
        assert found is not None
        return found.columns


FRAMES: dict[str, Callable[[Run], Iterable[str]]] = {
    "Features": lambda run: questions.list_features(run).columns,
    "Scores of a search": searched,
    "All of a run's features": lambda run: run.features.columns,
    "One feature": lambda run: questions.feature_facts(run, "a/0"),
    "Steered features": lambda run: run.steering().columns,
    "Features of one label": lambda run: run.collisions().columns,
    "Agreement": lambda run: AGREEMENT,
    "Agreement by bank and class": lambda run: AGREEMENT_TABLE,
    "Pairs of feature and token set": lambda run: run.enrichment().columns,
    "Matches of two banks": lambda run: unembed.match_banks(run, "a", "b").pairs.columns,
    "One feature in every bank": lambda run: unembed.follow(run, "a/0").columns,
    "Matches as they are listed": lambda run: (
        questions.both_signs(run, unembed.match_banks(run, "a", "b").pairs, None, limit=1).columns
    ),
    "Both sides of a feature": lambda run: (
        unembed.read_and_written(Run.open(OF_BOTH_SIDES)).columns
    ),
    "Both sides by bank": lambda run: unembed.sides_by_bank(Run.open(OF_BOTH_SIDES)).columns,
    "Banks": lambda run: questions.spread_by_bank(run).columns,
    "Classes by bank": lambda run: questions.classes_by_bank(run).columns,
    "Token sets by bank": lambda run: questions.sets_by_bank(run).columns,
    "Two dictionaries": lambda run: compared(run).features.columns,
    "Sets of one dictionary": lambda run: getattr(compared(run).sets, "columns", ()),
    "Dictionaries by interpretability": lambda run: (
        unembed.interpretability_by_bank(unembed.dictionaries(run), agree=False).columns
    ),
    "Token sets": lambda run: run.token_sets.columns,
    "Tokens": lambda run: run.tokens.columns,
    "Files of a run": lambda run: run.check().columns,
    "Checked lenses": checked,
}


def test_columns_of_every_frame_are_documented(tiny: Planted) -> None:
    """In the first cells of the tables on their page: all of them, in their order, and no other."""
    page = (ROOT / "docs" / "frames.md").read_text()
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    assert sections.keys() == FRAMES.keys()
    for name, columns in FRAMES.items():
        cells = re.findall(r"^\| (`[^|]*) \|", sections[name], re.MULTILINE)
        assert re.findall(r"`([\w ]+)`", " ".join(cells)) == list(columns(tiny.run)), name


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
