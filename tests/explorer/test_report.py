"""The explorer as files: the same answers as the server's, and nothing half-written."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import polars as pl
import pytest
from starlette.testclient import TestClient

import unembed
from tests.planted import Planted, planted
from unembed import Run
from unembed.errors import QueryError, UnembedError
from unembed.explorer import report
from unembed.explorer.app import create_app
from unembed.explorer.report import feature_page, worth_showing, write_feature, write_site

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def carried(page: str) -> dict[str, bytes]:
    """What a report of one feature has in its file."""
    found = re.search(r"globalThis\.unembedFiles=(\{.*?\});if", page)
    assert found
    packed = json.loads(found[1])
    return {path: gzip.decompress(base64.b64decode(text)) for path, text in packed.items()}


def test_a_site_holds_what_the_server_answers(tiny: Planted, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    site = tmp_path / "site"
    write_site(tiny.run, site, ["a/0", "b/30"], progress=lambda *done: told.append(done))
    client = TestClient(create_app(tiny.run), base_url="http://127.0.0.1")
    answers = {name for name in files_of(site) if name.startswith("api/")}
    listed = json.loads((site / "api" / "report.json").read_text())
    assert listed == {"features": ["a/0", "b/30"]}
    for name in answers - {"api/report.json"}:
        assert (site / name).read_bytes() == client.get(f"/{name}").content
    assert {
        "api/run.json", "api/sets.json", "api/tokens.json", "api/layers.json", "api/rows/5.json",
        "api/columns/kurtosis.bin", "api/features/a/0.json", "api/features/a/0/weights.f32",
        "api/features/b/30/nearest.json", "api/sets/0/members.i32", "api/sets/0/z.f32",
    } <= answers  # fmt: skip
    top = tiny.run.feature("a/0")["top_ids"][0]
    row = client.get("/api/tokens.json").json()["id"].index(top)
    assert f"api/tokens/{row}.json" in answers
    assert "unembed-report" in (site / "index.html").read_text(encoding="utf-8")
    assert (site / "explorer.js").is_file()
    count = len(answers) - 1
    assert told[-1] == ("Writing the report", count, count)


def test_a_site_without_sets_or_weights(tmp_path: Path) -> None:
    unembedding, banks, _ = planted()
    made = unembed.analyze(unembedding, banks, tmp_path / "run")
    write_site(unembed.Run.open(made.path), tmp_path / "site", ["a/0"])
    names = files_of(tmp_path / "site")
    assert "api/features/a/0.json" in names
    assert not any("weights" in name or "sets" in name for name in names)


def test_many_features_leave_out_pages_and_sets(
    tiny: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_ROWS_OF_ALL", 100)
    monkeypatch.setattr(report, "_SCORES_OF_SETS", 720)
    write_site(tiny.run, tmp_path / "site", ["a/70"])
    names = files_of(tmp_path / "site")
    assert [name for name in names if "/rows/" in name] == ["api/rows/1.json"]
    assert len([name for name in names if name.endswith("/z.f32")]) == 2


def test_one_file_needs_nothing_else(tiny: Planted, tmp_path: Path) -> None:
    path = tmp_path / "one.html"
    write_feature(tiny.run, path, "a/0")
    page = path.read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
    assert '#/feature/a/0"' in page
    client = TestClient(create_app(tiny.run), base_url="http://127.0.0.1")
    found = carried(page)
    assert {"run.json", "features/a/0.json", "features/a/0/weights.f32"} <= found.keys()
    assert json.loads(found.pop("report.json")) == {"features": ["a/0"]}
    for name, content in found.items():
        assert content == client.get(f"/api/{name}").content


def test_a_script_cannot_end_early(tiny: Planted) -> None:
    """Tokens such as </script> are data."""
    assert feature_page(tiny.run, "a/0").count("</script>") == 2
    assert report._inline("a</script><!--b") == "a<\\/script><\\!--b"
    assert report._inline("</SCRIPT>") == "<\\/SCRIPT>"


def test_worth_showing_takes_of_every_class(tiny: Planted) -> None:
    chosen = worth_showing(tiny.run, 6)
    assert len(chosen) == 6
    for bank in tiny.run.banks:
        table = tiny.run.scalars.filter(pl.col("kurtosis").is_not_null(), bank=bank)
        for name in table["class"].unique():
            best = table.filter(table["class"] == name).sort("kurtosis", descending=True)
            assert f"{bank}/{best['index'][0]}" in worth_showing(tiny.run, 20)


def test_worth_showing_begins_as_the_overview_does(tiny: Planted) -> None:
    table = tiny.run.scalars.filter(pl.col("kurtosis").is_not_null())
    begin = set()
    for name in table["class"].unique():
        by = "partition_r2" if name == "partition" else "kurtosis"
        best = table.filter(pl.col("class") == name).sort(by, descending=True).head(5)
        begin |= set(best.select(pl.format("{}/{}", "bank", "index"))["bank"])
    assert set(worth_showing(tiny.run, len(begin))) == begin


def test_tokens_of_both_ends(tiny: Planted) -> None:
    tokens = report.Contents(tiny.run).tokens()["id"]
    row = tiny.run.feature("a/0")
    ids = [token for end in ("top_ids", "bottom_ids") for token in row[end]]
    paths = report._paths_of_site(tiny.run, ["a/0"])
    assert {path for path in paths if path.startswith("tokens/")} == {
        f"tokens/{tokens.index(token)}.json" for token in ids
    }


def test_sets_are_cut_and_one_is_whole(tiny: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SETS_OF_FEATURE", 2)
    monkeypatch.setattr(report, "_SCORES_OF_SETS", 10)
    sets = report.Contents(tiny.run).feature("a", 0)["sets"]["set"][:2]
    paths = report._paths_of_site(tiny.run, ["a/0"])
    members = [path for path in paths if path.endswith("members.i32")]
    assert members == [f"sets/{number}/members.i32" for number in sorted(sets)]
    assert len([path for path in paths if path.endswith("/z.f32")]) == 1


def test_an_empty_folder_is_free(tiny: Planted, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    write_site(tiny.run, tmp_path / "site", ["a/5"])
    assert (tmp_path / "site" / "index.html").is_file()


def test_a_damaged_run_makes_no_report(tiny: Planted, tmp_path: Path) -> None:
    shutil.copytree(tiny.run.path, tmp_path / "run")
    for path in (tmp_path / "run" / "enrichment" / "z").iterdir():
        path.write_bytes(b"no array")
    with pytest.raises(UnembedError, match="damaged"):
        write_site(Run.open(tmp_path / "run"), tmp_path / "site", ["a/0"])
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_partitions_by_what_their_set_explains() -> None:
    table = pl.DataFrame({"feature": ["a/0", "a/1"], "bank": ["a", "a"], "class": ["partition"] * 2,
                          "kurtosis": [9.0, 3.0], "partition_r2": [0.1, 0.5]})  # fmt: skip
    assert worth_showing(SimpleNamespace(scalars=table, is_explained=True), 1) == ["a/1"]


def test_nothing_else_is_overwritten(tiny: Planted, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(UnembedError, match="no report; nothing in it was touched"):
        write_site(tiny.run, tmp_path / "mine", ["a/0"], overwrite=True)
    assert files_of(tmp_path / "mine") == {"thesis.txt"}


def test_a_report_is_replaced_when_asked(tiny: Planted, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_site(tiny.run, site, ["a/0"])
    with pytest.raises(UnembedError, match="--overwrite"):
        write_site(tiny.run, site, ["a/1"])
    assert "api/features/a/0.json" in files_of(site)
    write_site(tiny.run, site, ["a/1"], overwrite=True)
    assert "api/features/a/0.json" not in files_of(site)


def test_a_mistake_leaves_nothing(tiny: Planted, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="has no feature 999"):
        write_site(tiny.run, tmp_path / "site", ["a/0", "a/999"])
    with pytest.raises(QueryError, match="has no feature 999"):
        write_feature(tiny.run, tmp_path / "one.html", "a/999")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_wheel_has_the_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(ZipFile(wheel).namelist())
    page = {f"unembed/explorer/page/{name}" for name in (
        "index.html", "explorer.js", "explorer.css", "licenses.md"
    )}  # fmt: skip
    assert page <= names
    assert not any("node_modules" in name or name.startswith("web/") for name in names)
    text = ZipFile(wheel).read("unembed/explorer/page/index.html").decode()
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text)
