"""What of a run is nobody else's business does not go out."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.load.fake_hub import FakeHub
from tests.publishing.conftest import OF_THE_LIBRARY, PLACE, elsewhere
from unembed import Run, analyze, build_token_sets, load_features, load_unembedding, publish_run
from unembed.demo import MODEL
from unembed.errors import SourceError
from unembed.publishing.private import texts_without_places, without_places
from unembed.store.manifest import Manifest

pytestmark = OF_THE_LIBRARY
GOLDEN = Path(__file__).parents[1] / "golden" / "schema-4"


def with_origin(origin: dict[str, object]) -> Manifest:
    manifest = Manifest.load(GOLDEN)
    banks = [{**bank, "origin": origin} for bank in manifest.content["banks"]]
    return manifest.with_content({**manifest.content, "banks": banks})


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/home/zuse/secret-project/sae", "sae"),
        ("C:\\Users\\zuse\\sae", "sae"),
        ("\\\\server\\share\\sae", "sae"),
        ("~/sae", "sae"),
        ("models/of-mine/sae", "sae"),
    ],
)
def test_folders_are_named_by_their_last_part(path: str, said: str) -> None:
    origin = {
        "format": "saelens", "path": path, "model": {"path": path, "repo_like": "org/name"},
        "note": f"read from {path}/x", "steps": ["/ ‖W_dec‖ (rescaled)", "× 2"],
    }  # fmt: skip
    manifest = with_origin(origin)
    changed, changes = without_places(manifest)
    found = changed.banks[0].origin
    assert found["path"] == f"{said} (a folder of whoever published the run)"
    assert found["model"]["path"] == found["path"]
    assert found["model"]["repo_like"] == "org/name"
    assert found["steps"] == origin["steps"]
    assert path not in changed.dump()
    assert "zuse" not in changed.dump()
    assert changed.digest == manifest.digest
    assert {change.old for change in changes} == {path, f"read from {path}/x"}


def test_places_on_the_hub_stay() -> None:
    origin = {"repo": "org/sae", "commit": "1a2b", "subfolder": "blocks.8/x"}
    manifest = with_origin(origin)
    changed, changes = without_places(manifest)
    assert changes == []
    assert changed is manifest


def test_token_sets_too(tmp_path: Path) -> None:
    manifest = with_origin({"path": "/data/zuse/sae"})
    names = ("name", "family", "description", "source", "definition")
    sets = pl.DataFrame(
        {name: ["a", None, "see /data/zuse/sae/x, /home/mallory/y"] for name in names}
    )
    changed, changes = texts_without_places(sets, manifest)
    assert changed["source"].to_list()[:2] == ["a", None]
    assert "/data" not in changed["source"][2]
    assert "mallory" not in changed["source"][2]
    assert len(changes) == len(names)


def test_the_demo_is_on_every_machine(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unembedding = load_unembedding(MODEL)
    (neurons,) = load_features("mlp:20", model=MODEL)
    sets = build_token_sets(unembedding.vocabulary, family="grammar/pronouns")
    run = analyze(unembedding, [neurons], tmp_path / "run", token_sets=sets)
    publish_run(run, PLACE)
    files = hub.repos["datasets/me/run"][str(hub.commit("datasets/me/run", "main"))]
    mine = str(MODEL.parents[3]).encode()
    assert mine in (run.path / "manifest.json").read_bytes()
    assert not [path for path, raw in files.items() if mine in raw]
    elsewhere(hub, tmp_path / "theirs", monkeypatch)
    theirs = Run.open(PLACE)
    assert (theirs.logit_weights("mlp.20/7").weights == run.logit_weights("mlp.20/7").weights).all()


def test_weights_that_are_not_here_are_said(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_run(Run.open(GOLDEN), PLACE)
    run = Run.open(PLACE)
    with pytest.raises(SourceError, match="weights cannot be read again"):
        run.logit_weights("sae.3/5")
