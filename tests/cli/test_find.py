"""`unembed find` and `unembed neuronpedia`, run as a person runs them."""

from __future__ import annotations

import csv
import io
import json
import sys
import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.planted import FEW, planted
from unembed import Run, analyze, find, weights_of
from unembed import Run as StoredRun
from unembed.cli import app, main
from unembed.questions.neuronpedia import page, quick_list

CONTRAST = ("--contrast", "names:female", "names:male")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    unembedding, banks, sets = planted()
    out = tmp_path_factory.mktemp("found") / "run"
    return analyze(unembedding, banks, out, token_sets=sets, enrichment=FEW)


@pytest.fixture(autouse=True)
def _in_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands open the run with its weights, which no file holds."""
    unembedding, banks, _ = planted()

    def opened(path: Path) -> Run:
        found = Run(path, run.manifest)
        weights_of(found, unembedding=unembedding, banks=banks)
        return found

    monkeypatch.setattr(StoredRun, "open", opened)


@pytest.fixture
def opened_links(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    links: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda link: links.append(link) or True)
    return links


def printed(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_table_says_what_was_found(run: Run) -> None:
    lines = printed("find", run.path, *CONTRAST, "--limit", 5).splitlines()
    assert len(lines) == 6
    assert lines[0].split()[:5] == ["feature", "contrast", "z", "q", "class"]
    assert {line.split()[0] for line in lines[1:3]} == {"a/0", "a/1"}
    for line in lines[1:3]:
        feature = run.feature(line.split()[0])
        assert line.split()[1].startswith("+" if feature["index"] == 0 else "-")
        end = "top" if feature["index"] == 0 else "bottom"
        assert f"'{feature[f'{end}_tokens'][0]}'" in line


def test_json_and_csv_hold_every_column(run: Run) -> None:
    options = ["--token", " Paris", "--like", "a/20", "--layer", 3, "--sign", "+", "--limit", 0]
    rows = json.loads(printed("find", run.path, *options, "--json"))
    expected = find(
        weights_of_run(run), token=" Paris", like="a/20", layer=3, sign="+", tokens=6, limit=None
    )
    assert rows == expected.to_dicts()
    table = list(csv.DictReader(io.StringIO(printed("find", run.path, *options, "--csv"))))
    assert [row["feature"] for row in table] == [row["feature"] for row in rows]
    assert json.loads(table[0]["top_tokens"]) == rows[0]["top_tokens"]
    assert rows[0]["neuronpedia"].endswith(rows[0]["feature"].replace("a/", "3-a/"))


def weights_of_run(run: Run) -> Run:
    """The run with its weights in memory."""
    unembedding, banks, _ = planted()
    weights_of(run, unembedding=unembedding, banks=banks)
    return run


def test_likeness_shows_the_heavier_tail(run: Run) -> None:
    for line in printed("find", run.path, "--like", "a/20", "--sign", "-").splitlines()[1:]:
        feature = run.feature(line.split()[0])
        end = "top" if feature["skewness"] >= 0 else "bottom"
        assert f"'{feature[f'{end}_tokens'][0]}'" in line


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--set", "girls"], "set z"),
        (["--token-id", 1], "rank"),
        (["--like", "a/20"], "cosine"),
        (["--class", "flat"], "kurt"),
        (["--where", "kurtosis > 1000000"], "No feature fits"),
    ],
)
def test_every_kind_prints(run: Run, options: list[object], shown: str) -> None:
    assert shown in printed("find", run.path, *options)


def test_what_was_found_on_neuronpedia(run: Run, opened_links: list[str]) -> None:
    options = ["--like", "a/20", "--bank", "a", "--limit", 3]
    places = [("tiny/3-a", int(row["feature"][2:])) for row in
              json.loads(printed("find", run.path, *options, "--json"))]  # fmt: skip
    out = printed("find", run.path, *options, "--quick-list", "near 20")
    assert out.splitlines()[-1] == quick_list("near 20", places)
    assert opened_links == []
    printed("find", run.path, *options, "--open", "--neuronpedia", "a=gpt2-small/8-res-jb")
    named = [("gpt2-small/8-res-jb", index) for _, index in places]
    assert opened_links.pop() == quick_list("unembed", named)
    printed("find", run.path, "--like", "a/20", "--bank", "a", "--limit", 1, "--open")
    assert opened_links.pop() == page(*places[0])
    result = CliRunner().invoke(
        app, ["find", str(run.path), *map(str, options), "--json", "--quick-list", "near 20"]
    )
    assert json.loads(result.stdout)
    assert quick_list("near 20", places) in result.stderr


def test_pages_and_lists(run: Run, opened_links: list[str]) -> None:
    out = printed("neuronpedia", "links", run.path, "a/3", "a/20")
    assert out.splitlines() == [f"a/{i}  {page('tiny/3-a', i)}" for i in (3, 20)]
    out = printed("neuronpedia", "links", run.path, "a/3", "a/20", "--quick-list", "two")
    assert out.strip() == quick_list("two", [("tiny/3-a", 3), ("tiny/3-a", 20)])
    printed("neuronpedia", "links", run.path, "a/3", "--open")
    assert opened_links == [page("tiny/3-a", 3)]
    given = printed("neuronpedia", "links", run.path, "b/10", "--neuronpedia", "b=x/y", "--json")
    expected = {"feature": "b/10", "bank": "b", "index": 10, "neuronpedia": page("x/y", 10)}
    assert json.loads(given) == [expected]
    assert len(printed("neuronpedia", "links", run.path).splitlines()) == 300


def test_without_a_browser_the_link_is_printed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda link: False)
    result = CliRunner().invoke(app, ["neuronpedia", "links", str(run.path), "a/3", "--open"])
    assert result.stdout.strip() == page("tiny/3-a", 3)
    assert "No browser could be opened" in result.stderr


def test_export(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    out = printed("neuronpedia", "export", run.path, "a/20", "a/3", "-o", file, "--tokens", 2)
    assert out == ""
    features = json.loads(file.read_text())
    assert [feature["index"] for feature in features] == ["20", "3"]
    stored = run.feature("a/20")
    assert features[0]["pos_str"] == stored["top_tokens"][:2]
    assert features[0]["explanations"][0]["description"] == stored["label"]
    printed("neuronpedia", "export", run.path, "-o", file, "--overwrite")
    assert len(json.loads(file.read_text())) == 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["find", "RUN"], "Say what to look for"),
        (["find", "RUN", "--token", " paris"], "Near it: ' Paris'"),
        (["find", "RUN", "--token", "a", "--token-id", "3"], "not by both"),
        (["find", "RUN", "--class", "predict"], "Did you mean 'prediction'"),
        (["find", "RUN", "--set", "names:mal"], "Did you mean 'names:male'"),
        (["find", "RUN", "--contrast", "same", "names:male"], "nothing to tell apart"),
        (["find", "RUN", "--like", "b/10", "--open"], "does not know where b is"),
        (["neuronpedia", "links", "RUN", "b/10"], "does not know where b is on Neuronpedia"),
        (["neuronpedia", "links", "RUN", "a/999"], "has no feature 999"),
        (["neuronpedia", "links", "RUN", "--quick-list", "all"], "1 to 100 of them, not 300"),
        (["neuronpedia", "links", "RUN", "a/3", "--neuronpedia", "x/y"], "Which bank is 'x/y'"),
        (["neuronpedia", "export", "RUN", "a/3", "-o", "RUN"], "is a folder"),
    ],
)
def test_mistakes_end_in_a_message(
    run: Run,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [str(run.path) if word == "RUN" else word for word in arguments]
    monkeypatch.setattr(sys, "argv", ["unembed", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("name", ["find", "neuronpedia links", "neuronpedia fetch"])
def test_help_teaches_with_an_example(name: str) -> None:
    _, example = printed(*name.split(), "--help").split(f"Usage: unembed {name}", 1)
    assert f"unembed {name} " in example
