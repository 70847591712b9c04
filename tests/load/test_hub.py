"""Loading from the hub, end to end against a server that speaks the hub's HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

from tests.load.fake_hub import FakeHub, point_at
from tests.load.tiny_models import HOOK, Files, sae, sharded_gpt2, tensor_spans, tiny_gpt2
from unembed.cli import main
from unembed.errors import FormatError, SourceError, UnembedError
from unembed.features import Features
from unembed.load import load_features, load_model, load_unembedding
from unembed.load.hub import blob as hub_blob
from unembed.load.reference import resolve
from unembed.load.reopen import reopen_features, reopen_unembedding
from unembed.unembedding import Unembedding

SAE = f"hf:org/sae/{HOOK}"


@pytest.fixture(scope="module")
def repositories() -> dict[str, Files]:
    return {"org/tiny": tiny_gpt2(), "org/sharded": sharded_gpt2(), "org/sae": sae()}


@pytest.fixture
def hub(repositories: dict[str, Files]) -> Iterator[FakeHub]:
    with FakeHub(renamed={"tiny-gpt2": "org/tiny"}) as fake:
        for repo, files in repositories.items():
            fake.put(repo, files)
        yield fake


@pytest.fixture(autouse=True)
def client(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ask the server, from an empty folder."""
    point_at(hub.endpoint, tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    yield
    huggingface_hub.close_session()


def local(tmp_path: Path, files: Files) -> Path:
    """The same files, in a folder of this disk."""
    folder = tmp_path / "local"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def kept_bytes(tmp_path: Path) -> list[Path]:
    """What unembed's cache holds of files, beside how large they are."""
    found = [path for path in (tmp_path / "unembed").rglob("*") if path.is_file()]
    return [path for path in found if path.suffix != ".json" and path.name != "size"]


def assert_same_unembedding(found: Unembedding, expected: Unembedding) -> None:
    torch.testing.assert_close(found.W_U, expected.W_U, rtol=0, atol=0)
    assert found.token_ids.tolist() == expected.token_ids.tolist()
    assert found.digest == expected.digest


def assert_same_features(found: list[Features], expected: list[Features]) -> None:
    assert [bank.name for bank in found] == [bank.name for bank in expected]
    for bank, other in zip(found, expected, strict=True):
        torch.testing.assert_close(bank.W_dec, other.W_dec, rtol=0, atol=0)
        assert bank.digest == other.digest
        assert (bank.hook, bank.layer) == (other.hook, other.layer)


def covered(sent: list[tuple[int, int]]) -> set[int]:
    return {byte for first, stop in sent for byte in range(first, stop)}


class TestValues:
    """What comes from the hub is what the same files give on this disk."""

    @pytest.mark.parametrize("reference", ["tiny-gpt2", "org/tiny", "hf:org/tiny@main"])
    def test_unembedding(
        self, reference: str, tmp_path: Path, repositories: dict[str, Files]
    ) -> None:
        expected = load_unembedding(local(tmp_path, repositories["org/tiny"]))
        assert_same_unembedding(load_unembedding(reference), expected)

    def test_sharded_unembedding(self, tmp_path: Path, repositories: dict[str, Files]) -> None:
        expected = load_unembedding(local(tmp_path, repositories["org/sharded"]))
        assert_same_unembedding(load_unembedding("org/sharded"), expected)

    def test_neurons(self, tmp_path: Path, repositories: dict[str, Files]) -> None:
        expected = load_features("mlp:all", model=local(tmp_path, repositories["org/tiny"]))
        assert_same_features(load_features("mlp:all", model="tiny-gpt2"), expected)

    def test_sae(self, tmp_path: Path, repositories: dict[str, Files]) -> None:
        expected = load_features(local(tmp_path, repositories["org/sae"]) / HOOK)
        found = load_features(SAE)
        assert_same_features(found, expected)
        assert found[0].log10_density is not None
        assert found[0].log10_density.tolist() == expected[0].log10_density.tolist()

    def test_sae_named_by_its_file(self) -> None:
        assert_same_features(load_features(f"{SAE}/sae_weights.safetensors"), load_features(SAE))

    def test_chunks(self, monkeypatch: pytest.MonkeyPatch, hub: FakeHub) -> None:
        whole = load_features(SAE)[0].W_dec
        hub.put("org/again", hub.repos["org/sae"][hub.names["org/sae"]["main"]])
        monkeypatch.setattr(hub_blob, "CHUNK_BYTES", 1000)
        in_chunks = load_features(f"hf:org/again/{HOOK}")[0].W_dec
        assert in_chunks.equal(whole)
        sent = [r for r in hub.log if r.repo == "org/again" and r.host == "cdn"]
        assert max(r.stop - r.first for r in sent) == 1000

    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float8_e4m3fn])
    def test_dtypes(self, hub: FakeHub, dtype: torch.dtype) -> None:
        W_dec = torch.randn(6, 4).to(dtype)
        hub.put("org/matrix", {"W.safetensors": save({"W_dec": W_dec})})
        found = resolve("hf:org/matrix/W.safetensors").tensors().read("W_dec")
        assert found.dtype == dtype
        assert found.float().equal(W_dec.float())

    def test_a_tensor_name_is_no_path(self, hub: FakeHub, tmp_path: Path) -> None:
        W = torch.randn(6, 4)
        hub.put("org/matrix", {"W.safetensors": save({"../../../../../escaped": W})})
        assert load_features("hf:org/matrix/W.safetensors")[0].W_dec.equal(W)
        assert not list(tmp_path.glob("escaped*"))


