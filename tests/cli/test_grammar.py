"""How commands are spoken to, and how they answer: alike, whole, and with a way on."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

import unembed
from tests.planted import FEW, Planting, bank_of, planted_run
from unembed import Run, questions, terminal
from unembed.cli import app, main
from unembed.errors import QueryError

LONG = "words_that_are_told_of_at_such_length_that_no_narrow_table_would_hold_all_of_their_name"
SHORT = "pronouns_second_person"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two banks; `sae.26` promotes a set of a long name in 0 and suppresses one in 1."""
    random = torch.Generator().manual_seed(0)
    axes = torch.linalg.qr(torch.randn(24, 24, generator=random))[0]
    planting = Planting(torch.randn(1500, 24, generator=random), name="spoken")
    planting.token_set(LONG, range(1, 41), family="grammar/words", along=5 * axes[0])
    planting.token_set(SHORT, range(41, 81), family="grammar/pronouns", along=5 * axes[1])
    planting.token_set("halves", range(0, 1500, 2), family="broad", along=3 * axes[2])
    doing = {
        0: 40 * axes[0], 1: -40 * axes[1], 2: 40 * (axes[0] - axes[1]), 3: 9 * axes[2]
    }  # fmt: skip
    banks = [
        bank_of(name, torch.randn(200, 24, generator=random), doing, layer=layer)
        for name, layer in (("sae.26", 26), ("mlp.3", 3))
    ]
    out = tmp_path_factory.mktemp("spoken") / "run"
    return planted_run(out, planting.unembedding, banks, planting.sets, enrichment=FEW).run


