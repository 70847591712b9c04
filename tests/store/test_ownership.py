"""`--overwrite` deletes what a validated manifest stands for, and leaves all else as it was."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    SweepSettings,
    TokenSets,
    Unembedding,
    Vocabulary,
    analyze,
    prepare_unembedding,
)
from unembed.errors import RunError, UnembedError
from unembed.store import Manifest
from unembed.store.files import LOCK, RunFiles

FEW = EnrichmentSettings(directions=100, max_q=1.0)
Tree = dict[str, tuple[str, object]]
Arrange = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def inputs() -> tuple[Unembedding, list[Features], TokenSets]:
    random = torch.Generator().manual_seed(0)
    vocabulary = Vocabulary.from_texts([f" word{i}" for i in range(100)])
    unembedding = prepare_unembedding(torch.randn(100, 8, generator=random), vocabulary)
    banks = [Features.from_array(torch.randn(20, 8, generator=random), name=n) for n in "ab"]
    return unembedding, banks, TokenSets.from_ids({"s": range(1, 30)}, vocabulary)


@pytest.fixture(scope="module")
def made(
    inputs: tuple[Unembedding, list[Features], TokenSets], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    unembedding, banks, sets = inputs
    run = tmp_path_factory.mktemp("made") / "run"
    analyze(unembedding, banks, run, token_sets=sets, enrichment=FEW)
    return run


def tree(folder: Path) -> Tree:
    """All that is in a folder, links not followed."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        mode, name = path.lstat().st_mode, path.relative_to(folder).as_posix()
        if stat.S_ISLNK(mode):
            found[name] = "link", path.readlink()
        elif stat.S_ISREG(mode):
            found[name] = "file", path.read_bytes()
        else:
            found[name] = str(stat.S_IFMT(mode)), None
    return found


def mine(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("precious")


def file_at(*paths: str) -> Arrange:
    def arrange(run: Path, outside: Path) -> None:
        for path in paths:
            mine(run / path)

    return arrange


def linked_folder(name: str) -> Arrange:
    """One of the run's folders is elsewhere, with something of a person in it."""

    def arrange(run: Path, outside: Path) -> None:
        (run / name).rename(outside / "target")
        mine(outside / "target" / "mine.parquet")
        (run / name).symlink_to(outside / "target")

    return arrange


def linked_file(name: str, *, dangling: bool = False) -> Arrange:
    def arrange(run: Path, outside: Path) -> None:
        (run / name).unlink(missing_ok=True)
        if not dangling:
            mine(outside / "target")
        (run / name).symlink_to(outside / "target")

    return arrange


def hard_link(name: str) -> Arrange:
    def arrange(run: Path, outside: Path) -> None:
        if not (run / name).exists():
            mine(run / name)
        os.link(run / name, outside / "other name")

    return arrange


def folder_at(name: str) -> Arrange:
    def arrange(run: Path, outside: Path) -> None:
        (run / name).unlink(missing_ok=True)
        mine(run / name / "thesis.tex")

    return arrange


def replaced_by_a_file(name: str) -> Arrange:
    def arrange(run: Path, outside: Path) -> None:
        shutil.rmtree(run / name)
        mine(run / name)

    return arrange


def pipe_at(name: str) -> Arrange:
    def arrange(run: Path, outside: Path) -> None:
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)

    return arrange


def socket_at(name: str) -> Arrange:
    def arrange(run: Path, outside: Path) -> None:
        (run / name).unlink(missing_ok=True)
        before = Path.cwd()
        os.chdir((run / name).parent)  # the whole path is too long for a socket
        try:
            with socket.socket(socket.AF_UNIX) as opened:
                opened.bind(Path(name).name)
        finally:
            os.chdir(before)

    return arrange


