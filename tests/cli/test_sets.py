"""`unembed sets`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from unembed import Run
from unembed.cli import app, main
from unembed.demo import MODEL

MINE = """
sets:
  gases: helium neon argon xenon krypton radon
  few: {words: [Helium, unobtainium], case: exact}
  of: {union: ['form:of']}
"""


pytestmark = [pytest.mark.usefixtures("in_shared_cache"), pytest.mark.slow]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    return path


def printed(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["sets", *map(str, arguments)], env={"COLUMNS": "140"})
    assert result.exit_code == 0, result.output
    return result.stdout


def failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> str:
    monkeypatch.setattr("sys.argv", ["unembed", "sets", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    return " ".join(capsys.readouterr().err.split())


def test_list_shows_families_first() -> None:
    shown = printed("list")
    assert "meaning/time" in shown
    assert "months, months_short" in shown
    assert "sets of Vocabulary(49,152 tokens" in shown


def test_list_a_family() -> None:
    shown = printed("list", "--family", "time,religion", "--min-size", "10")
    assert "months" in shown
    assert "mythology" in shown
    assert "wordnet:" not in shown
    assert "' May'" in shown
    assert "0 of 12" in shown


def test_list_by_token_and_pattern() -> None:
    names = {each["name"] for each in json.loads(printed("list", "--token", " May", "--json"))}
    assert {"months", "form:may", "title_case"} <= names
    assert not names & {"modals", "weekdays"}
    shown = json.loads(printed("list", "--pattern", "keywords:*", "--max-size", "40", "--json"))
    assert all(each["name"].startswith("keywords:") and each["size"] <= 40 for each in shown)
    assert {"name", "family", "size", "missed", "source"} <= set(shown[0])


def test_list_what_was_set_aside() -> None:
    assert "tokens in this vocabulary, fewer than 3" in printed("list", "--aside")
    aside = {each["name"]: each for each in json.loads(printed("list", "--aside", "--json"))}
    assert aside["digits_3"]["set_aside"].startswith("0 tokens")


def test_show() -> None:
    shown = printed("show", "months")
    assert "months: 24 tokens" in shown
    assert "12 of 12 are single tokens" in shown
    assert "' December'" in shown
    facts = json.loads(printed("show", "months", "--json"))
    assert facts["size"] == len(facts["ids"]) == len(facts["tokens"]) == 24
    assert "more; --tokens shows them" in printed("show", "leading_space", "--tokens", "5")


def test_show_a_set_that_was_set_aside() -> None:
    assert "set aside" in printed("show", "digits_3")


def test_sets_of_ones_own(mine: Path) -> None:
    assert "gases" in printed("list", "--sets", mine, "--min-size", "1")
    facts = json.loads(printed("show", "gases", "--sets", f"default,{mine}", "--json"))
    assert " helium" in facts["tokens"]


def test_check(mine: Path) -> None:
    shown = printed("check", mine)
    assert "of 6 words are no single tokens" in shown
    assert "the same tokens as the built-in" in shown
    found = {each["name"]: each for each in json.loads(printed("check", mine, "--json"))}
    assert found["few"]["missed"] == ["Helium", "unobtainium"]
    assert found["few"]["set_aside"]


@pytest.mark.parametrize("ending", ["gmt", "json", "parquet"])
def test_export(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"time.{ending}"
    assert printed("export", out, "--family", "time") == ""
    if ending == "gmt":
        assert out.read_text().startswith("months\tmeaning/time: The twelve months.\t␣")
        again = json.loads(printed("show", "months", "--sets", out, "--json"))
        assert len(again["ids"]) == 24
    elif ending == "json":
        assert len(json.loads(out.read_text())["months"]["ids"]) == 24
    else:
        assert pl.read_parquet(out).filter(name="months")["size"].item() == 24


def test_export_by_ids(tmp_path: Path) -> None:
    printed("export", tmp_path / "x.gmt", "--pattern", "months", "--ids")
    assert (tmp_path / "x.gmt").read_text().split("\t")[2].isdecimal()


def test_another_tokenizer(tmp_path: Path) -> None:
    tokens = {"<s>": 0, "▁May": 1, "▁June": 2, "▁July": 3}
    content = {"model": {"type": "BPE", "vocab": tokens, "unk_token": "<s>"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    shown = printed("show", "months", "--tokenizer", tmp_path)
    assert "' May'" in shown
    assert "months: 3 tokens" in shown


def test_mistakes_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: object) -> str:
        return failure(monkeypatch, capsys, *arguments)

    assert "Did you mean 'months'" in told("show", "month")
    assert "no family 'tim'" in told("list", "--family", "tim")
    assert "is no token of" in told("list", "--token", " Unobtainium")
    assert "no collection 'defualt'" in told("list", "--sets", "defualt")
    assert "ends in none of .gmt, .json, .parquet" in told("export", tmp_path / "x.txt")
    (tmp_path / "bad.yaml").write_text("sets:\n  a:\n    word: x")
    assert "bad.yaml, line 3: 'word' is no key" in told("check", tmp_path / "bad.yaml")
    assert not list(tmp_path.glob("x.*"))


def test_an_export_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    told = failure(monkeypatch, capsys, "export", tmp_path / "file" / "x.gmt")
    assert "cannot be written" in told


def test_help_teaches_with_an_example() -> None:
    for name in ("list", "show", "export", "check", "discover"):
        _, example = printed(name, "--help").split("Usage:", 1)
        assert f"unembed sets {name} " in example


def test_discover(tmp_path: Path) -> None:
    """On a model small enough for a test, whose rows are the demo's first."""
    out = tmp_path / "found.json"
    small = cut(MODEL, tmp_path / "model", 3_000)
    shown = printed("discover", small, "-o", out, "--limit", "5")
    assert "modules; --limit 0 prints all" in shown
    found = json.loads(out.read_text())
    assert all(name.startswith("module:") for name in found)
    assert "module:digits" in found


