"""A run from somebody else, whose every name is meant to harm: what each command prints of it.

Sets may not be called so any more, but those of earlier versions, and of a run that somebody else
made, may be.
"""

from __future__ import annotations

import ast
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import unembed
from tests.planted import FEW, Planting, bank_of, planted_run
from unembed import Run, notebook
from unembed.cli import app
from unembed.cli.output import console, print_csv, print_line
from unembed.errors import UnembedError
from unembed.plots.theme import escaped
from unembed.tokensets import SetInfo, token_sets
from unembed.visible import ACTING, visible

EVIL = "\x1b]0;owned\x07"
TEXTS = [
    EVIL,
    " \x9b31m",
    "a\nb\r",
    "\u202egnp.exe",
    "[bold red]x[/]",
    "[/]",
    ":smile:",
    "\x00",
    "=cmd|' /C calc'!A0",
    "x" * 100_000,
    "\u200b",
    "<script>alert(1)</script>",
    "\ufeff",
    "\u2028",
]
NAMES = ("=cmd|'/C calc'!A1", f"{EVIL}names", "[bold]n[/bold] [/]", "-1+\u202e1", "n\no")
LONGEST_LINE = 100_000
"""What is piped on is never cut; this many columns are in it at most."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its run, made as before names were looked at, in a folder that is called so too."""
    random = torch.Generator().manual_seed(0)
    planting = Planting(
        torch.randn(600, 16, generator=random), TEXTS, name=f"model {EVIL} [red]", special=[20]
    )
    for at, name in enumerate(NAMES):
        members = np.arange(30 * at, 30 * at + 16)
        info = SetInfo(name, f"fam{EVIL}", f"said {EVIL} [i]x[/i] " + "d" * 30_000, f"\x1bs{at}")
        planting._drafts[name] = info, members[members != 20]
        planting._W_U[members] += 3 * torch.randn(16, generator=random)
    folder = tmp_path_factory.mktemp("hostile") / f"run {EVIL.replace('/', '')} [bold]"
    with pytest.MonkeyPatch.context() as patch:
        for check in ("_check_texts", "_check_names"):
            patch.setattr(token_sets, check, lambda infos: None)
        sets = planting.sets
        rows = torch.randn(40, 16, generator=random)
        doing = {at: 9 * planting.mean(name) for at, name in enumerate(NAMES)}
        banks = [bank_of("a", rows, doing, layer=1), bank_of("b", rows + 0.1, layer=2)]
        planted_run(folder, planting.unembedding, banks, sets, enrichment=FEW)
    return folder


COMMANDS = [
    ["features"],
    ["features", "--csv"],
    ["features", "--json"],
    ["show", "a/0"],
    ["show", "a/1", "--json"],
    ["explain", "a/1", "--stored"],
    ["explain", "a/2"],
    ["find", "--set", NAMES[1]],
    ["find", "--set", NAMES[0], "--csv"],
    ["find", "--token", TEXTS[0]],
    ["find", "--token", "\x1b"],
    ["find", "--set", "\x1b[2J"],
    ["find", "--class", "\x07"],
    ["find", "--contrast", NAMES[1], NAMES[2]],
    ["enrichment"],
    ["enrichment", "--csv"],
    ["enrichment", "--json"],
    ["enrichment", "a/1"],
    ["enrichment", "--family", "\x1b"],
    ["layers"],
    ["layers", "--json"],
    ["leading-edge", "a/1", NAMES[1]],
    ["match", "a", "b"],
    ["match", "a/1"],
    ["neuronpedia links"],
    ["show", "a\x1b/1"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: visible(" ".join(words)))
def test_nothing_that_acts_is_printed(hostile: Path, words: list[str]) -> None:
    result = CliRunner().invoke(app, [*words[0].split(), str(hostile), *words[1:]])
    assert result.exit_code == 0 or isinstance(result.exception, UnembedError), result.exception
    told = result.output + str(result.exception or "")
    assert told.strip()
    if "--json" in words or "--csv" in words:  # what has no width may stay: it acts on nothing
        assert not ACTING.search(told)
    else:
        assert visible(told, keep="\n") == told
    if "--json" in words:
        json.loads(result.stdout)
    elif "--csv" not in words:
        assert max(map(len, told.splitlines())) <= LONGEST_LINE
    assert "owned" not in told or r"\x1b]0;owned\x07" in told or r"\u001b]0;owned\u0007" in told


def test_the_summary_and_the_notebook(hostile: Path) -> None:
    run = Run.open(hostile)
    out = console()
    with out.capture() as captured:
        out.print(unembed.terminal.summary.draw(run))
    for told in (captured.get(), notebook.run_html(run), notebook.feature_html(run.feature("a/1"))):
        assert visible(told, keep="\n") == told
    assert "<script" not in told
    assert "[bold]n[/bold] [/]" in captured.get()


def test_text_in_figures() -> None:
    assert escaped(f"<b>{EVIL}$x$") == r"&lt;b&gt;\x1b]0;owned\x07&#36;x&#36;"


def test_csv_holds_no_formula_and_says_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    texts = [*NAMES, "'=1", "plain", "+1", "@x", "-", "'quoted'", "\t=1"]
    import polars as pl

    print_csv(pl.DataFrame({"text": texts, "number": -1.5, "list": [["=1"]] * len(texts)}))
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for row, text in zip(rows, texts, strict=True):
        cell = row["text"]
        assert cell == "-" or cell[0] not in "=+-@\t\r"
        bare = cell[1:] if cell.lstrip("'")[:1] in tuple("=+-@\\") and cell[0] == "'" else cell
        assert bare == visible(text, keep="\n")
        assert (row["number"], row["list"]) == ("-1.5", '["=1"]')


def test_text_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    out = console()
    with out.capture() as captured, out.status("[/] :smile: [red]"):
        out.print("[bold]a[/] [/] :smile:", "b\x1b")
    print_line("https://x/\x1b[2J")
    assert captured.get() == "[bold]a[/] [/] :smile: b\\x1b\n"
    assert capsys.readouterr().out == "https://x/\\x1b[2J\n"


def test_nothing_else_prints() -> None:
    """Every print and every console is that of `cli.output`, which sees to what is printed."""
    root = Path(unembed.__file__).parent
    found = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in ("print", "Console"))
            or (
                isinstance(node.func, ast.Attribute)
                and ast.unparse(node.func).endswith(("stdout.write", "stderr.write", "typer.echo"))
            )
        )
        and path.relative_to(root) != Path("cli/output.py")
    ]
    places = sorted(each.partition(":")[0] for each in found)
    assert places == ["cli/app.py", "load/hub/progress.py"], "the version; a label that is shown"