def manifest(change: Callable[[dict[str, Any]], object]) -> Arrange:
    """Somebody's manifest is there, with files beside it that it may speak of."""

    def arrange(run: Path, outside: Path) -> None:
        content = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        del content["seal"]  # whoever means it takes it out, or seals it anew
        changed = change(content)
        text = json.dumps(content if changed is None else changed)
        (run / "manifest.json").write_text(text, encoding="utf-8")
        mine(run / "features" / "mine.parquet")
        mine(run / "null" / "x.csv")
        for path in ("x-00000.parquet", "x.parquet", "target"):
            mine(outside / path)

    return arrange


def named(name: str) -> Arrange:
    return manifest(lambda content: content["banks"][0].update(name=name))


def text_of_manifest(raw: bytes) -> Arrange:
    def arrange(run: Path, outside: Path) -> None:
        (run / "manifest.json").write_bytes(raw)

    return arrange


def all_of(*parts: Arrange) -> Arrange:
    def arrange(run: Path, outside: Path) -> None:
        for part in parts:
            part(run, outside)

    return arrange


def nested(name: str) -> Arrange:
    """A run of its own lies inside."""

    def arrange(run: Path, outside: Path) -> None:
        shutil.copytree(run, outside / "copy")
        (outside / "copy").rename(run / name)

    return arrange


def moved_behind_a_link(run: Path, outside: Path) -> None:
    run.rename(outside / "real")
    run.symlink_to(outside / "real")
    mine(run / "notes.md")


def without_manifest(run: Path, outside: Path) -> None:
    (run / "manifest.json").unlink()


def nothing(run: Path, outside: Path) -> None:
    pass


def in_every_folder(run: Path, outside: Path) -> None:
    for folder in [run, *(path for path in run.rglob("*") if path.is_dir())]:
        for name in ("mine.md", "mine.parquet", ".hidden", "a-00001.parquet", "A-00000.parquet"):
            mine(folder / name)


Z, SHARD = "enrichment/z/a-00000.npy", "features/a-00000.parquet"

DONE: dict[str, Arrange] = {
    "nothing else": nothing,
    "a file in every folder": in_every_folder,
    "a folder in enrichment": file_at("enrichment/mine/data.csv"),
    "a file in null": file_at("null/own.md"),
    "deep in features": file_at("features/x/y/z/w.parquet"),
    "a shard that the run has not": file_at("features/a-00001.parquet", "features/c-00000.parquet"),
    "other numbers": file_at("features/a-0.parquet", "features/a-000000.parquet"),
    "another ending": file_at("features/a-00000.parquet.bak", "enrichment/z/a-00000.npz"),
    "another case": file_at("Features/a-00000.parquet", "Manifest.json", "TOKENS.parquet"),
    "a copy of the manifest": file_at("manifest.json.bak", "manifest (1).json"),
    "hidden files": file_at(".git/config", ".gitignore", "features/.gitignore"),
    "a report inside": file_at("site/index.html", "site/api/run.json", "features/index.html"),
    "files of a part's ending": file_at("thesis.part", "features/mine.part"),
    "names with signs": file_at("features/*.parquet", "null/[a].parquet", "null/ü\n.md"),
    "an empty folder of a person": lambda run, outside: (run / "mine").mkdir(),
    "an unfinished table of the run": file_at("tokens.parquet.part"),
    "a run inside": nested("older"),
    "a run among the features": nested("features/older"),
    "a run in place of a bank": nested("null/a"),
    "a link beside": linked_file("mine.md"),
    "a dangling link beside": linked_file("features/mine.parquet", dangling=True),
    "a linked folder beside": all_of(
        file_at("mine/x.parquet"), lambda run, outside: (run / "link").symlink_to(outside)
    ),
    "a link to the run itself": lambda run, outside: (run / "null/self").symlink_to(run),
    "a pipe beside": pipe_at("features/pipe"),
    "a socket beside": socket_at("null/socket"),
    "another name of a table": hard_link(SHARD),
    "another name of the manifest": hard_link("manifest.json"),
    "another name of an unfinished table": hard_link("tokens.parquet.part"),
    "the run behind a link": moved_behind_a_link,
    "tables that are missing": lambda run, outside: shutil.rmtree(run / "enrichment"),
    "tables that are damaged": file_at(Z, SHARD, "tokens.parquet"),
}  # fmt: skip

