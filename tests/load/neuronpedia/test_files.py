"""Exports and dashboards that a person has, whole or damaged."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.load.neuronpedia.bucket import SOURCE, activation, explanation, exported, feature, packed
from unembed.errors import FormatError, SourceError, UnembedError
from unembed.load.neuronpedia import KINDS, FromFiles, Gathered
from unembed.load.neuronpedia.gathered import AFTER, BEFORE, Found
from unembed.load.neuronpedia.records import Whose
from unembed.outside import limits

INDICES = [*range(12), 1500]


def gathered(
    *places: Path, wanted: Any = INDICES, source: str | None = SOURCE, **how: Any
) -> Found:
    found = Gathered(wanted, how.pop("examples", 2))
    FromFiles(places).gather(found, Whose(source, **how), KINDS, lambda done, total: None)
    return found.tables()


def dashboard(*features: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A `batch-N.json` of SAEDashboard (`NeuronpediaDashboardBatch.to_dict`)."""
    return {
        "model_id": "tiny", "layer": 3, "sae_set": "release", "sae_id_suffix": None,
        "features": list(features), **fields,
    }  # fmt: skip


def dashed(index: int, texts: list[tuple[list[str], list[float]]], **fields: Any) -> dict[str, Any]:
    texts_ = [
        {"bin_min": -1, "bin_max": 9, "bin_contains": -1, "tokens": tokens, "values": values,
         "qualifying_token_index": 1}
        for tokens, values in texts
    ]  # fmt: skip
    return {
        "feature_index": index, "neuron_alignment_indices": [], "pos_str": [" a"],
        "pos_values": [0.5], "frac_nonzero": 0.004, "n_prompts_total": 8, "dataset": "pile",
        "activations": texts_, "decoder_weights_dist": [], "vector": [], **fields,
    }  # fmt: skip


@pytest.mark.parametrize("below", ["v1/tiny/3-a", "tiny/3-a", ""])
def test_a_copy_of_the_bucket(tmp_path: Path, below: str) -> None:
    for key, content in exported(INDICES, prefix=below or ".").items():
        file = tmp_path / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    found = gathered(tmp_path)
    assert found.features["index"].to_list() == INDICES
    assert found.explanations["index"].to_list() == INDICES
    assert found.activations.height == 2 * len(INDICES)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "lines.txt"])
def test_single_files_of_any_name(tmp_path: Path, name: str) -> None:
    lines = packed([explanation(2, "months"), feature(2), activation(2, ["x", "y"], [1, 2])])
    file = tmp_path / name
    file.write_bytes(lines if name.endswith(".gz") else gzip.decompress(lines))
    found = gathered(file)
    assert found.explanations.row(0) == (2, "months", "oai_token-act-pair", "gpt-4o-mini")
    assert found.features.row(0) == (2, 0.002, 4.5)
    assert found.activations.row(0, named=True)["at"] == 1


@pytest.mark.parametrize("name", ["batch-0.json", "batch-0.json.gz"])
def test_a_dashboard(tmp_path: Path, name: str) -> None:
    texts = [(["a", " b"], [0.0, 1.5]), (["c"], [3.0]), (["c"], [3.0]), (["d"], [0.0])]
    raw = json.dumps(dashboard(dashed(4, texts), dashed(5, [], frac_nonzero=float("nan")))).encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    for place in (tmp_path, tmp_path / name):
        found = gathered(place, source=None, layer=3, examples=9)
        assert found.features.rows() == [(4, 0.004, 3.0), (5, None, None)]
        # the strongest first, the same one once, and none that does not fire
        assert found.activations["value"].to_list() == [3.0, 1.5]
    with pytest.raises(FormatError, match="a dashboard of layer 3, and the bank is of layer 4"):
        gathered(tmp_path, source=None, layer=4)