def test_modules_with_names_of_their_own_join_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is listed is what a run tests, and the run does not look for it again."""
    small = cut(MODEL, tmp_path / "model", 3_000)
    listed = json.loads(printed("discover", small, "--named", "--json"))
    assert {each["family"] for each in listed} == {"discovered/rows"}
    left_out = json.loads(printed("discover", small, "--named", "--aside", "--json"))
    assert any(" describes it (F1 " in each["set_aside"] for each in left_out)
    monkeypatch.setattr("unembed.discovery.collection.modules_of_rows", None)
    np.save(tmp_path / "bank.npy", np.random.default_rng(0).normal(size=(600, 576)))
    typed = ["run", small, tmp_path / "bank.npy", "-o", tmp_path / "run", "--no-tsea"]
    result = CliRunner().invoke(app, [*map(str, typed), "--sets", "default,discovered"])
    assert result.exit_code == 0, result.output
    names = Run.open(tmp_path / "run").token_sets.filter(pl.col("set_aside").is_null())["name"]
    tested = {name for name in names if name.startswith("module:")}
    assert tested == {each["name"] for each in listed}


@pytest.mark.parametrize("options", [["--named", "mlp:0"], ["--aside"]])
def test_options_that_do_not_go_together(options: list[str]) -> None:
    first = [str(MODEL)] if len(options) == 2 else []
    result = CliRunner().invoke(app, ["sets", "discover", *first, *options])
    assert result.exit_code == 2
    assert "--named" in result.output


def cut(model: Path, out: Path, rows: int) -> Path:
    """A model folder with the first rows of another's unembedding."""
    from safetensors.numpy import load_file, save_file

    from unembed.load import load_unembedding

    unembedding = load_unembedding(model)
    keep = unembedding.token_ids < rows
    out.mkdir()
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    vocab = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {piece: i for piece, i in vocab.items() if i < rows}
    tokenizer["model"]["merges"] = []
    (out / "tokenizer.json").write_text(json.dumps(tokenizer))
    config = json.loads((model / "config.json").read_text())
    config = {key: value for key, value in config.items() if key != "quantization_config"}
    (out / "config.json").write_text(json.dumps({**config, "vocab_size": rows}))
    W_U = unembedding.W_U.new_zeros(rows, unembedding.d_model)
    W_U[unembedding.token_ids[keep]] = unembedding.W_U[keep]
    tensors = {
        "model.embed_tokens.weight": W_U.numpy(),
        "model.norm.weight": W_U.new_ones(unembedding.d_model).numpy(),
    }
    save_file(tensors, out / "model.safetensors")
    assert load_file(out / "model.safetensors")
    return out