REFUSED: dict[str, Arrange] = {
    "no manifest": all_of(file_at("mine.md"), without_manifest),
    "only a person's file": all_of(
        lambda run, outside: (shutil.rmtree(run), run.mkdir())[1], file_at("thesis.tex")
    ),
    "a person's folder of our name": lambda run, outside: (
        shutil.rmtree(run), mine(run / "features" / "mine.parquet")
    )[1],
    "a file in place of the run": lambda run, outside: (shutil.rmtree(run), mine(run))[1],
    "a dangling link in place of the run": lambda run, outside: (
        shutil.rmtree(run), run.symlink_to(outside / "nowhere")
    )[1],
    "linked enrichment": linked_folder("enrichment"),
    "linked z": linked_folder("enrichment/z"),
    "linked features": linked_folder("features"),
    "linked null": linked_folder("null"),
    "a linked table": linked_file(SHARD),
    "a linked array": linked_file(Z),
    "a dangling table": linked_file("tokens.parquet", dangling=True),
    "a linked manifest": lambda run, outside: (
        (run / "manifest.json").rename(outside / "m"),
        (run / "manifest.json").symlink_to(outside / "m"),
    )[1],
    "a dangling manifest": linked_file("manifest.json", dangling=True),
    "a linked part": linked_file("tokens.parquet.part"),
    "a linked part of the manifest": linked_file("manifest.json.part"),
    "a dangling part": linked_file("features/a-00000.parquet.part", dangling=True),
    "a linked lock": linked_file(LOCK),
    "a lock of another program": file_at(LOCK),
    "a folder for a lock": folder_at(LOCK),
    "a folder for a table": folder_at(SHARD),
    "a folder for an array": folder_at(Z),
    "a folder for the manifest": folder_at("manifest.json"),
    "a file for a folder": replaced_by_a_file("enrichment"),
    "a file for a folder of shards": replaced_by_a_file("features"),
    "a pipe for a table": pipe_at("null/a.parquet"),
    "a pipe for the manifest": pipe_at("manifest.json"),
    "a socket for a table": socket_at(SHARD),
    "a file where the new run writes": file_at("features/new-00000.parquet"),
    "a link where the new run writes": linked_file("features/new-00000.parquet.part"),
}  # fmt: skip

MANIFESTS: dict[str, Arrange] = {
    "a bank outside": named("../../outside/x"),
    "a bank at a path": named("/tmp/x"),
    "a bank with an end": named("x\0y"),
    "a bank of dots": named(".."),
    "a bank with a slash": named("a/b"),
    "a bank with a backslash": named("..\\..\\outside\\x"),
    "a bank without a name": named(""),
    "a bank with a long name": named("x" * 201),
    "a bank with a surrogate": named("x\ud800"),
    "two banks of one name": named("b"),
    "banks that are a number": manifest(lambda content: content.update(banks=5)),
    "a number of features": manifest(lambda content: content["banks"][0].update(features=-1)),
    "too many features": manifest(lambda content: content["banks"][0].update(features=2**62)),
    "a shard of nothing": manifest(lambda content: content["settings"].update(shard=0)),
    "a shard of one": manifest(lambda content: (
        content["settings"].update(shard=1), content["banks"][0].update(features=2**31 - 1)
    )[0]),
    "another schema": manifest(lambda content: content.update(schema_version=99)),
    "a schema that is true": manifest(lambda content: content.update(schema_version=True)),
    "a manifest of a web page": manifest(lambda content: {"name": "App", "icons": []}),
    "a list": manifest(lambda content: [content]),
    "no hash": manifest(lambda content: content["banks"][0].update(sha256="mine")),
    "half a manifest": text_of_manifest(b'{"schema_version": 1, '),
    "an empty manifest": text_of_manifest(b""),
    "no text": text_of_manifest(b"\xff\xfe\x00"),
    "a deep manifest": text_of_manifest(b"[" * 200_000),
    "a manifest that is deep inside": manifest(lambda content: content["banks"][0].update(
        origin=json.loads('{"a":' * 300 + "1" + "}" * 300)
    )),
}  # fmt: skip


