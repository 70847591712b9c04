"""Exports are fetched from a server of their layout: few requests, each file once, going on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.neuronpedia.bucket import (
    SOURCE,
    Bucket,
    activation,
    explanation,
    exported,
    feature,
    packed,
    served,
)
from unembed.errors import FormatError, SourceError
from unembed.load.neuronpedia import KINDS, FromSite, Gathered, web
from unembed.load.neuronpedia.gathered import Found, Kind
from unembed.load.neuronpedia.records import Whose

INDICES = [*range(12), 1500, 2100]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(web.time, "sleep", lambda seconds: None)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with served(Bucket(exported(INDICES))) as found:
        yield found


def gathered(
    bucket: Bucket, wanted: list[int], kinds: tuple[Kind, ...] = KINDS, examples: int = 2
) -> Found:
    found = Gathered(wanted, examples)
    FromSite(bucket.base).gather(found, Whose(SOURCE), kinds, lambda done, total: None)
    return found.tables()


def test_an_export_is_read_whole(bucket: Bucket) -> None:
    found = gathered(bucket, INDICES)
    assert found.features["index"].to_list() == INDICES
    assert found.features["density"].to_list() == [0.001 * (i % 10) for i in INDICES]
    assert found.features["max_activation"].to_list() == [2.5 + i for i in INDICES]
    assert found.explanations["index"].to_list() == INDICES
    assert found.explanations["text"].to_list() == [f"things of {i}" for i in INDICES]
    assert set(found.explanations["model"]) == {"gpt-4o-mini"}
    assert found.activations["index"].to_list() == [i for i in INDICES for _ in range(2)]
    assert found.activations["value"].to_list()[:2] == [7.0, 6.0]  # the strongest first
    assert found.activations.row(-1)[2:] == (
        ["<", " one", " 2100", ">"], [0.0, 0.5, 6.0, 0.0], 2,
    )  # fmt: skip


def test_files_are_fetched_once(bucket: Bucket) -> None:
    gathered(bucket, INDICES)
    files = [key for key in bucket.files if key.endswith(".gz")]
    assert sorted(bucket.paths) == sorted(f"/{key}" for key in files)
    lists = len(bucket.asked) - len(files)
    bucket.asked.clear()
    gathered(bucket, INDICES)
    assert bucket.paths == []
    assert len(bucket.asked) == lists


def test_a_file_that_the_bucket_has_anew_is_fetched_anew(bucket: Bucket) -> None:
    gathered(bucket, INDICES)
    key = f"v1/{SOURCE}/explanations/batch-0.jsonl.gz"
    bucket.files[key] = packed([explanation(0, "something else")])
    bucket.asked.clear()
    assert gathered(bucket, [0]).explanations["text"].to_list() == ["something else"]
    assert bucket.paths == [f"/{key}"]


def test_activations_of_wanted_features_alone(bucket: Bucket) -> None:
    found = gathered(bucket, [1500])
    assert found.activations["index"].to_list() == [1500, 1500]
    of_kind = [path for path in bucket.paths if "activations" in path]
    assert of_kind == [f"/v1/{SOURCE}/activations/batch-1.jsonl.gz"]


def test_a_feature_that_fires_nowhere_costs_no_other_file(bucket: Bucket) -> None:
    key = f"v1/{SOURCE}/activations/batch-0.jsonl.gz"
    texts = [activation(i, ["x"], [1.0]) for i in range(12) if i != 5]
    bucket.files[key] = packed(texts)
    assert gathered(bucket, [5]).activations.height == 0
    assert [path for path in bucket.paths if "activations" in path] == [f"/{key}"]


def test_files_made_of_dashboards_hold_what_their_numbers_say(bucket: Bucket) -> None:
    """Then `features` and `activations` of one number hold the same few features."""
    prefix = f"v1/{SOURCE}"
    bucket.files.clear()
    for at in range(4):
        few = range(3 * at, 3 * at + 3)
        bucket.files[f"{prefix}/features/batch-{at}.jsonl.gz"] = packed(
            [feature(i, index=i) for i in few]
        )
        bucket.files[f"{prefix}/activations/batch-{at}.jsonl.gz"] = packed(
            [activation(i, ["x"], [1.0 + i]) for i in few]
        )
    found = gathered(bucket, [7])
    assert found.activations["value"].to_list() == [8.0]
    of_kind = [path for path in bucket.paths if "activations" in path]
    assert of_kind == [f"/{prefix}/activations/batch-2.jsonl.gz"]


def test_explanations_of_further_models_lie_in_folders_of_their_own(bucket: Bucket) -> None:
    other = f"v1/{SOURCE}/explanations-gpt-5/batch-0.jsonl.gz"
    bucket.files[other] = packed([explanation(3, "else", explanationModelName="gpt-5")])
    found = gathered(bucket, [3]).explanations
    assert found["model"].to_list() == ["gpt-4o-mini", "gpt-5"]


def test_a_mirror_without_a_list_is_counted(bucket: Bucket) -> None:
    bucket.lists = False
    found = gathered(bucket, INDICES)
    assert found.features["index"].to_list() == INDICES
    heads = [path for method, path, _ in bucket.asked if method == "HEAD"]
    assert f"/v1/{SOURCE}/features/batch-4.jsonl.gz" in heads  # the first that is not there
    assert f"/v1/{SOURCE}/features/batch-5.jsonl.gz" not in heads
    bucket.asked.clear()
    gathered(bucket, INDICES)
    assert {method for method, path, _ in bucket.asked if "list-type" not in path} == {"HEAD"}


def test_what_was_stopped_goes_on(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"v1/{SOURCE}/activations/batch-0.jsonl.gz"
    bucket.short.add(key)
    monkeypatch.setattr(web, "TRIES", 1)
    with pytest.raises(SourceError, match=r"did not arrive.*goes on from there"):
        gathered(bucket, [0])
    bucket.asked.clear()
    assert gathered(bucket, [0]).activations.height == 2
    half = len(bucket.files[key]) // 2
    ranges = [(path, wanted) for _, path, wanted in bucket.asked if wanted]
    assert ranges == [(f"/{key}", f"bytes={half}-")]


def test_a_closed_connection_is_tried_again(bucket: Bucket) -> None:
    bucket.short.add(f"v1/{SOURCE}/features/batch-0.jsonl.gz")
    assert gathered(bucket, INDICES).features["index"].to_list() == INDICES


def test_a_busy_site_is_asked_again_when_it_wants(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(web.time, "sleep", waited.append)
    bucket.busy += [(503, {"Retry-After": "7"}), (429, {})]
    assert gathered(bucket, [0]).features.height == 1
    assert waited == [7.0, 2.0]


def test_a_site_that_stays_busy_is_left_alone(bucket: Bucket) -> None:
    bucket.busy += [(503, {})] * web.TRIES
    with pytest.raises(SourceError, match=r"503.*give files with --from"):
        gathered(bucket, [0])
    assert len(bucket.asked) == web.TRIES


def test_what_arrives_otherwise_than_listed_is_refused(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"v1/{SOURCE}/features/batch-0.jsonl.gz"
    right = bucket.files[key]

    def download(url: str, part: Path, most: int, size: int, tag: str) -> None:
        part.write_bytes(right[:-1] + b"!")

    monkeypatch.setattr(web, "download", download)
    with pytest.raises(SourceError, match="are not those that its list speaks of"):
        gathered(bucket, [0], ("features",))
    monkeypatch.undo()
    assert not list(Path(f"{key}.part").parent.glob("*.part"))


def test_what_is_not_there(bucket: Bucket) -> None:
    bucket.files.clear()
    with pytest.raises(SourceError, match=f"has no export of {SOURCE}.*give files with --from"):
        gathered(bucket, [0])


def test_a_site_that_is_not_there(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.base = "http://127.0.0.1:9/v1"
    with pytest.raises(SourceError, match="cannot be fetched"):
        gathered(bucket, [0])


@pytest.mark.parametrize("base", ["ftp://a/v1", "v1", "file:///etc", "https://a/v1?x=1"])
def test_what_is_no_address(base: str) -> None:
    with pytest.raises(SourceError, match="no address of exports"):
        FromSite(base)


def test_a_damaged_file_is_named(bucket: Bucket) -> None:
    key = f"v1/{SOURCE}/features/batch-1.jsonl.gz"
    bucket.files[key] = bucket.files[key][:-9]
    with pytest.raises(FormatError, match=rf"{key} is damaged"):
        gathered(bucket, INDICES)
