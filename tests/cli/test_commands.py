"""The command line, run as a person runs it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import unembed
from unembed import Features, Run, Unembedding, analyze
from unembed.cli import app, main, progress
from unembed.demo import MODEL
from unembed.outside.text import quoted

pytestmark = pytest.mark.slow

SETS = """
sets:
  second_person: [you, your, yours, yourself]
  digits: {regex: "[0-9]+"}
  ends_in_s: {regex: ".*[a-z]s"}
"""


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The whole program, which takes seconds to start: for what only a process of its own shows."""
    return subprocess.run(
        [sys.executable, "-m", "unembed", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "COLUMNS": "160", **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty directions as wide as the demo model."""
    path = tmp_path_factory.mktemp("vectors") / "vectors.npy"
    np.save(path, np.random.default_rng(0).standard_normal((40, 576)).astype(np.float32))
    return path


@pytest.fixture(scope="module")
def my_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three token sets of one's own."""
    path = tmp_path_factory.mktemp("sets") / "mine.yaml"
    path.write_text(SETS)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, vectors: Path, my_sets: Path) -> Path:
    """A run of the demo model with two small banks, against three sets."""
    folder = tmp_path_factory.mktemp("small") / "run"
    printed(*again(vectors, my_sets, folder))
    return folder


def again(vectors: Path, my_sets: Path, folder: Path) -> list[object]:
    """The command that made the small run."""
    return [
        "run", MODEL, vectors, f"twin={vectors}", "-o", folder, "--top-k", 5, "--sets", my_sets,
        "--directions", 200, "--seed", 3,
    ]  # fmt: skip


def printed(*arguments: object) -> str:
    """What a command prints on standard output, in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command says of a mistake, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["unembed", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 1
    return " ".join(capsys.readouterr().err.split())


def test_demo_prints_what_to_look_at_first(demo: tuple[Path, str]) -> None:
    folder, output = demo
    assert "18,944 features × 49,135 tokens of SmolLM2-135M-Instruct" in output
    for bank in ("sae.26", "mlp.10", "mlp.20", "mlp.26", "mlp.29"):
        assert f"\n{bank} " in output
        assert f"\n{bank}/" in output
    assert "tested in every feature" in output
    assert "Where to go next" in output
    assert f"unembed show {folder} sae.26/8058" in output.replace("\n", "")


def test_run_summary_as_json(
    tmp_path: Path, vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "run", MODEL, vectors, "mlp:3-3", "-o", tmp_path / "run", "--json")
    assert "no tensor 'layers.3.mlp.down_proj.weight'" in said
    assert not (tmp_path / "run").exists()
    summary = json.loads(
        printed("run", MODEL, vectors, "-o", tmp_path / "run", "--sets", "none", "--json")
    )
    assert summary["banks"][0]["bank"] == "vectors"
    assert summary["banks"][0]["features"] == 40


def test_a_first_look_before_the_run(
    tmp_path: Path, vectors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the terminal alone, and not of a run that is done, or done in a moment."""
    made = ["run", str(MODEL), str(vectors), "--sets", "none", "--json", "-o"]

    def said(folder: str) -> str:
        done = CliRunner().invoke(app, [*made, str(tmp_path / folder)])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["banks"][0]["bank"] == "vectors"
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stderr)

    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "First look" not in said("small")
    monkeypatch.setattr(progress, "_WORTH_A_LOOK", 1)
    told = said("run")
    found = Run.open(tmp_path / "run").features
    numbers = (found[name] for name in ("std", "skewness", "kurtosis"))
    spread = (
        f"{f(each):.2f}" for each in numbers for f in (pl.Series.min, np.median, pl.Series.max)
    )
    assert ["vectors", "40", "40", *spread] in [line.split() for line in told.splitlines()]
    first = found.sort("kurtosis", descending=True).row(0, named=True)
    texts = Run.open(tmp_path / "run").token_texts(pl.Series([first["top_ids"][:5]]))
    line = next(line for line in told.splitlines() if line.startswith(first["feature"]))
    assert " ".join(map(quoted, texts[0])) in line
    assert "First look" not in said("run")
    monkeypatch.delenv("FORCE_COLOR")
    assert "First look" not in said("piped")


