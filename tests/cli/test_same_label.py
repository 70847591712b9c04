"""What sets features of one label apart, and the exam of labels, wherever they are shown."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from pydantic import TypeAdapter
from rich.console import Console
from typer.testing import CliRunner

from tests.planted import Planted
from tests.questions.same_label import same_label_run
from unembed import Run, terminal
from unembed.cli import app
from unembed.explorer import answers
from unembed.explorer.contents import Contents
from unembed.questions import label_exam, overview
from unembed.strict_json import dumps


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return same_label_run(tmp_path_factory.mktemp("same") / "run").run


def printed(*arguments: object) -> str:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


LINE = "among 12 of a that promote months: the one without “May”"


def test_show_and_explain_say_it_in_a_line(run: Run) -> None:
    shown = printed("show", run.path, "a/2").splitlines()
    assert LINE in [line.rstrip() for line in shown]
    explained = printed("explain", run.path, "a/2", "--stored").splitlines()
    assert explained[1].rstrip() == LINE
    assert "among" not in printed("show", run.path, "a/50")


def test_show_and_explain_have_it_as_json(run: Run) -> None:
    row = run.collisions("a/2").drop("feature", "bank", "index").row(0, named=True)
    for command in (("show",), ("explain", "--stored")):
        facts = json.loads(printed(command[0], run.path, "a/2", "--json", *command[1:]))
        assert facts["collision"] == row


def test_the_explorer_answers_it(run: Run) -> None:
    adapter = TypeAdapter(answers.Feature)
    for index in range(15):
        facts = Contents(run).feature("a", index)
        adapter.validate_json(dumps(facts), strict=True)
    assert Contents(run).feature("a", 2)["collision"]["apart"] == LINE  # type: ignore[index]


def drawn(run: Run) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(terminal.summary.draw(run))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_the_summary_says_how_often_labels_pick_their_feature(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam: list[dict[str, Any]] = label_exam(run).to_dicts()
    assert overview(run)["label_exam"] == exam
    assert Contents(run).overview()["label_exam"] == exam
    assert (exam[0]["asked"], exam[0]["too_few"]) == (12, ["prediction"])
    assert (exam[1]["asked"], exam[1]["too_few"]) == (0, ["two-sided"])
    rates = f"a {exam[0]['rate']:.1%} of 12 (too few labelled of prediction), b too few"
    said = "Labels that pick their feature out of ten of its class (chance 10%): "
    assert said + rates in drawn(run)
    many = label_exam(run).clear()
    rows = [("a", 40, 30, 28.5, 0.95, ["dead"]), ("b", 0, 0, None, None, [])]
    monkeypatch.setattr(
        terminal.summary,
        "label_exam",
        lambda run: many.vstack(type(many)(rows, many.schema, orient="row")),
    )
    assert "(chance 10%): a 95.0% of 30 (too few labelled of dead), b none labelled" in drawn(run)


def test_a_run_without_classes_says_nothing_of_it(plain: Planted) -> None:
    assert overview(plain.run)["label_exam"] is None
    assert Contents(plain.run).overview()["label_exam"] is None
    assert "pick their feature" not in drawn(plain.run)
