"""The explorer as files: the same answers as the server's, and nothing half-written."""

from __future__ import annotations

import base64
import gzip
import json
import os
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
from unembed.explorer.site import LISTED

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
    assert (site / "404.html").is_file(), "some hosts would answer with the page itself"
    linked = re.findall(r'(?:src|href)="([^"]*)"', (site / "index.html").read_text("utf-8"))
    assert all(link.startswith(("./", "data:")) for link in linked), "it may lie below any path"
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


def kept(site: Path) -> dict[str, bytes]:
    return {name: (site / name).read_bytes() for name in sorted(files_of(site))}


@pytest.fixture(scope="module")
def published(tiny: Planted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("published") / "site"
    write_site(tiny.run, site, ["a/0"])
    return site


def test_it_lists_its_own_files(published: Path) -> None:
    listed = json.loads((published / LISTED).read_text(encoding="utf-8"))["files"]
    assert {*listed, LISTED} == files_of(published)


OTHERS = ("CNAME", ".git/config", "mine.html", "api/mine.json", "api/features/a/mine.json",
          "api/rows/99.json", "runs/manifest.json")  # fmt: skip


def test_what_is_not_the_reports_stays(tiny: Planted, published: Path, tmp_path: Path) -> None:
    """Also where the path is a link, which is followed."""
    shutil.copytree(published, tmp_path / "site")
    (tmp_path / "link").symlink_to(tmp_path / "site")
    for name in OTHERS:
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text("mine")
    (tmp_path / "site" / "linked").symlink_to(tmp_path)
    write_site(tiny.run, tmp_path / "link", ["b/30"], overwrite=True)
    assert (tmp_path / "link").is_symlink()
    found = kept(tmp_path / "site")
    assert {name: found.pop(name) for name in OTHERS} == dict.fromkeys(OTHERS, b"mine")
    assert (tmp_path / "site" / "linked").is_symlink()
    write_site(tiny.run, tmp_path / "fresh", ["b/30"])
    assert found == kept(tmp_path / "fresh")
    assert not (tmp_path / "site" / "api/features/a/0").exists(), "what is empty is gone"


def link(path: Path, target: Path) -> None:
    shutil.move(path, target)
    path.symlink_to(target)


FOREIGN = {
    "a linked folder": lambda site, other: link(site / "api", other / "api"),
    "a linked page": lambda site, other: link(site / "index.html", other / "index.html"),
    "a linked file": lambda site, other: link(site / "api/run.json", other / "run.json"),
    "a linked list": lambda site, other: link(site / LISTED, other / "list"),
    "a folder for a file": lambda site, other: (
        (site / "api/run.json").unlink(), (site / "api/run.json").mkdir()
    ),
    "no list": lambda site, other: (site / LISTED).unlink(),
    "a damaged list": lambda site, other: (site / LISTED).write_text("{"),
    "a deep list": lambda site, other: (site / LISTED).write_text("[" * 100_000),
    "no page": lambda site, other: (site / "index.html").unlink(),
    "somebody's page": lambda site, other: (site / "index.html").write_text("<html>"),
    "where the new one writes": lambda site, other: (
        (site / "api/features/b").mkdir(), (site / "api/features/b/30.json").write_text("mine")
    ),
    **{
        f"lists {path!r}": lambda site, other, path=path: (site / LISTED).write_text(
            json.dumps({"unembed_report": 1, "files": ["index.html", path]})
        )
        for path in ("../other/mine", "/etc/passwd", "mine.txt", ".git/config", "api/../x.json",
                     "api/.json", "api//x.json", "api\\x.json", 3, None, "api/x.json\n")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_a_folder_that_is_not_provably_a_report(
    name: str, tiny: Planted, published: Path, tmp_path: Path
) -> None:
    shutil.copytree(published, tmp_path / "site")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").write_text("mine")
    (tmp_path / "site" / "mine.txt").write_text("mine")
    FOREIGN[name](tmp_path / "site", tmp_path / "other")
    before = kept(tmp_path)
    with pytest.raises(UnembedError, match=r"touched"):
        write_site(tiny.run, tmp_path / "site", ["b/30"], overwrite=True)
    assert kept(tmp_path) == before


def test_a_stop_while_files_are_replaced_is_made_good(
    tiny: Planted, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(published, tmp_path / "site")
    replace, left = Path.replace, iter(range(9))

    def stopping(path: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopping)
        with pytest.raises(KeyboardInterrupt):
            write_site(tiny.run, tmp_path / "site", ["b/30"], overwrite=True)
    write_site(tiny.run, tmp_path / "site", ["b/30"], overwrite=True)
    write_site(tiny.run, tmp_path / "fresh", ["b/30"])
    assert kept(tmp_path / "site") == kept(tmp_path / "fresh")


def test_a_page_takes_no_other_files_place(tiny: Planted, tmp_path: Path) -> None:
    out = tmp_path / "thesis.html"
    out.write_text("<html>years of work</html>")
    with pytest.raises(UnembedError, match="is not such a file of ours; it was not touched"):
        write_feature(tiny.run, out, "a/0")
    (tmp_path / "folder.html").mkdir()
    os.mkfifo(tmp_path / "pipe.html")
    for name in ("folder.html", "pipe.html"):
        with pytest.raises(UnembedError, match="is a folder, a device or a pipe"):
            write_feature(tiny.run, tmp_path / name, "a/0")
    assert out.read_text() == "<html>years of work</html>"
    write_feature(tiny.run, tmp_path / "real.html", "a/0")
    (tmp_path / "link.html").symlink_to(tmp_path / "real.html")
    write_feature(tiny.run, tmp_path / "link.html", "a/1")
    assert (tmp_path / "link.html").is_symlink()
    assert "a/1</title>" in (tmp_path / "real.html").read_text(encoding="utf-8")


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
