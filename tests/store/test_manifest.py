"""`manifest.json` as facts: what it says comes back, and what it lacks is said by its place."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planted import Planted
from unembed.errors import RunError
from unembed.explanation import ExplanationSettings
from unembed.facts import BankFacts, NullFacts, UnembeddingFacts
from unembed.store.manifest import MANIFEST, EnrichmentFacts, Manifest, SettingsFacts

GOLDEN = Path(__file__).parents[1] / "golden" / "schema-1"

Content = dict[str, Any]


@pytest.fixture
def content() -> Content:
    found: Content = json.loads((GOLDEN / MANIFEST).read_text(encoding="utf-8"))
    return found


def loaded(folder: Path, content: object) -> Manifest:
    (folder / MANIFEST).write_text(json.dumps(content), encoding="utf-8")
    return Manifest.load(folder)


def test_what_is_loaded_is_written_again_byte_for_byte(tiny: Planted, plain: Planted) -> None:
    for folder in (GOLDEN, tiny.run.path, plain.run.path):
        written = (folder / MANIFEST).read_bytes()
        assert Manifest.load(folder).dump().encode() == written
    assert plain.run.manifest.enrichment is None


def test_facts_are_what_the_file_says(content: Content) -> None:
    """Every field, each in its class: what a class does not name is in no file."""
    manifest = Manifest.load(GOLDEN)
    assert manifest.content == content
    tested = manifest.enrichment
    assert tested is not None
    parts: list[tuple[Any, Content]] = [
        (manifest.unembedding, content["unembedding"]),
        *zip(manifest.banks, content["banks"], strict=True),
        (manifest.settings, content["settings"]),
        *zip(tested.nulls, content["enrichment"]["nulls"], strict=True),
        (tested.explanation, content["enrichment"]["explanation"]),
    ]
    for facts, said in parts:
        newer = {"lens": None, "reads": None} if isinstance(facts, BankFacts) else {}
        found = {each.name: getattr(facts, each.name) for each in fields(facts)}
        assert found == {**newer, **said}
    for each in fields(tested):
        if each.name not in ("nulls", "explanation", "tsea"):
            assert getattr(tested, each.name) == content["enrichment"][each.name]
    assert tested.tsea == "all"  # true, as it says it


PARTS: dict[str, tuple[type, Callable[[Content], Content]]] = {
    "unembedding": (UnembeddingFacts, lambda content: content["unembedding"]),
    "banks[1]": (BankFacts, lambda content: content["banks"][1]),
    "settings": (SettingsFacts, lambda content: content["settings"]),
    "enrichment": (EnrichmentFacts, lambda content: content["enrichment"]),
    "enrichment.nulls[1]": (NullFacts, lambda content: content["enrichment"]["nulls"][1]),
    "enrichment.explanation": (
        ExplanationSettings,
        lambda content: content["enrichment"]["explanation"],
    ),
}
"""The parts of a manifest: their class, and where they are."""


NEWER = {
    **{f"banks[{at}]": {"lens", "reads"} for at in range(9)},
    "enrichment": {"tsea", "weight", "explanation"},
    "enrichment.explanation": {each.name for each in fields(ExplanationSettings)},
}
"""Fields that the first runs of this schema did not have: all others must be there."""


@pytest.mark.parametrize("place", PARTS)
def test_a_missing_field_is_said_by_its_place(place: str, content: Content, tmp_path: Path) -> None:
    kind, part_of = PARTS[place]
    for name in {each.name for each in fields(kind)}:
        lacking = copy.deepcopy(content)
        part_of(lacking).pop(name, None)
        if name in NEWER.get(place, ()):
            loaded(tmp_path, lacking)
        else:
            said = (
                rf"manifest\.json is damaged, or .*: {re.escape(place)} has no '{name}'\. Nothing"
            )
            with pytest.raises(RunError, match=said):
                loaded(tmp_path, lacking)


@pytest.mark.parametrize("part", ["unembedding", "banks", "settings"])
def test_a_missing_part_is_said(part: str, content: Content, tmp_path: Path) -> None:
    for value in ({}, []):
        with pytest.raises(RunError, match=f"it has no '{part}'"):
            loaded(tmp_path, {**content, part: value})
    del content[part]
    with pytest.raises(RunError, match=f"it has no '{part}'"):
        loaded(tmp_path, content)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"banks": []}', '"x"'])
def test_what_is_no_manifest(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(RunError, match="is damaged"):
        Manifest.load(tmp_path)


@pytest.mark.parametrize(
    ("part", "value"),
    [("banks", 3), ("banks", [3]), ("unembedding", [1]), ("settings", "x"), ("enrichment", 7)],
)
def test_parts_of_another_kind(part: str, value: object, content: Content, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is damaged"):
        loaded(tmp_path, {**content, part: value})


def test_another_schema_is_refused(content: Content, tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"has schema version 9; this unembed reads 1, 2, 3, 4 and 5\. .*\(99\.0\)"
    ):
        loaded(tmp_path, {**content, "schema_version": 9, "unembed_version": "99.0"})


@pytest.mark.parametrize("place", PARTS)
def test_an_unknown_field_is_passed_over_and_kept(
    place: str, content: Content, tmp_path: Path
) -> None:
    """A run of a later version of the same schema opens; what it says more is written again."""
    PARTS[place][1](content)["of_a_later_version"] = {"x": 1}
    content["also_later"] = True
    manifest = loaded(tmp_path, content)
    assert json.loads(manifest.dump()) == content
    assert manifest == Manifest.load(GOLDEN)
    assert manifest.digest != Manifest.load(GOLDEN).digest


def test_where_weights_lay_is_no_difference(content: Content, tmp_path: Path) -> None:
    moved = copy.deepcopy(content)
    moved["banks"][0]["origin"] = {"path": "/elsewhere"}
    golden = Manifest.load(GOLDEN)
    assert loaded(tmp_path, moved).digest == golden.digest
    assert golden.differences(Manifest.load(tmp_path)) == []
    moved["settings"]["top_k"], moved["banks"][1]["name"] = 9, "mlp.4"
    assert loaded(tmp_path, moved).digest != golden.digest
    assert golden.differences(Manifest.load(tmp_path)) == [
        "banks[1].name (mlp.3, now mlp.4)", "settings.top_k (4, now 9)"
    ]  # fmt: skip


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 13))
def test_shards_are_a_plain_count(sizes: list[int], size: int) -> None:
    golden = Manifest.load(GOLDEN)
    banks = tuple(
        replace(golden.banks[0], name=f"b{at}", features=count) for at, count in enumerate(sizes)
    )
    manifest = replace(golden, banks=banks, settings=replace(golden.settings, shard=size))

    expected: list[list[int]] = []  # of each shard, the rows of the run that are in it
    row, starts = 0, []
    for count in sizes:
        starts.append(row)
        for at in range(count):
            if at % size == 0:
                expected.append([])
            expected[-1].append(row)
            row += 1
    shards = list(manifest.shards())
    found = [
        list(range(starts[shard.bank] + shard.start, starts[shard.bank] + shard.stop))
        for shard in shards
    ]
    assert found == expected
    assert [shard.features for shard in shards] == [len(rows) for rows in expected]
    assert list(manifest.first_rows.items()) == [(f"b{at}", row) for at, row in enumerate(starts)]
    assert manifest.features == row
    assert len({shard.path for shard in shards}) == len(shards)
    for at, name in enumerate(manifest.names):
        of_bank = list(manifest.shards(name))
        assert of_bank == [shard for shard in shards if shard.bank == at]
        assert [shard.path for shard in of_bank] == [
            f"features/{name}-{number:05d}.parquet" for number in range(len(of_bank))
        ]


def test_information_is_no_identity(tiny: Planted, tmp_path: Path) -> None:
    """Of this schema; what decides the bytes is, each by itself."""
    content = json.loads((tiny.run.path / MANIFEST).read_text(encoding="utf-8"))
    del content["seal"]  # what is changed by hand is taken without one
    content["settings"]["device"] = "cuda"
    before = loaded(tmp_path, content)
    information: dict[tuple[Any, ...], object] = {
        ("settings", "tile"): 7, ("enrichment", "nulls", 0, "shrinkage"): 0.5,
        ("unembedding", "name_of_model"): "other", ("banks", 0, "origin"): {"path": "elsewhere"},
        ("unembedding", "preparation", "origin"): {"path": "elsewhere"},
        ("settings", "device"): "cuda:1",
    }  # fmt: skip
    for place, value in information.items():
        after = loaded(tmp_path, changed(content, place, value))
        assert (after.digest, before.differences(after)) == (before.digest, []), place
    identity: dict[tuple[Any, ...], object] = {
        ("settings", "top_k"): 7, ("settings", "shard"): 7, ("enrichment", "seed"): 7,
        ("unembedding", "sha256"): "0" * 64, ("banks", 0, "sha256"): "0" * 64,
        ("enrichment", "sha256"): "0" * 64, ("unembed_version",): "7",
        ("enrichment", "max_q"): 0.5, ("settings", "device"): "cpu",
    }  # fmt: skip
    for place, value in identity.items():
        after = loaded(tmp_path, changed(content, place, value))
        assert after.digest != before.digest, place
        assert len(before.differences(after)) == 1, place


def changed(content: Content, place: tuple[Any, ...], value: object) -> Content:
    found = copy.deepcopy(content)
    part: Any = found
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return found


def test_a_run_of_schema_1_is_read_and_not_gone_on_with(tiny: Planted) -> None:
    """Its digest, that its tables bear, counts the tile."""
    old = Manifest.load(GOLDEN)
    assert old.schema_version == 1
    retiled = replace(old, content=changed(dict(old.content), ("settings", "tile"), 64))
    assert retiled.digest != old.digest
    assert old.differences(tiny.run.manifest) == ["schema_version (1, now 4)"]