def test_real_dashboards_are_read(tmp_path: Path) -> None:
    """What SAEDashboard's own classes write, where the package is at hand."""
    module = pytest.importorskip("sae_dashboard.neuronpedia.neuronpedia_dashboard")
    text = {"tokens": [" a", " b"], "values": [0.5, 2.0], "bin_max": 2.0}
    batch = module.NeuronpediaDashboardBatch(
        model_id="tiny", layer=3, sae_set="release",
        features=[{"feature_index": 4, "frac_nonzero": 0.25, "activations": [text]}],
    )  # fmt: skip
    file = tmp_path / "batch-7.json"
    file.write_text(json.dumps(batch.to_dict()))
    found = gathered(file, source=None, layer=3)
    assert found.features.rows() == [(4, 0.25, 2.0)]
    assert found.activations["tokens"].to_list() == [[" a", " b"]]


def test_a_feature_of_the_api_holds_all_kinds(tmp_path: Path) -> None:
    file = tmp_path / "feature.json"
    file.write_text(
        json.dumps(
            feature(
                3, explanations=[explanation(3, "dogs")],
                activations=[activation(3, ["a"], [2.0])],
            )
        )
    )  # fmt: skip
    found = gathered(file)
    assert found.explanations["text"].to_list() == ["dogs"]
    assert found.activations["value"].to_list() == [2.0]


def test_what_stands_around_the_strongest_token_is_kept(tmp_path: Path) -> None:
    tokens, values = [f"t{at}" for at in range(100)], [0.0] * 100
    values[50] = 4.0
    (tmp_path / "a.jsonl").write_bytes(packed([activation(1, tokens, values)]))
    row = gathered(tmp_path / "a.jsonl").activations.row(0, named=True)
    assert row["tokens"] == tokens[50 - BEFORE : 50 + AFTER + 1]
    assert row["tokens"][row["at"]] == "t50"
    assert row["values"][row["at"]] == 4.0


def test_later_files_say_what_earlier_ones_left_out(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_bytes(packed([feature(1, maxActApprox=None)]))
    two.write_bytes(packed([feature(1, frac_nonzero=None, maxActApprox=8.0)]))
    assert gathered(one, two).features.rows() == [(1, 0.001, 8.0)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (feature(1, layer="4-b"), "is of tiny/4-b, and features of tiny/3-a are asked for"),
        (feature(1, index="one"), "index should be a feature's number, but is 'one'"),
        (feature(1, index=True), "a feature's number"),
        (feature(1, index=-1), "a number from 0"),
        (feature(1, frac_nonzero=1.5), "frac_nonzero should be a share from 0 to 1, but is 1.5"),
        (explanation(1, "x" * (limits.EXPLANATION + 1)), "a text of at most 10,000 characters"),
        (explanation(1, 5), "a text of at most"),  # type: ignore[arg-type]
        (activation(1, ["a"], [1, 2]), "has 1 tokens and 2 values"),
        ({**activation(1, ["a"], [1]), "tokens": [3]}, "tokens should be a list of texts"),
        ({**activation(1, ["a"], [1]), "values": ["3"]}, "values should be a list of finite"),
        ({"x": 1}, "is no feature, explanation or activation.*It has: 'x'"),
        ([1], "should be a table"),
        ({"features": 3}, "features should be a list"),
    ],
)
def test_lines_that_are_none(tmp_path: Path, line: Any, message: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(packed([feature(0), line]))
    with pytest.raises(FormatError, match=message) as error:
        gathered(file)
    assert f"{file}, line 2" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"\x1f\x8bxx", "is damaged"),
        (packed([feature(1), feature(2)])[:-4], "is damaged"),
        (b'{"index": "1", "a": "\xff"}', "is not JSON"),
        (gzip.compress(b" " * (limits.EXPORT_LINE_BYTES + 2)), "a line has more than"),
    ],
)
def test_files_that_are_damaged(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(content)
    with pytest.raises(UnembedError, match=message) as error:
        gathered(file)
    assert str(file) in str(error.value)


def test_places_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file or folder"):
        gathered(tmp_path / "none")
    with pytest.raises(SourceError, match=r"holds no batch-N\.jsonl\.gz"):
        gathered(tmp_path)