class TestBytes:
    """Only what is needed is sent: the log of the server says so."""

    def test_unembedding(self, hub: FakeHub, repositories: dict[str, Files]) -> None:
        load_unembedding("tiny-gpt2")
        self.assert_only(
            hub, repositories["org/tiny"], "model.safetensors", {"wte.weight", "ln_f.weight"}
        )

    def test_neurons_of_one_layer(self, hub: FakeHub, repositories: dict[str, Files]) -> None:
        load_features("mlp:1", model="tiny-gpt2")
        self.assert_only(
            hub, repositories["org/tiny"], "model.safetensors", {"h.1.mlp.c_proj.weight"}
        )

    def test_sae(self, hub: FakeHub, repositories: dict[str, Files]) -> None:
        load_features(SAE)
        files = repositories["org/sae"]
        self.assert_only(hub, files, f"{HOOK}/sae_weights.safetensors", {"W_dec"})
        assert not any(request.path == "README.md" for request in hub.log)

    def test_only_the_shards_needed(self, hub: FakeHub, repositories: dict[str, Files]) -> None:
        load_unembedding("org/sharded")
        assert {r.path for r in hub.log if r.path.endswith(".safetensors")} == {
            "model-00001-of-00003.safetensors"
        }
        assert hub.bytes_sent() < 60_000
        load_features("mlp:1", model="org/sharded")
        assert not hub.weights_sent("model-00002-of-00003.safetensors")
        assert hub.weights_sent("model-00003-of-00003.safetensors")

    def test_total(self, hub: FakeHub, repositories: dict[str, Files]) -> None:
        model = load_model("tiny-gpt2")
        load_unembedding(model)
        load_features("mlp:all", model=model)
        load_features(SAE)
        stored = sum(len(file) for files in repositories.values() for file in files.values())
        assert stored > 9 << 20
        assert hub.bytes_sent() < 100_000

    def test_the_second_time_asks_for_no_tensor(self, hub: FakeHub) -> None:
        load_unembedding("tiny-gpt2")
        load_features(SAE)
        hub.log.clear()
        load_unembedding("tiny-gpt2")
        load_features(SAE)
        assert {request.path.split("/")[1] for request in hub.log} == {"api"}

    def test_the_login_stays_with_the_hub(
        self, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        hub.gated.add("org/sae")
        load_features(SAE)
        logged_in = {(r.host, r.headers.get("authorization")) for r in hub.log}
        assert logged_in == {("hub", "Bearer hf_secret"), ("cdn", None)}

    @staticmethod
    def assert_only(hub: FakeHub, files: Files, path: str, needed: set[str]) -> None:
        """No byte outside the header and the tensors needed was sent, and none of those twice."""
        spans = tensor_spans(files[path])
        header = (0, min(start for start, _ in spans.values()))
        wanted = covered([header, *(spans[name] for name in needed)])
        sent = hub.weights_sent(path)
        assert covered(sent) == wanted
        assert sum(stop - first for first, stop in sent) == len(wanted)


class TestRevisions:
    def test_each_is_its_own_commit(self, hub: FakeHub) -> None:
        commit = hub.put("org/sae", sae(seed=6), revision="v1")
        main, v1 = load_features(SAE)[0], load_features(f"{SAE}@v1")[0]
        assert v1.origin["commit"] == commit
        assert main.origin["commit"] == hub.names["org/sae"]["main"]
        assert main.origin["subfolder"] == HOOK
        assert not main.W_dec.equal(v1.W_dec)
        assert load_features(f"{SAE}@{commit}")[0].W_dec.equal(v1.W_dec)

    def test_files_are_asked_for_by_commit(self, hub: FakeHub) -> None:
        commit = hub.put("org/sae", sae(seed=6), revision="v1")
        load_features(f"{SAE}@v1")
        asked = [r for r in hub.log if r.repo]
        assert asked
        urls = {r.url for r in asked if r.host == "hub"}
        assert all(f"/resolve/{commit}/" in url for url in urls)

    def test_a_moved_branch_is_followed_and_the_old_commit_still_there(self, hub: FakeHub) -> None:
        old = hub.names["org/sae"]["main"]
        before = load_features(SAE)[0]
        hub.put("org/sae", sae(seed=6))
        assert not load_features(SAE)[0].W_dec.equal(before.W_dec)
        assert load_features(f"{SAE}@{old}")[0].W_dec.equal(before.W_dec)

    def test_a_revision_with_a_slash(self, hub: FakeHub) -> None:
        hub.put("org/sae", sae(seed=6), revision="refs/pr/7")
        online = load_features(f"{SAE}@refs/pr/7")[0]
        hub.stop()
        assert load_features(f"{SAE}@refs/pr/7")[0].W_dec.equal(online.W_dec)


class TestOffline:
    """What was loaded once needs no network again."""

    @pytest.fixture(params=["server down", "HF_HUB_OFFLINE"])
    def leave(
        self, request: pytest.FixtureRequest, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[[], None]]:
        """What takes the network away; nothing is asked of the hub from then on."""

        def take_away() -> None:
            hub.log.clear()
            if request.param == "server down":
                hub.stop()
            else:
                monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

        yield take_away
        assert not hub.log

    def test_from_the_cache(self, leave: Callable[[], None]) -> None:
        model, bank = load_unembedding("tiny-gpt2"), load_features(SAE)
        neurons = load_features("mlp:all", model="tiny-gpt2")
        sharded = load_unembedding("org/sharded")
        leave()
        assert_same_unembedding(load_unembedding("tiny-gpt2"), model)
        assert_same_features(load_features(SAE), bank)
        assert_same_features(load_features("mlp:all", model="tiny-gpt2"), neurons)
        assert_same_unembedding(load_unembedding("org/sharded"), sharded)

    def test_never_cached(self, leave: Callable[[], None]) -> None:
        leave()
        with pytest.raises(
            SourceError,
            match=r"hf:org/tiny@main is not in the cache.*cannot be reached.*name a local folder",
        ):
            load_unembedding("org/tiny")

    def test_a_file_never_cached(self, leave: Callable[[], None]) -> None:
        load_features("mlp:0", model="tiny-gpt2")
        leave()
        reason = "refused|offline mode is enabled"
        with pytest.raises(SourceError, match=f"not in the cache.*cannot be reached.*{reason}"):
            load_unembedding("tiny-gpt2")

    def test_a_tensor_never_cached(self, leave: Callable[[], None]) -> None:
        load_features("mlp:0", model="tiny-gpt2")
        leave()
        with pytest.raises(SourceError, match=r"is not in the cache.*cannot be reached"):
            load_features("mlp:1", model="tiny-gpt2")

    def test_a_hub_out_of_order_is_as_none(self, hub: FakeHub) -> None:
        online = load_features(SAE)
        hub.faults.api_status = 503
        assert_same_features(load_features(SAE), online)


class TestErrors:
    """Each says what was wrong, what was found and what to do; the command line exits with 1."""

    @pytest.fixture(autouse=True)
    def broken(self, hub: FakeHub, repositories: dict[str, Files]) -> None:
        tiny = repositories["org/tiny"]
        hub.put("org/gated", tiny)
        hub.gated.add("org/gated")
        hub.put("org/no-config", {k: v for k, v in tiny.items() if k != "config.json"})
        hub.put("org/other", {**tiny, "config.json": b'{"model_type": "gpt9"}'})

    CASES = (
        ("org/tyni", ["no such public repository", "'org/tyni'", "Check the spelling", "hf auth"]),
        ("tiny--gpt", ["no such public repository", "'tiny--gpt'"]),
        ("org/tiny@v9", ["org/tiny has no revision 'v9'", "Name a branch, tag or commit"]),
        ("org/gated", ["hf:org/gated@main is gated", "Accept its terms", "hf auth login"]),
        ("org/no-config", ["has no config.json", "It holds: README.md, model.safetensors"]),
        ("hf:org/tiny/modell", ["org/tiny@main has no folder or file 'modell'", "tokenizer.json"]),
        ("hf:org/sae/blocks.1.hook_resid_pri", ["no folder", f"Did you mean '{HOOK}'?"]),
        ("org/other", ["model_type 'gpt9'", "Did you mean", "Known: "]),
    )

    @pytest.mark.parametrize(("reference", "phrases"), CASES)
    def test_message(self, reference: str, phrases: list[str]) -> None:
        with pytest.raises(UnembedError) as error:
            load_unembedding(reference)
        for phrase in phrases:
            assert phrase in str(error.value)

    @pytest.mark.parametrize(("reference", "phrases"), CASES)
    def test_command_line(
        self,
        reference: str,
        phrases: list[str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        arguments = ["run", reference, "mlp:0", "-o", "run"]
        monkeypatch.setattr(sys, "argv", ["unembed", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == 1
        assert "Error:" in printed.err
        assert "Traceback" not in printed.err
        for phrase in phrases:
            assert phrase in printed.err
        assert not Path("run").exists()

    @pytest.mark.parametrize("status", [500, 429, 401])
    def test_a_hub_that_refuses(self, hub: FakeHub, status: int) -> None:
        hub.faults.api_status = status
        with pytest.raises(SourceError, match=rf"hf:org/tiny@main.*answered.*{status}"):
            load_unembedding("org/tiny")

    def test_a_page_in_place_of_the_hub(self, hub: FakeHub) -> None:
        hub.faults.api_page = b"<html>Welcome to our hotel</html>"
        with pytest.raises(SourceError, match=r"not in the cache.*cannot be reached"):
            load_unembedding("org/tiny")

    def test_ranges_ignored(self, hub: FakeHub, stalled: threading.Event) -> None:
        """The error does not wait for the whole file, which would come in one answer."""
        hub.faults.ignores_ranges = True
        with pytest.raises(SourceError, match=r"byte ranges. Download the repository and name"):
            load_features(SAE)
        assert not stalled.is_set()

    def test_a_server_that_compresses_what_it_may(self, hub: FakeHub) -> None:
        hub.faults.compresses = True
        assert len(load_features(SAE)[0]) == 128

    @pytest.fixture
    def stalled(self, hub: FakeHub) -> Iterator[threading.Event]:
        hub.faults.stalls = threading.Event()
        yield hub.faults.stalls
        hub.faults.stalls.set()

    @pytest.mark.usefixtures("stalled")
    def test_a_server_that_stalls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
        with pytest.raises(SourceError, match=r"cannot be reached.*timed out"):
            load_features(SAE)

    def test_a_cache_that_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "file"))
        with pytest.raises(SourceError, match=r"cannot be written.*UNEMBED_CACHE"):
            load_features(SAE)

    def test_a_cache_of_huggingface_hub_that_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
        with pytest.raises(SourceError, match=r"cannot be written: .*Not a directory.*HF_HOME"):
            load_features(SAE)


def _header(entries: object, body: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + body


def _entry(**changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16], **changes}


DAMAGED = {
    "empty": b"",
    "shorter than a length": b"\x10\0\0",
    "a web page": b"<!DOCTYPE html><html>not found</html>",
    "a length beyond the format": b"\xff" * 64,
    "a length beyond the file": (1000).to_bytes(8, "little") + b"{}",
    "no JSON": (6).to_bytes(8, "little") + b"{'a':1",
    "no table": _header([1, 2]),
    "no entry": _header({"W_dec": 3}),
    "an entry without shape": _header({"W_dec": {"dtype": "F32"}}),
    "offsets back to front": _header({"W_dec": _entry(data_offsets=[16, 0])}, b"\0" * 16),
    "offsets in words": _header({"W_dec": _entry(data_offsets=["a", "b"])}, b"\0" * 16),
    "offsets with fractions": _header({"W_dec": _entry(data_offsets=[0.5, 16])}, b"\0" * 16),
    "a larger shape": _header({"W_dec": _entry(shape=[2, 3])}, b"\0" * 16),
    "a negative shape": _header({"W_dec": _entry(shape=[2, -2])}, b"\0" * 16),
    "an unknown dtype": _header({"W_dec": _entry(dtype="F33")}, b"\0" * 16),
    "half a tensor": _header({"W_dec": _entry()}, b"\0" * 8),
    "no tensor": _header({"W_dec": _entry()}),
}


class TestDamage:
    """Damaged weights end in a message, and stay out of the cache."""

    @pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
    def test_header(self, hub: FakeHub, tmp_path: Path, content: bytes) -> None:
        hub.put("org/matrix", {"W.safetensors": content})
        with pytest.raises(FormatError, match=r"org/matrix@main/W.safetensors cannot be read as"):
            load_features("hf:org/matrix/W.safetensors")
        assert not kept_bytes(tmp_path)

    def test_nothing_bad_is_kept(self, hub: FakeHub) -> None:
        commit = hub.put("org/matrix", {"W.safetensors": DAMAGED["no JSON"]})
        with pytest.raises(FormatError):
            load_features("hf:org/matrix/W.safetensors")
        hub.repos["org/matrix"][commit]["W.safetensors"] = save({"W_dec": torch.eye(2)})
        assert load_features("hf:org/matrix/W.safetensors")[0].W_dec.equal(torch.eye(2))

    @pytest.mark.parametrize("after", [3, 2000])
    def test_a_broken_connection(
        self, hub: FakeHub, tmp_path: Path, after: int, repositories: dict[str, Files]
    ) -> None:
        hub.faults.breaks_after = after
        with pytest.raises(SourceError, match=r"cannot be reached.*try again"):
            load_unembedding("tiny-gpt2")
        assert hub.faults.breaks_after is None
        whole = {"length", "header"} if after == 2000 else set()  # the header, before the tensor
        assert len(kept_bytes(tmp_path)) == len(whole)
        expected = load_unembedding(local(tmp_path, repositories["org/tiny"]))
        assert_same_unembedding(load_unembedding("tiny-gpt2"), expected)


def _unembed(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "unembed", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _tables(run: Path) -> dict[str, bytes]:
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.rglob("*.parquet"))}


@pytest.mark.slow
def test_the_program(hub: FakeHub, tmp_path: Path) -> None:
    """The program itself: first from the hub, then from the cache with the same bytes."""
    cache = {"UNEMBED_CACHE": "a cache/of lr=0.1 [ä]*", "HF_HOME": str(tmp_path / "h f[1]")}
    environment = {"HF_ENDPOINT": hub.endpoint, **cache}
    command = ["run", "tiny-gpt2", SAE, "mlp:0-1", "-o"]
    online = _unembed([*command, "online"], environment)
    assert online.returncode == 0, online.stderr
    assert hub.bytes_sent() < 150_000
    hub.stop()
    offline = _unembed([*command, "offline"], environment)
    assert offline.returncode == 0, offline.stderr
    assert len(_tables(Path("online"))) > 4
    assert _tables(Path("online")) == _tables(Path("offline"))
    for question in (
        ["show", "online", "sae.1/3"],
        ["explain", "online", "sae.1/3"],
        ["find", "online", "--token", "the"],
        ["find", "online", "--like", "mlp.0/2"],
    ):  # what the tables do not keep is read again, from the commit that the manifest names
        answered = _unembed(question, environment)
        assert answered.returncode == 0, answered.stderr


def test_a_finished_run_with_the_hub_gone(hub: FakeHub) -> None:
    """As the explorer asks it for weights, in a session that never saw the hub."""
    online = load_unembedding("tiny-gpt2"), *load_features([SAE, "mlp:1"], model="tiny-gpt2")
    unembedding, *banks = (each.facts for each in online)
    hub.put("org/sae", sae(seed=6))  # and the branch went on
    hub.put("org/tiny", {"config.json": b"{}"})
    hub.log.clear()
    for _ in range(2):
        assert_same_unembedding(reopen_unembedding(unembedding), online[0])
        for bank, facts in zip(online[1:], banks, strict=True):
            assert_same_features([reopen_features(facts)], [bank])
        assert not hub.log  # a commit does not change: nothing is asked of it again
        hub.stop()
