"""Several programs that make one run, each a share of it: the same bytes as one program's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import unembed
from tests.kill.rounds import contents
from unembed import EnrichmentSettings, Features, Remaining, Run, Share, TokenSets, Vocabulary
from unembed.errors import RunError, UnembedError
from unembed.store import folder as folder_module
from unembed.store import leftover as leftover_module
from unembed.store import manifest as manifest_module
from unembed.store.files import RunFiles
from unembed.store.manifest import Manifest
from unembed.store.programs import PROGRAMS

ROOT = Path(__file__).parents[2]
PART = f"{PROGRAMS}/0.part"


class Work:
    """A run of two banks in shards of 16: three of the first, two of the second."""

    def __init__(self) -> None:
        random = torch.Generator().manual_seed(0)
        vocabulary = Vocabulary.from_texts([f" word{i}" for i in range(100)])
        W_U = torch.randn(100, 8, generator=random)
        self.inputs = (
            unembed.prepare_unembedding(W_U, vocabulary),
            [
                Features.from_array(torch.randn(count, 8, generator=random), name=name)
                for name, count in (("a", 40), ("b", 20))
            ],
        )
        self.options = {
            "token_sets": TokenSets.from_ids({"s": range(1, 30), "t": [1, 2, 3, 44]}, vocabulary),
            "enrichment": EnrichmentSettings(directions=100, max_q=1.0),
        }

    def whole(self, folder: Path, **more: object) -> Run:
        return unembed.analyze(*self.inputs, folder, **self.options, **more)  # type: ignore[arg-type]

    def share(self, text: str, folder: Path, **more: object) -> Run | Remaining:
        share = Share.parse(text)
        return unembed.analyze_share(share, *self.inputs, folder, **self.options, **more)  # type: ignore[arg-type]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr(manifest_module, "SHARD_FEATURES", 16)
    monkeypatch.setattr(folder_module, "_PATIENCE", 0.1)
    return Work()


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "3/", "a/b", "-1/3", "1/0", "٣/٣", "1/3/4"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(UnembedError, match="no share of a run"):
        Share.parse(text)


def test_a_share_that_there_is_not(work: Work, tmp_path: Path) -> None:
    with pytest.raises(UnembedError, match="'4/3' is no share"):
        unembed.analyze_share(Share(4, 3), *work.inputs, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("of", [1, 2, 3, 5, 9])
def test_shares_have_every_shard_once(work: Work, tmp_path: Path, of: int) -> None:
    every = list(work.whole(tmp_path).manifest.shards())
    shares = [Share(number, of).shards(every) for number in range(1, of + 1)]
    assert [shard for share in shares for shard in share] == every
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("order", [("1/2", "2/2"), ("3/3", "1/3", "2/3"), ("7/9", *(
    f"{number}/9" for number in (1, 2, 3, 4, 5, 6, 8, 9)
))])  # fmt: skip
def test_shares_one_after_another(work: Work, tmp_path: Path, order: tuple[str, ...]) -> None:
    work.whole(tmp_path / "whole")
    *others, last = (work.share(each, tmp_path / "shared") for each in order)
    assert all(isinstance(left, Remaining) for left in others[:1])
    assert isinstance(last, Run)
    assert contents(tmp_path / "shared") == contents(tmp_path / "whole")


def test_what_is_left(work: Work, tmp_path: Path) -> None:
    """Shares of five shards: a-00000 | a-00001, a-00002 (of the first bank) | b-00000, b-00001."""
    left = work.share("2/3", tmp_path)
    files = RunFiles(Manifest.load(tmp_path))
    missing = [path for path in files.tables if not (tmp_path / path).exists()]
    assert left == Remaining(len(missing), (Share(1, 3), Share(3, 3)))
    assert {Path(path).stem for path in missing} == {
        "a-00000", "b-00000", "b-00001", "b", "b-directions", "b-smallest", "b-checks",
        "b-permuted",
    }  # fmt: skip
    with pytest.raises(RunError, match="is not finished"):
        Run.open(tmp_path)
    work.whole(tmp_path)  # whatever shares left, the same command without makes


def test_pairs_that_others_counted_are_not_counted_again(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unembed.analysis import bank

    counted: list[int] = []
    count_pairs = bank.count_pairs

    def noted(*arguments: object) -> object:
        counted.append(len(arguments[1]))  # type: ignore[arg-type]
        return count_pairs(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(bank, "count_pairs", noted)
    work.share("1/3", tmp_path)
    assert counted == [16, 16, 8]
    work.share("2/3", tmp_path)
    assert counted == [16, 16, 8]
    work.share("3/3", tmp_path)
    assert counted == [16, 16, 8, 16, 4]


def test_none_is_let_in_beside_who_wants_the_run_alone(work: Work, tmp_path: Path) -> None:
    seen: list[str] = []

    def beside(step: str, done: int, total: int) -> None:
        if seen:
            return
        with pytest.raises(RunError, match="Another unembed is writing") as said:
            work.share("1/2", tmp_path)
        seen.append(str(said.value))

    work.whole(tmp_path, progress=beside)
    assert seen


def test_who_wants_the_run_alone_is_told_of_shares(work: Work, tmp_path: Path) -> None:
    seen: list[str] = []

    def beside(step: str, done: int, total: int) -> None:
        for overwrite in (False, True):
            with pytest.raises(RunError, match="1 other program of unembed is making") as said:
                work.whole(tmp_path, overwrite=overwrite)
            seen.append(str(said.value))

    work.share("1/1", tmp_path, progress=beside)
    assert seen
    work.whole(tmp_path)


def test_shares_beside_one_another(work: Work, tmp_path: Path) -> None:
    """While a share is made others come and go, the same one too; each has a part of its own."""
    work.whole(tmp_path / "whole")
    run, begun = tmp_path / "run", []

    def beside(step: str, done: int, total: int) -> None:
        if not begun:
            begun.append(sorted(path.name for path in (run / PROGRAMS).iterdir()))
            code = (
                "import sys; from unembed.store import manifest; manifest.SHARD_FEATURES = 16\n"
                "from pathlib import Path; from tests.store.test_share import Work\n"
                "print(Work().share(sys.argv[1], Path(sys.argv[2])))"
            )
            for share in ("1/2", "2/2"):
                command = [sys.executable, "-c", code, share, str(run)]
                subprocess.run(command, cwd=ROOT, capture_output=True, check=True)

    assert isinstance(work.share("1/2", run, progress=beside), Run)
    assert begun == [["0"]]
    assert contents(run) == contents(tmp_path / "whole")


def test_what_a_killed_program_left_goes(work: Work, tmp_path: Path) -> None:
    work.whole(tmp_path / "whole")
    for make in (work.whole, lambda folder: work.share("1/1", folder)):
        run = tmp_path / "run"
        work.share("1/2", run)
        (run / PROGRAMS).mkdir()
        (run / PROGRAMS / "0").write_text("4711")
        (run / PART).write_bytes(b"begun")
        (run / PROGRAMS / "12.part").write_bytes(b"begun")
        found = dict(unembed.check_run(run).select("file", "verdict").rows())
        assert found[PART] == "unfinished"
        make(run)
        assert contents(run) == contents(tmp_path / "whole")
        assert not (run / PROGRAMS).exists()
        shutil.rmtree(run)


def test_what_is_somebodys_stays(work: Work, tmp_path: Path) -> None:
    work.share("1/2", tmp_path)
    (tmp_path / PROGRAMS).mkdir()
    mine = [tmp_path / PROGRAMS / name for name in ("mine", "01", "0.parts", "-1.part")]
    for path in mine:
        path.write_text("mine")
    work.share("2/2", tmp_path)
    assert [path.read_text() for path in mine] == ["mine"] * 4


@pytest.mark.parametrize("what", ["a link", "a file", "a lock of another program"])
def test_what_stands_in_the_way(work: Work, tmp_path: Path, what: str) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    work.share("1/2", run)
    elsewhere.mkdir()
    if what == "a link":
        (run / PROGRAMS).symlink_to(elsewhere)
    elif what == "a file":
        (run / PROGRAMS).write_text("mine")
    else:
        (run / PROGRAMS).mkdir()
        (run / PROGRAMS / "0").write_text("mine")
    before = contents(run)
    for make in (work.whole, lambda folder: work.share("2/2", folder)):
        with pytest.raises(RunError, match=f"is {what}|is the lock of another program"):
            make(run)
    assert contents(run) == before
    assert not list(elsewhere.iterdir())


def test_a_folder_that_is_removed_meanwhile_is_not_made_again(work: Work, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def remove(step: str, done: int, total: int) -> None:
        if run.exists():
            shutil.rmtree(run)

    with pytest.raises(RunError, match="was removed, moved or replaced"):
        work.share("1/2", run, progress=remove)
    assert not run.exists()


def test_the_place_of_a_program_in_a_folder_made_anew_stays(work: Work, tmp_path: Path) -> None:
    """The folder is removed, and another program begins a run of that name."""
    run, part = tmp_path / "run", tmp_path / "run" / PART
    lock = part.with_name("0")

    def replace(step: str, done: int, total: int) -> None:
        if not part.exists():
            shutil.rmtree(run)
            part.parent.mkdir(parents=True)
            lock.touch()
            part.write_text("of the other one")

    with pytest.raises(RunError, match="was removed, moved or replaced"):
        work.share("1/2", run, progress=replace)
    assert part.read_text() == "of the other one"
    assert lock.exists()


def test_an_empty_folder_of_places_goes(work: Work, tmp_path: Path) -> None:
    (tmp_path / PROGRAMS).mkdir()
    work.whole(tmp_path)
    assert not (tmp_path / PROGRAMS).exists()


def test_two_threads_of_one_program(work: Work, tmp_path: Path) -> None:
    seen: list[str] = []

    def beside(step: str, done: int, total: int) -> None:
        with pytest.raises(RunError, match="This program is writing to") as said:
            work.share("2/2", tmp_path)
        seen.append(str(said.value))

    assert isinstance(work.share("1/2", tmp_path, progress=beside), Remaining)
    assert seen
    assert isinstance(work.share("2/2", tmp_path), Run)


def test_another_run_is_refused(work: Work, tmp_path: Path) -> None:
    work.share("1/2", tmp_path)
    work.options["enrichment"] = EnrichmentSettings(directions=101, max_q=1.0)
    with pytest.raises(RunError, match="holds another run"):
        work.share("2/2", tmp_path)


@pytest.mark.parametrize("at", ["the manifest", "its unfinished file"])
def test_another_program_begins_while_a_folder_is_looked_over(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """The first manifest comes between two looks: between the last one and the list of files, or
    while that is gone through, as a file that is moved to its place."""
    begun: list[object] = []
    if at == "the manifest":
        check = folder_module.check_leftover

        def begin(*arguments: object) -> None:
            if not begun:
                begun.append(None)
                work.share("1/2", tmp_path)
            check(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(folder_module, "check_leftover", begin)
    else:
        (tmp_path / "manifest.json.part").touch()
        kind_of = leftover_module.kind_of

        def move(path: Path) -> str | None:
            if not begun and path.name == "manifest.json.part":
                begun.append(None)
                path.unlink()
            return kind_of(path)

        monkeypatch.setattr(leftover_module, "kind_of", move)
    assert work.share("2/2", tmp_path)
    assert begun
