"""A run that is published: what goes out, how it is sent, and what the hub has then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.load.fake_hub import FakeHub
from tests.planted import Planted
from tests.publishing.conftest import OF_THE_LIBRARY, PLACE, command
from unembed import Run, publish_run, publishing
from unembed.errors import RunError, SourceError
from unembed.store.files import RunFiles
from unembed.store.published import MOST_STRONGEST, strongest_path

pytestmark = OF_THE_LIBRARY
DATA = "datasets/me/run"


def content(hub: FakeHub, revision: str = "main") -> dict[str, bytes]:
    commit = hub.commit(DATA, revision)
    assert commit is not None
    return hub.repos[DATA][commit]


def test_all_of_the_run_is_there_and_its_own_address_opens_it(hub: FakeHub, tiny: Planted) -> None:
    address = publish_run(tiny.run, PLACE, private=True)
    assert hub.private == {DATA: True}
    there = content(hub)
    for table in RunFiles(tiny.run.manifest).tables:
        assert there[table] == (tiny.run.path / table).read_bytes(), table
    assert address == f"{PLACE}@{hub.commit(DATA, 'main')}"
    assert Run.open(address).features.equals(tiny.run.features)
    asked = [request.url for request in hub.log if request.method == "POST"]
    assert sum("/commit/" in each for each in asked) == 1, "nobody sees half of a run"


def test_again_nothing_is_sent_twice(hub: FakeHub, tiny: Planted) -> None:
    hub.faults.refuses_after = 5
    with pytest.raises(SourceError, match="the same command goes on"):
        publish_run(tiny.run, PLACE)
    assert list(content(hub)) == [".gitattributes"]
    assert 0 < len(hub.objects) <= 5
    known = set(hub.objects)
    hub.faults.refuses_after = None
    hub.log.clear()
    publish_run(tiny.run, PLACE)
    sent = {request.path.rpartition("/")[2] for request in hub.log if request.method == "PUT"}
    assert sent
    assert not sent & known
    hub.log.clear()
    publish_run(tiny.run, PLACE)
    assert not [request for request in hub.log if request.method == "PUT"]


def test_another_run_takes_the_place_of_the_first(
    hub: FakeHub, tiny: Planted, plain: Planted
) -> None:
    publish_run(tiny.run, PLACE)
    commit = hub.commit(DATA, "main")
    assert commit is not None
    hub.put(DATA, {**content(hub), "notes.md": b"mine", "features.txt": b"mine"})
    publish_run(plain.run, PLACE)
    there = content(hub)
    assert {"notes.md", "features.txt"} <= set(there), "only what a run's files may be called goes"
    assert not [path for path in there if path.startswith("enrichment/")]
    assert Run.open(PLACE).features.equals(plain.run.features)
    assert Run.open(f"{PLACE}@{commit}").features.equals(tiny.run.features)


def test_branches_and_folders(hub: FakeHub, tiny: Planted, plain: Planted) -> None:
    publish_run(tiny.run, f"{PLACE}@layers/one")
    assert "layers/one/manifest.json" not in content(hub)
    publish_run(plain.run, f"{PLACE}@layers/two")
    assert hub.commit(DATA, "layers") != hub.commit(DATA, "main")
    for folder, run in (("one", tiny.run), ("two", plain.run)):
        assert Run.open(f"{PLACE}@layers/{folder}").features.equals(run.features)
    with pytest.raises(RunError, match=r"no run.*There are runs in one, two\. Did you mean 'one'"):
        Run.open(f"{PLACE}@layers/onne")


def test_the_card(hub: FakeHub, tiny: Planted) -> None:
    publish_run(tiny.run, PLACE, title="A | title", licence="cc-by-4.0", note="Read *this* first.")
    there = content(hub)
    head, _, text = there["README.md"].decode().removeprefix("---\n").partition("---\n")
    said = yaml.safe_load(head)
    assert said["license"] == "cc-by-4.0"
    for config in said["configs"]:
        before, _, after = config["data_files"].partition("*")
        files = [path for path in there if path.startswith(before) and path.endswith(after)]
        assert files, config
    assert [config["config_name"] for config in said["configs"] if config.get("default")] == [
        "features"
    ]
    assert "Read *this* first." in text
    assert f"unembed explore {PLACE}" in text
    assert tiny.run.manifest.unembedding.sha256[:16] in text
    for name in ("kurtosis.svg", "classes.svg"):
        assert f"(pictures/{name})" in text
        assert there[f"pictures/{name}"].startswith(b"<svg ")


def test_without_a_licence_the_card_says_so(tiny: Planted, hub: FakeHub) -> None:
    publish_run(tiny.run, PLACE)
    text = content(hub)["README.md"].decode()
    assert "\nlicense:" not in text
    assert "has not said under which terms" in text


def test_a_damaged_run_is_not_published(tmp_path: Path, hub: FakeHub, tiny: Planted) -> None:
    from tests.planted import tiny_run

    run = tiny_run(tmp_path / "run").run
    table = run.path / next(iter(RunFiles(run.manifest).of_shard(next(run.manifest.shards()))))
    raw = bytearray(table.read_bytes())
    raw[len(raw) // 2] ^= 1
    table.write_bytes(raw)
    with pytest.raises(RunError, match="not whole, and was not published"):
        publish_run(run, PLACE)
    assert hub.repos == {}
    table.unlink()
    said = command("publish", run.path, PLACE)
    assert said.status == 1
    assert "not finished" in said.err
    assert hub.repos == {}


def test_what_the_hub_refuses(hub: FakeHub, tiny: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.read_only.add(DATA)
    with pytest.raises(SourceError, match="refuses to write to the data set me/run"):
        publish_run(tiny.run, PLACE)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(SourceError, match="hf auth login"):
        publish_run(tiny.run, "hf:me/other")
    hub.stop()
    with pytest.raises(SourceError, match="could not be sent"):
        publish_run(tiny.run, "hf:me/other", token="hf_x")


def test_a_published_run_is_not_published_from_there(hub: FakeHub, tiny: Planted) -> None:
    publish_run(tiny.run, PLACE)
    with pytest.raises(RunError, match="published already"):
        publish_run(Run.open(PLACE), "hf:me/copy")


def test_the_command(hub: FakeHub, tiny: Planted) -> None:
    status, out, err = command("publish", tiny.run.path, PLACE, "--dry-run")
    assert status == 0
    assert "features/" in out
    assert "Nothing was sent." in err
    assert hub.repos == {}
    assert hub.log == []
    status, out, _ = command("publish", tiny.run.path, PLACE, "--json")
    assert status == 0
    facts = json.loads(out)
    assert facts["bytes"] == sum(facts["files"].values())
    assert set(facts["files"]) == set(content(hub)) - {".gitattributes"}
    said = command("publish", tiny.run.path, PLACE.removeprefix("hf:"))
    assert said.out.strip() == facts["address"]
    assert command("publish", tiny.run.path, "runs/demo/x/../y").status == 1


def test_the_strongest_sets_are_those_of_all(hub: FakeHub, tiny: Planted) -> None:
    with publishing.pack(tiny.run, PLACE) as parcel:
        from unembed.parquet import read_parquet

        for shard in tiny.run.manifest.shards():
            bank = tiny.run.manifest.names[shard.bank]
            table = read_parquet(parcel.files[strongest_path(shard.path)])
            for at, row in enumerate(table.iter_rows(named=True)):
                if at % 20:
                    continue
                every = tiny.run.scores.of_feature(bank, shard.start + at)
                z = dict(zip(every["token_set"], every["z"], strict=True))
                best = sorted(z.values(), key=abs, reverse=True)[:MOST_STRONGEST]
                assert [abs(each) for each in row["z"]] == pytest.approx(
                    [abs(each) for each in best], rel=2e-3
                )