REFUSED |= MANIFESTS


@pytest.fixture
def place(made: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A run, and a folder beside it that is somebody's."""
    (tmp_path / "all" / "outside").mkdir(parents=True)
    shutil.copytree(made, tmp_path / "all" / "run")
    return tmp_path / "all" / "run", tmp_path / "all" / "outside"


def again(inputs: tuple[Unembedding, list[Features], TokenSets], run: Path) -> Run:
    """Another run over it: other banks, and no token sets."""
    unembedding, banks, _ = inputs
    new = [banks[0], banks[1].renamed("new")]
    return analyze(unembedding, new, run, settings=SweepSettings(top_k=3), overwrite=True)


def test_there_are_enough() -> None:
    assert len(DONE) + len(REFUSED) >= 50


@pytest.mark.parametrize("name", DONE)
def test_what_stays(
    name: str,
    inputs: tuple[Unembedding, list[Features], TokenSets],
    place: tuple[Path, Path],
) -> None:
    run, outside = place
    old = RunFiles(Manifest.load(run))
    DONE[name](run, outside)
    before = tree(run.parent)
    finished = again(inputs, run)
    new = RunFiles(finished.manifest)
    assert finished.features["top_ids"].list.len().unique().to_list() == [3]
    real = "outside/real" if run.is_symlink() else "run"
    ours = {f"{real}/{p}" for files in (old, new) for p in (*files.written, *files.folders, LOCK)}
    after = tree(run.parent)
    assert {p: what for p, what in before.items() if p not in ours} == {
        p: what for p, what in after.items() if p not in ours
    }
    left = {p for p in after if p in ours}
    kept = {f"{real}/{p}" for p in (*new.tables, "manifest.json", LOCK, *new.folders)}
    in_use = {str(Path(p).parent) for p in after if p not in ours}  # folders with others' files
    assert all(p in kept or any(f"{i}/".startswith(f"{p}/") for i in in_use) for p in left)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_untouched(
    name: str,
    inputs: tuple[Unembedding, list[Features], TokenSets],
    place: tuple[Path, Path],
) -> None:
    run, outside = place
    REFUSED[name](run, outside)
    before = tree(run.parent)
    if name in MANIFESTS:  # refused for what it is, whatever else is in the folder
        with pytest.raises(RunError, match=r"is damaged, or is no manifest|has schema version"):
            Run.open(run)
    with pytest.raises(RunError, match=r"touched|already|Choose another|Move it away"):
        again(inputs, run)
    assert tree(run.parent) == before


@pytest.mark.parametrize("names", [("a", "A"), ("x", "x-directions"), ("X-directions", "x")])
def test_banks_that_would_share_a_file(
    names: tuple[str, str],
    inputs: tuple[Unembedding, list[Features], TokenSets],
    tmp_path: Path,
) -> None:
    unembedding, banks, sets = inputs
    named = [bank.renamed(name) for bank, name in zip(banks, names, strict=True)]
    with pytest.raises(UnembedError, match="would both have the file"):
        analyze(unembedding, named, tmp_path / "run", token_sets=sets, enrichment=FEW)
    assert not (tmp_path / "run").exists()


def test_a_folder_that_may_not_be_written_to_loses_nothing(
    inputs: tuple[Unembedding, list[Features], TokenSets],
    place: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, _ = place
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "z" and may(path, mode))
    before = tree(run)
    with pytest.raises(RunError, match=r"enrichment/z may not be written to\. Nothing was touched"):
        again(inputs, run)
    assert tree(run) == before