def test_a_run_again_is_done_at_once(small: Path, vectors: Path, my_sets: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.rglob("*")}
    printed(*again(vectors, my_sets, small))
    assert before == {path: path.stat().st_mtime_ns for path in small.rglob("*")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.gguf", "mlp:1", "-o", "OUT"], "No file or folder at nowhere.gguf"),
        (["run", MODEL, "nothing.npy", "-o", "OUT"], "No file or folder at nothing.npy"),
        (["run", MODEL, "mlp:99", "-o", "OUT"], "has no layer 99"),
        (["run", MODEL, "mlp:x", "-o", "OUT"], "names no layers"),
        (["run", MODEL, MODEL, "-o", "OUT"], "holds no SAE that can be read"),
        (["run", MODEL, "mlp:10", "--device", "gpu", "-o", "OUT"], "device 'gpu' cannot be used"),
        (["show", "RUN", "vectors/99"], "has no feature 99"),
        (["show", "RUN", "vector/1"], "Did you mean 'vectors'"),
        (["features", "RUN", "--sort", "kurtosys"], "Did you mean 'kurtosis'"),
        (["features", "RUN", "--bank", "twins"], "Did you mean 'twin'"),
        (["features", "RUN", "--where", "kurtosis >"], "Write it as in SQL"),
        (["features", "RUN", "--where", "curtosis > 3"], "Write it as in SQL"),
        (["features", "nowhere"], "nowhere is no run"),
        (["run", MODEL, "V.npy", "-o", "OUT", "--sets", "defualt"], "Did you mean 'default'"),
        (["run", MODEL, "V.npy", "-o", "OUT", "--null-bank", "no.npy"], "No file or folder at no"),
        (["enrichment", "RUN", "--set", "digit"], "Did you mean 'digits'"),
        (["enrichment", "RUN", "--feature", "twin/40"], "twin has no feature 40"),
        (["enrichment", "RUN", "--sort", "aurok"], "Did you mean 'auroc'"),
        (["leading-edge", "RUN", "twin/1", "nothing"], "no token set 'nothing'"),
        (["leading-edge", "RUN", "twin/99", "digits"], "has no feature 99"),
    ],
)
def test_mistakes_end_in_a_message(
    small: Path,
    vectors: Path,
    tmp_path: Path,
    arguments: list[object],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = {"RUN": small, "OUT": tmp_path / "out", "V.npy": vectors}
    words = [str(names.get(str(word), word)) for word in arguments]
    assert message in refused(capsys, *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_mistake_shows_no_traceback(tmp_path: Path) -> None:
    done = command("run", MODEL, "mlp:99", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "has no layer 99" in done.stderr
    assert "Traceback" not in done.stderr


def test_features_table(small: Path) -> None:
    table = printed("features", small, "--limit", 3)
    assert len(table.splitlines()) == 4
    frame = Run.open(small).features.sort("kurtosis", descending=True, maintain_order=True)
    first = table.splitlines()[1].split()
    assert first[0] == f"{frame['bank'][0]}/{frame['index'][0]}"
    assert first[1:4] == [f"{frame[name][0]:.2f}" for name in ("std", "skewness", "kurtosis")]


def test_features_as_json(small: Path) -> None:
    rows = json.loads(
        printed("features", small, "--bank", "twin", "--where", "skewness > 0", "--sort", "std",
                "--ascending", "--limit", 0, "--json")
    )  # fmt: skip
    frame = Run.open(small).features.filter(pl.col("skewness") > 0, bank="twin").sort("std")
    assert [row["feature"] for row in rows] == [f"twin/{index}" for index in frame["index"]]
    assert len(rows[0]["top_tokens"]) == 5


def test_features_as_csv(small: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(printed("features", small, "--limit", 2, "--csv"))))
    assert len(rows) == 2
    assert len(json.loads(rows[0]["top_tokens"])) == 5
    assert float(rows[0]["kurtosis"]) > 3


def test_show(small: Path) -> None:
    shown = printed("show", small, "vectors/7", "--tokens", 3)
    feature = Run.open(small).feature("vectors/7")
    assert quoted(feature["top_tokens"][0]) in shown
    assert "█" in shown


def test_show_as_json(small: Path) -> None:
    shown = json.loads(printed("show", small, "vectors/7", "--json"))
    feature = Run.open(small).feature("vectors/7")
    assert shown["kurtosis"] == feature["kurtosis"]
    assert [entry["token"] for entry in shown["top"]] == feature["top_tokens"]
    assert sum(shown["histogram"]) == 49_135
    assert 0 < shown["percentiles"]["kurtosis"] < 100


def test_show_a_dead_feature(tmp_path: Path, unembedding: Unembedding) -> None:
    bank = Features.from_array(np.zeros((2, 16)), name="dead")
    analyze(unembedding, bank, tmp_path / "run")
    assert "it writes nothing" in printed("show", tmp_path / "run", "dead/0")
    assert json.loads(printed("show", tmp_path / "run", "dead/0", "--json"))["skewness"] is None
    assert "dead/1" in printed("features", tmp_path / "run")
    assert json.loads(printed("features", tmp_path / "run", "--json"))[0]["kurtosis"] is None


def test_version() -> None:
    assert printed("--version").strip() == unembed.__version__


@pytest.mark.parametrize("name", ["run", "demo", "features", "show", "enrichment", "leading-edge"])
def test_help_teaches_with_an_example(name: str) -> None:
    _, example = printed(name, "--help").split(f"Usage: unembed {name}", 1)
    assert f"unembed {name} " in example


def test_a_density_of_zero_is_null_in_json(tmp_path: Path, unembedding: Unembedding) -> None:
    bank = Features.from_array(np.eye(2, 16), name="b", log10_density=[-np.inf, -3])
    analyze(unembedding, bank, tmp_path / "run")
    shown = printed("show", tmp_path / "run", "b/0", "--json")
    assert json.loads(shown, parse_constant=pytest.fail)["log10_density"] is None


@pytest.mark.slow
def test_tokens_print_in_any_locale(small: Path) -> None:
    plain = command("features", small, "--json", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert plain.returncode == 0, plain.stderr
    assert json.loads(plain.stdout)


def test_features_without_a_value_come_last(tmp_path: Path, unembedding: Unembedding) -> None:
    bank = Features.from_array(np.diag([1.0] * 3 + [0.0] * 13), name="b")
    analyze(unembedding, bank, tmp_path / "run")
    for order in ([], ["--ascending"]):
        rows = json.loads(printed("features", tmp_path / "run", *order, "--json"))
        assert [row["kurtosis"] is None for row in rows] == [False] * 3 + [True] * 13


def test_enrichment_of_a_feature(small: Path) -> None:
    rows = json.loads(printed("enrichment", small, "--feature", "twin/3", "--json"))
    assert {row["token_set"] for row in rows} == {"second_person", "digits", "ends_in_s"}
    assert [abs(row["z"]) for row in rows] == sorted((abs(row["z"]) for row in rows), reverse=True)
    table = printed("enrichment", small, "--feature", "twin/3")
    assert len(table.splitlines()) == 4
    assert rows[0]["token_set"] in table.splitlines()[1]


def test_enrichment_of_a_set(small: Path) -> None:
    arguments = ["enrichment", small, "--set", "digits", "--bank", "twin", "--sign", "-"]
    rows = list(csv.DictReader(io.StringIO(printed(*arguments, "--csv", "--limit", 0))))
    whole = Run.open(small).enrichment(token_set="digits", bank="twin")
    assert len(rows) == (whole["z"] < 0).sum()
    assert all(float(row["z"]) < 0 for row in rows)
    assert (
        json.loads(printed(*arguments, "--limit", 2, "--json"))[0]["feature"]
        == (rows[0]["feature"])
    )


def test_enrichment_sorted_and_limited(small: Path) -> None:
    arguments = ["enrichment", small, "--set", "digits", "--limit", 7, "--json", "--sort"]
    rows = json.loads(printed(*arguments, "log10_q"))
    assert len(rows) == 7
    assert rows[0]["log10_q"] == min(row["log10_q"] for row in rows)
    names = [row["feature"] for row in json.loads(printed(*arguments, "feature"))]
    assert names == sorted(names)
    assert "No pair fits" in printed("enrichment", small, "--max-q", 0)


def test_show_names_the_token_sets(small: Path) -> None:
    shown = json.loads(printed("show", small, "twin/3", "--json"))
    assert shown["token_sets"] == json.loads(
        printed("enrichment", small, "--feature", "twin/3", "--json")
    ) or {row["token_set"] for row in shown["token_sets"]} == {
        "second_person", "digits", "ends_in_s",
    }  # fmt: skip
    assert "token set" in printed("show", small, "twin/3").lower()


def test_leading_edge(small: Path) -> None:
    edge = json.loads(printed("leading-edge", small, "twin/3", "digits", "--json"))
    ranks = [member["rank"] for member in edge["leading_edge"]]
    assert ranks == sorted(ranks)
    if edge["es"] > 0:
        assert max(ranks) <= edge["peak"]
    else:
        assert min(ranks) > edge["peak"]
    assert all(member["token"].strip().isdecimal() for member in edge["leading_edge"])
    assert 0 < len(ranks) <= edge["size"]
    assert f"ES {edge['es']:+.3f}" in printed("leading-edge", small, "twin/3", "digits")


@pytest.mark.slow
def test_leading_edge_needs_the_weights(
    tmp_path: Path, vectors: Path, my_sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.npy"
    mine.write_bytes(vectors.read_bytes())
    out = tmp_path / "run"
    options = ["--sets", my_sets, "--no-tsea"]
    printed("run", MODEL, mine, "-o", out, *options)
    np.save(mine, np.load(mine) + 1)
    changed = refused(capsys, "leading-edge", out, "mine/3", "digits")
    assert "is not what it was when the run was made" in changed
    mine.unlink()
    gone = refused(capsys, "leading-edge", out, "mine/3", "digits")
    assert "No file or folder at" in gone
    assert "Traceback" not in gone + changed


@pytest.mark.slow
def test_a_null_bank_by_name(tmp_path: Path, vectors: Path, my_sets: Path) -> None:
    out = tmp_path / "run"
    options = ["-o", out, "--sets", my_sets, "--no-tsea", "--null-bank"]
    made = printed("run", MODEL, vectors, f"twin={vectors}", *options, "twin", "--json")
    nulls = [asdict(null) for null in Run.open(out).tested.nulls]
    assert [null["origin"] for null in nulls] == ["twin", "twin"]
    assert json.loads(made)["enrichment"]["classical"] is None


def test_no_set_large_enough(tmp_path: Path, vectors: Path) -> None:
    alone = tmp_path / "alone.yaml"
    alone.write_text("sets: {alone: [yourself]}\n")
    out = tmp_path / "run"
    arguments = ["run", MODEL, vectors, "-o", out, "--sets", alone]
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    assert "features are not tested" in " ".join(done.stderr.split())
    assert not Run.open(out).has_enrichment


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_says_so(tmp_path: Path, my_sets: Path) -> None:
    """Interrupted as a terminal would; the same command then finishes."""
    script = (
        "import unembed.store.manifest as m; m.SHARD_FEATURES = 256\n"
        "from unembed.cli import main; main()"
    )
    command = ["run", MODEL, "mlp:20,26", "-o", tmp_path / "run", "--sets", my_sets,
               "--directions", 200]  # fmt: skip
    arguments = [sys.executable, "-c", script, *map(str, command)]
    started = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while started.poll() is None and time.monotonic() < deadline:
        if list(tmp_path.glob("run/features/*.parquet")):
            break
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=300)
    assert started.returncode == 130, errors
    assert "the same command goes on" in " ".join(errors.split())
    assert "Traceback" not in errors
    assert 0 < len(list(tmp_path.glob("run/features/*.parquet"))) < 12
    again = subprocess.run(arguments, capture_output=True, check=False, timeout=300)
    assert again.returncode == 0
    assert Run.open(tmp_path / "run").features.height == 3072