@pytest.fixture(autouse=True)
def _with_weights(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands open the run with its weights, which no file holds."""
    opened = Run.open
    monkeypatch.setattr(Run, "open", lambda path: run if Path(path) == run.path else opened(path))


def printed(*arguments: object, **environment: str) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], env=environment)
    assert result.exit_code == 0, result.output
    return result.stdout


def as_json(*arguments: object) -> Any:
    return json.loads(printed(*arguments, "--json"))


def ended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[object, str]:
    """With which status the program ends, and what it says on standard error."""
    monkeypatch.setattr(sys, "argv", ["unembed", *map(str, arguments)])
    with pytest.raises(SystemExit) as status:
        main()
    return status.value.code, capsys.readouterr().err


@pytest.mark.parametrize("command", ["find", "enrichment", "layers", "match"])
def test_help_shows_a_sign_as_it_is_typed(command: str) -> None:
    page = printed(command, "--help", COLUMNS="200")
    (line,) = [line for line in page.splitlines() if ("--sign" in line and "Only" in line) or
               ("--sign" in line and "The most" in line)]  # fmt: skip
    assert "(+)" in line
    assert "(-)" in line
    assert "•" not in page


@pytest.mark.parametrize(
    "words",
    [
        ("show", "sae.26/1", "RUN"),
        ("explain", "sae.26/1", "RUN"),
        ("enrichment", "sae.26/1", "RUN"),
        ("leading-edge", "sae.26/1", "RUN", SHORT),
        ("leading-edge", "sae.26/1", SHORT, "RUN"),
        ("match", "sae.26", "RUN", "mlp.3"),
        ("match", "sae.26", "mlp.3", "RUN"),
        ("neuronpedia", "links", "sae.26/1", "RUN"),
    ],
)
def test_the_run_comes_first(
    run: Run, words: tuple[str, ...], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    typed = [run.path if word == "RUN" else word for word in words]
    status, said = ended(capsys, monkeypatch, *typed)
    assert status == 1
    first = next(word for word in words if word.startswith("sae.26"))
    assert said == f"Error: The run comes first: {run.path} before {first}.\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sae.26:12", "'sae.26:12' is no feature: write bank/index: sae.26/12."),
        ("sae.26 12", "'sae.26 12' is no feature: write bank/index: sae.26/12."),
        ("12", "'12' is no feature: write bank/index, such as sae.26/12 or mlp.3/12."),
        ("sae.26", "'sae.26' is no feature: write bank/index, such as sae.26/0."),
        ("sae.62/1", "There is no bank 'sae.62' in this run; write bank/index. Did you mean"),
        ("sae.26/200", "sae.26 has no feature 200: its 200 indices are 0 to 199."),
    ],
)
def test_what_is_no_feature(
    run: Run, typed: str, said: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for command in ("show", "explain", "enrichment", "neuronpedia links"):
        status, found = ended(capsys, monkeypatch, *command.split(), run.path, typed)
        assert status == 1
        assert said in found
    with pytest.raises(QueryError) as error:
        run.feature(int(typed) if typed.isdecimal() else typed)
    assert said in str(error.value)


def test_features_by_place_by_option_with_commas_and_again(run: Run) -> None:
    expected = as_json("enrichment", run.path, "sae.26/0", "mlp.3/1", "--limit", 0)
    assert {row["feature"] for row in expected} == {"sae.26/0", "mlp.3/1"}
    assert len(expected) == 6
    for words in (
        ("sae.26/0,mlp.3/1",),
        ("--feature", "sae.26/0", "--feature", "mlp.3/1"),
        ("--feature", "sae.26/0, mlp.3/1"),
        ("sae.26/0", "--feature", "mlp.3/1"),
        ("sae.26/0", "mlp.3/1", "--feature", "sae.26/0"),
    ):
        assert as_json("enrichment", run.path, *words, "--limit", 0) == expected


def test_banks_families_and_classes_with_commas_and_again(run: Run) -> None:
    for command, option, values in (
        ("features", "--bank", ["sae.26", "mlp.3"]),
        ("enrichment", "--bank", ["sae.26", "mlp.3"]),
        ("enrichment", "--family", ["grammar/pronouns", "grammar/words"]),
        ("layers", "--family", ["grammar/pronouns", "broad"]),
        ("find", "--class", ["prediction", "suppression"]),
        ("find", "--bank", ["sae.26", "mlp.3"]),
    ):
        again = [word for value in values for word in (option, value)]
        every = (command, run.path, "--limit", 0)
        joined = as_json(*every, option, ",".join(values))
        assert joined == as_json(*every, *again), (command, option)
        assert joined != as_json(*every, option, values[0]), (command, option)


@pytest.mark.parametrize("command", ["enrichment", "layers"])
def test_near_families(
    run: Run, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, said = ended(capsys, monkeypatch, command, run.path, "--family", "gramar")
    assert status == 1
    assert "There is no family 'gramar'. Did you mean 'grammar'" in said


@pytest.mark.parametrize(("feature", "name"), [("sae.26/0", LONG), ("sae.26/1", SHORT)])
def test_a_leading_edge_runs_as_its_table(run: Run, feature: str, name: str) -> None:
    """The outermost first: of a suppressed set, that is the last rank."""
    edge = as_json("leading-edge", run.path, feature, name)
    ranks = [member["rank"] for member in edge["leading_edge"]]
    assert ranks == sorted(ranks, reverse=edge["es"] < 0)
    assert (edge["es"] > 0) == (feature == "sae.26/0")
    table = printed("leading-edge", run.path, feature, name, "--tokens", 100).splitlines()
    drawn = [int(line.split("'")[2].split()[0].replace(",", "")) for line in table if "'" in line]
    assert drawn == ranks


@pytest.mark.parametrize(
    "words",
    [
        ("enrichment", "RUN", "sae.26/0"),
        ("explain", "RUN", "sae.26/0", "--stored"),
        ("show", "RUN", "sae.26/0"),
        ("features", "RUN", "--where", f"label like '%{LONG.replace('_', ' ')}%'"),
        ("find", "RUN", "--set", LONG),
        ("layers", "RUN"),
        ("leading-edge", "RUN", "sae.26/0", LONG),
    ],
)
def test_what_is_piped_on_is_never_cut(run: Run, words: tuple[str, ...]) -> None:
    """However narrow the terminal was that it came from."""
    typed = [run.path if word == "RUN" else word for word in words]
    text = printed(*typed, COLUMNS="40")
    assert LONG in text or f"promotes {LONG.replace('_', ' ')}" in text
    cut = [line for line in text.splitlines() if "…" in line and "more; --tokens" not in line]
    assert cut == []


def test_whole_labels_and_tokens_are_piped_on(run: Run) -> None:
    texts = printed("features", run.path, "--limit", 0).splitlines()
    found = questions.list_features(run, limit=None)
    assert len(texts) == 1 + found.height
    for line, row in zip(texts[1:], found.iter_rows(named=True), strict=True):
        assert line.split()[0] == row["feature"]
        assert f" {row['class']} " in line
        assert f" {row['label']} " in line
    matched = printed("match", run.path, "sae.26", "mlp.3")
    assert "…" not in matched


@pytest.mark.parametrize("feature", ["sae.26/1", "sae.26/0"])
def test_a_narrow_terminal_keeps_the_name_of_the_only_set(run: Run, feature: str) -> None:
    facts = questions.explanation_facts(run, feature)
    assert len(facts["parts"]) == 1
    name = facts["parts"][0]["token_set"]
    screen = Console(width=80, file=io.StringIO(), force_terminal=True, color_system=None)
    screen.print(terminal.explanation.draw(facts))
    drawn = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, drawn)) <= 80
    heading = next(at for at, line in enumerate(drawn) if line.startswith("token set"))
    width = drawn[heading].index("tokens")
    cells = [line[:width].strip() for line in drawn[heading + 1 :]]
    assert "".join(cells).startswith(name)


def without_tokens(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its ends, of which commands show more or fewer tokens."""
    return {name: value for name, value in row.items() if name not in questions.features.ENDS}


def test_columns_are_the_same_listed_or_found(run: Run) -> None:
    """Any of them can be sorted by, or be in a condition."""
    where = "label like '%words%' or partition_r2 > 0"
    listed = as_json("features", run.path, "--where", where, "--sort", "partition_r2")
    found = as_json("find", run.path, "--where", where, "--sort", "partition_r2")
    assert [without_tokens(row) for row in listed] == [without_tokens(row) for row in found]
    assert any("words" in row["label"] for row in listed)
    shares = [row["partition_r2"] or 0 for row in listed]
    assert len(set(shares)) > 1
    assert shares == sorted(shares, reverse=True)
    with_set = as_json("find", run.path, "--set", SHORT, "--sort", "partition_r2", "--limit", 5)
    every = questions.list_features(run, sort="partition_r2", limit=5)
    assert [row["feature"] for row in with_set] == every["feature"].to_list()


def test_an_unknown_column_to_sort_by(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("features", "find"):
        words = (command, run.path, "--where", "std > 0", "--sort", "kurtosys")
        status, said = ended(capsys, monkeypatch, *words)
        assert status == 1
        assert "Did you mean 'kurtosis'" in said


def test_what_was_found_goes_to_csv(run: Run) -> None:
    found = unembed.find(run, token_set=SHORT, tokens=3)
    rows = list(csv.DictReader(io.StringIO(unembed.flat(found).write_csv())))
    assert [row["feature"] for row in rows] == found["feature"].to_list()
    assert json.loads(rows[0]["top_tokens"]) == found["top_tokens"][0].to_list()
    typed = printed("find", run.path, "--set", SHORT, "--tokens", 3, "--csv")
    assert list(csv.DictReader(io.StringIO(typed))) == rows


class Panic(BaseException):
    """What a library written in Rust raises is no Exception."""


@pytest.mark.parametrize("raised", [RuntimeError, Panic, KeyError])
def test_what_nobody_foresaw_ends_in_one_line(
    run: Run, raised: type[BaseException], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def broken(*_: object, **__: object) -> None:
        raise raised("first\nsecond")

    monkeypatch.setattr(questions.run.RunTables, "scalars", property(broken))
    status, said = ended(capsys, monkeypatch, "features", run.path)
    assert status == 70
    assert said.count("\n") == 1
    assert f"This is a fault of unembed {unembed.__version__}, not yours: {raised.__name__}" in said
    assert "report it" in said
    assert "--debug" in said
    assert "second" not in said or raised is KeyError
    for words in (("--debug", "features", run.path), ("features", run.path, "--debug")):
        monkeypatch.setattr(sys, "argv", ["unembed", *map(str, words)])
        with pytest.raises(raised, match="first"):
            main()


def test_an_interruption_is_no_fault(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(questions.run.RunTables, "scalars", property(stopped))
    monkeypatch.setattr(sys, "argv", ["unembed", "features", str(run.path)])
    with pytest.raises(SystemExit) as status:
        main()
    assert status.value.code == 130


def completed(typed: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a shell proposes where the tabulator is pressed."""
    monkeypatch.setenv("_UNEMBED_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"unembed {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split(" "))))
    result = CliRunner().invoke(app, prog_name="unembed", env=dict(os.environ))
    return result.stdout.split()


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("features RUN --bank ", ["sae.26", "mlp.3"]),
        ("find RUN --bank sae.26 --bank m", ["mlp.3"]),
        ("features RUN --bank sae.26,m", ["sae.26,mlp.3"]),
        ("match RUN m", ["mlp.3"]),
        ("match RUN sae.26 ", ["sae.26", "mlp.3"]),
        ("show RUN s", ["sae.26/"]),
        ("explain RUN ", ["sae.26/", "mlp.3/"]),
        ("enrichment RUN sae.26/0 m", ["mlp.3/"]),
        ("enrichment RUN --feature s", ["sae.26/"]),
        ("enrichment RUN --feature sae.26/0,m", ["sae.26/0,mlp.3/"]),
        ("find RUN --like m", ["mlp.3/"]),
        ("find RUN --set pro", [SHORT]),
        ("enrichment RUN --set h", ["halves"]),
        ("layers RUN --set halves --set pro", [SHORT]),
        ("leading-edge RUN sae.26/0 wo", [LONG]),
        ("enrichment RUN --family b", ["broad"]),
        ("enrichment RUN --family broad,grammar/p", ["broad,grammar/pronouns"]),
        ("layers RUN --family ", ["grammar/words", "grammar/pronouns", "broad"]),
        ("find RUN --class pred", ["prediction"]),
        ("find RUN --class prediction,supp", ["prediction,suppression"]),
        ("features /nowhere --bank ", []),
        ("sho", ["show"]),
    ],
)
def test_completion(
    run: Run, typed: str, proposed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert completed(typed.replace("RUN", str(run.path)), monkeypatch) == proposed


def test_frames_have_one_schema(run: Run) -> None:
    """Whatever lists features names a feature and its parts in the same columns."""
    parts = ("feature", "bank", "index")
    for words in (
        ("features",), ("find", "--set", SHORT), ("enrichment", "--set", SHORT),
        ("match", "sae.26", "mlp.3"), ("match", "sae.26/0"), ("show", "sae.26/0"),
        ("explain", "sae.26/0"), ("leading-edge", "sae.26/0", LONG),
    ):  # fmt: skip
        told = as_json(words[0], run.path, *words[1:])
        rows = told if isinstance(told, list) else told.get("matches", [told])
        assert set(parts) <= set(rows[0]), words
        for row in rows:
            assert row["feature"] == f"{row['bank']}/{row['index']}", words
    listed, found = (as_json(*words) for words in (
        ("features", run.path), ("find", run.path, "--class", "prediction")
    ))  # fmt: skip
    assert list(listed[0]) == list(found[0]) == list(questions.features.COLUMNS)
