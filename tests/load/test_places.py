"""Ranges, choices and globs of banks: which are named, in which order, under which names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from tests.load.fake_hub import FakeHub
from tests.load.layouts import spy_on_reads
from tests.load.test_hub import client  # noqa: F401
from tests.load.test_saelens import FLAT_HOOK_NAME, weights, write
from tests.load.tiny_models import Files, tiny_gpt2
from unembed import Features, load_features
from unembed.errors import FormatError, SourceError
from unembed.load.patterns import expand_braces, natural
from unembed.load.places import given_name, is_pattern
from unembed.load.sources import is_published

LAYERS = (0, 1, 2, 9, 10, 11)


def config(layer: int) -> dict[str, object]:
    hook = f"blocks.{layer}.hook_resid_pre"
    return {**FLAT_HOOK_NAME, "hook_name": hook, "hook_layer": layer}


def sae(folder: Path, layer: int, scale: float = 1.0) -> Path:
    """An SAE of a layer, whose decoder says which it is."""
    folder.mkdir(parents=True)
    return write(folder, config(layer), weights(W_dec=torch.full((6, 4), scale * (layer + 1))))


@pytest.fixture
def saes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for layer in LAYERS:
        sae(tmp_path / "saes" / f"blocks.{layer}.hook_resid_pre", layer)
    return tmp_path / "saes"


def layers(banks: list[Features]) -> list[int]:
    """The layers that the decoders are of, which the names must agree with."""
    found = [round(float(bank.W_dec[0, 0])) - 1 for bank in banks]
    assert [bank.layer for bank in banks] == found
    return found


# --- which, and in which order ---


@pytest.mark.parametrize("prefix", ["", "./", "ABSOLUTE"])
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("blocks.*.hook_resid_pre", list(LAYERS)),
        ("blocks.1*.hook_resid_pre", [1, 10, 11]),
        ("blocks.?.hook_resid_pre", [0, 1, 2, 9]),
        ("blocks.[12].hook_*", [1, 2]),
        ("*", list(LAYERS)),
        ("blocks.{0-2}.hook_resid_pre", [0, 1, 2]),
        ("blocks.{9-11}.hook_resid_pre", [9, 10, 11]),
        ("blocks.{9..11}.hook_resid_pre", [9, 10, 11]),
        ("blocks.{10,0,2}.hook_resid_pre", [10, 0, 2]),
        ("blocks.{9-10, 1}.hook_{resid,resid}_pre", None),
        ("blocks.{10}.hook_resid_pre", [10]),
        ("blocks.{1,0}*.hook_resid_pre", [1, 10, 11, 0]),
        ("blocks.{0-1}.hook_resid_pre/sae_weights.safetensors", [0, 1]),
    ],
)
def test_patterns_on_this_disk(
    saes: Path, prefix: str, pattern: str, expected: list[int] | None
) -> None:
    text = f"{saes}/{pattern}" if prefix == "ABSOLUTE" else f"{prefix}saes/{pattern}"
    if expected is None:
        with pytest.raises(SourceError, match="more than once"):
            load_features(text)
        return
    banks = load_features(text)
    assert layers(banks) == expected
    assert [bank.name for bank in banks] == [f"sae.{layer}" for layer in expected]


def test_matches_at_any_depth(saes: Path) -> None:
    sae(saes / "more" / "blocks.5.hook_resid_pre", 5)
    assert layers(load_features("saes/**/blocks.*")) == [*LAYERS, 5]


def test_hidden_files_are_no_matches(saes: Path) -> None:
    (saes / ".DS_Store").touch()
    assert layers(load_features("saes/*")) == list(LAYERS)


def test_several_references_are_loaded_as_one(saes: Path) -> None:
    """As bash hands over `saes/blocks.{0,9}.hook_resid_pre`, and a glob without quotes."""
    paths: list[str | Path] = [saes / "blocks.0.hook_resid_pre", "saes/blocks.9.hook_resid_pre"]
    assert layers(load_features(paths)) == [0, 9]
    assert load_features([]) == []


def test_patterns_inside_folders_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("dir[1]", "lr={0-1}", "a*b/c d=e"):
        for layer in (2, 10):
            sae(tmp_path / folder / f"blocks.{layer}", layer)
        assert layers(load_features(f"{folder}/blocks.*")) == [2, 10]
        assert layers(load_features(f"{folder}/blocks.{{10,2}}")) == [10, 2]
        assert layers(load_features(f"{tmp_path}/{folder}/*")) == [2, 10]
        assert layers(load_features(f"x={folder}/blocks.*")) == [2, 10]
    assert layers(load_features("a*b/c*/blocks.[1-3]")) == [2]
    sae(tmp_path / "dir1" / "blocks.3", 3)  # which `dir[1]` as a pattern would fit
    assert layers(load_features("dir[1]/blocks.*")) == [2, 10]
    sae(tmp_path / "lr=0.01" / "s.0", 4)
    assert given_name("lr=*/s.0") == (None, "lr=*/s.0")
    assert given_name("lr={0.01,0.02}/s.0") == ("lr", "{0.01,0.02}/s.0")  # the second is not here


def test_what_is_there_is_no_pattern(tmp_path: Path) -> None:
    for name in ("odd[1].npy", "odd{0-1}.npy", "odd*.npy"):
        np.save(tmp_path / name, np.eye(3))
        assert not is_pattern(tmp_path / name)
        assert len(load_features(tmp_path / name)) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ["plain"]),
        ("{0-3}", ["0", "1", "2", "3"]),
        ("l{08-11}", ["l08", "l09", "l10", "l11"]),
        ("{3,a-b,1-2}", ["3", "a-b", "1", "2"]),
        ("{0-1}x{a,b}", ["0xa", "0xb", "1xa", "1xb"]),
    ],
)
def test_braces(text: str, expected: list[str]) -> None:
    assert expand_braces(text) == expected


def test_numbers_sort_by_value() -> None:
    names = [f"l{a}.w{b}k" for a, b in product((0, 3, 12, 100), (1, 16, 131))]
    by_text = sorted(names)
    assert by_text != names
    assert sorted(by_text, key=natural) == names
    assert sorted(["a", "1", "b2", "b"], key=natural) == ["a", "b", "b2", "1"]


# --- names ---


def test_two_of_a_layer_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    for layer, width in product((8, 9), ("16k", "65k")):
        sae(tmp_path / f"layer_{layer}" / f"width_{width}" / f"l0_{len(width) + layer}", layer)
    sae(tmp_path / "layer_10" / "width_16k" / "l0_5", 10)
    names = [bank.name for bank in load_features(f"{tmp_path}/layer_*/width_*/*")]
    assert names == [
        "sae.8.width_16k", "sae.8.width_65k", "sae.9.width_16k", "sae.9.width_65k", "sae.10",
    ]  # fmt: skip
    assert [bank.name for bank in load_features(f"many={tmp_path}/layer_*/width_*/*")] == [
        "many.8.width_16k", "many.8.width_65k", "many.9.width_16k", "many.9.width_65k", "many.10",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("folders", "endings"),
    [
        (("blocks.8.hook_resid_pre", "blocks.8.hook_mlp_out"), ("hook_resid_pre", "hook_mlp_out")),
        (("blocks.8.hook_resid_pre", "blocks.8.hook_resid_post"), ("resid_pre", "resid_post")),
        (("v1/8", "v2/8"), ("v1", "v2")),
        (("a/x/8", "b/x/8", "a/y/8"), ("a-x", "b-x", "a-y")),
        (("a/8", "a/more/8"), ("", "more")),
        (("same name+!/8", "other/8"), ("same-name", "other")),
    ],
)
def test_what_tells_paths_apart(
    tmp_path: Path, folders: tuple[str, ...], endings: tuple[str, ...]
) -> None:
    banks = load_features([sae(tmp_path / folder, 8) for folder in folders])
    assert [bank.name for bank in banks] == [f"sae.8.{end}".rstrip(".") for end in endings]


def test_names_that_are_given(saes: Path, tmp_path: Path) -> None:
    pattern = "saes/blocks.{0-1}.hook_resid_pre"
    assert [bank.name for bank in load_features(f"res={pattern}")] == ["res.0", "res.1"]
    # as bash hands over res=saes/blocks.{0,1}.hook_resid_pre
    both = [f"res={saes}/blocks.{layer}.hook_resid_pre" for layer in (0, 1)]
    assert [bank.name for bank in load_features(both)] == ["res.0", "res.1"]
    assert [bank.name for bank in load_features("one=saes/blocks.{1}.hook_resid_pre")] == ["one"]
    for name in ("happy", "sad"):
        np.save(tmp_path / f"{name}.npy", np.eye(4))
    assert [bank.name for bank in load_features(f"mood={tmp_path}/*.npy")] == [
        "mood.happy", "mood.sad",
    ]  # fmt: skip
    assert [bank.name for bank in load_features(f"{tmp_path}/{{sad,happy}}.npy")] == [
        "sad", "happy",
    ]  # fmt: skip


def test_names_that_still_clash(saes: Path) -> None:
    one, other = (saes / f"blocks.{layer}.hook_resid_pre" for layer in (0, 1))
    with pytest.raises(SourceError, match=r"Two banks are named 'sae\.0', .*blocks\.0.*Leave one"):
        load_features([one, one])
    with pytest.raises(SourceError, match=r"Two banks are named 'a\.0.*NAME=REFERENCE"):
        load_features([f"a={one}", f"a={other}", f"a={one}"])


def test_a_name_that_was_given_stays(saes: Path) -> None:
    one, other = (saes / f"blocks.{layer}.hook_resid_pre" for layer in (0, 1))
    banks = load_features([one, f"sae.0={other}"])
    assert [bank.name for bank in banks] == ["sae.0.blocks.0.hook_resid_pre", "sae.0"]


# --- what is wrong ---


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("blocks.*.hook_resid_post", r"Nothing fits 'saes/blocks\.\*\.hook_resid_post'\. Did you "
         r"mean 'blocks\.\d+\.hook_resid_pre'.*saes holds: blocks\.0\.hook_resid_pre, blocks\.1"),
        ("blocks.{9-12}.hook_resid_pre", r"Nothing fits 'saes/blocks\.12\.hook_resid_pre'\. Did "
         r"you mean 'blocks\.\d+\.hook_resid_pre'"),
        ("blocks.{5-2}.hook", r"The range \{5-2\} .* counts down\. Write \{2-5\}"),
        ("blocks.{}.hook", "leaves a choice empty"),
        ("blocks.{0,}.hook", "leaves a choice empty"),
        ("blocks.{{0-1}}.hook", "one inside another"),
        ("blocks.{0-1}.hook}", "not closed"),
    ],
)  # fmt: skip
def test_patterns_that_name_nothing(saes: Path, pattern: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        load_features(f"saes/{pattern}")


def test_a_match_that_is_no_sae(saes: Path) -> None:
    (saes / "README.md").write_text("# SAEs")
    with pytest.raises(
        FormatError, match=r"'saes/\*' names 7 places, and not all.*README\.md cannot be read"
    ):
        load_features("saes/*")


def test_nothing_is_read_where_one_is_no_sae(saes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = spy_on_reads(monkeypatch)
    (saes / "blocks.3.hook_resid_pre").mkdir()
    with pytest.raises(FormatError, match=r"blocks\.3\.hook_resid_pre holds no"):
        load_features("saes/blocks.*")
    assert not read


# --- the hub ---


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    files: Files = {"README.md": b"# SAEs"}
    for layer in LAYERS:
        folder = sae(tmp_path / "made" / str(layer), layer)
        at = f"blocks.{layer}.hook_resid_pre"
        files |= {f"{at}/{path.name}": path.read_bytes() for path in folder.iterdir()}
    files["extra/v.safetensors"] = save({"W_dec": torch.ones(3, 4)})
    with FakeHub() as fake:
        fake.put("org/saes", files)
        fake.put("org/saes-9", {n.split("/")[1]: c for n, c in files.items() if "s.9." in n})
        fake.put("org/saes-10", {n.split("/")[1]: c for n, c in files.items() if "s.10." in n})
        fake.put("org/tiny", tiny_gpt2())
        yield fake


@pytest.mark.usefixtures("client")
class TestHub:
    @pytest.mark.parametrize(
        ("reference", "expected"),
        [
            ("hf:org/saes/blocks.{0-2}.hook_resid_pre", [0, 1, 2]),
            ("hf:org/saes/blocks.{9-11}.hook_resid_pre@main", [9, 10, 11]),
            ("org/saes/blocks.{10,2}.hook_resid_pre", [10, 2]),
            ("hf:org/saes/blocks.*.hook_resid_pre", list(LAYERS)),
            ("hf:org/saes/blocks.1*", [1, 10, 11]),
            ("hf:org/saes/*/sae_weights.safetensors", list(LAYERS)),
            ("hf:org/saes-{9-10}", [9, 10]),
        ],
    )
    def test_patterns(self, reference: str, expected: list[int]) -> None:
        banks = load_features(reference)
        assert layers(banks) == expected
        assert [bank.name for bank in banks] == [f"sae.{layer}" for layer in expected]

    def test_files_of_a_glob(self) -> None:
        (bank,) = load_features("hf:org/saes/extra/*.safetensors")
        assert (bank.name, len(bank)) == ("v", 3)

    @pytest.mark.parametrize("pattern", ["blocks.{0-2}.hook_resid_pre", "blocks.*"])
    def test_one_listing_and_one_commit_serve_all(self, hub: FakeHub, pattern: str) -> None:
        banks = load_features(f"hf:org/saes/{pattern}")
        assert sum("/api/models/" in request.url for request in hub.log) == 1
        assert len({bank.origin["commit"] for bank in banks}) == 1
        assert [bank.origin["subfolder"] for bank in banks][1] == "blocks.1.hook_resid_pre"

    def test_a_second_time_without_a_network(self, hub: FakeHub) -> None:
        expected = load_features("hf:org/saes/blocks.*")
        hub.stop()
        found = load_features("hf:org/saes/blocks.*")
        assert [bank.digest for bank in found] == [bank.digest for bank in expected]

    @pytest.mark.parametrize(
        ("reference", "message"),
        [
            ("hf:org/saes/blocks.*.resid_pre", r"Nothing fits .*Did you mean 'blocks\.\d+\.hook_"),
            (
                "hf:org/saes/blocks.{10-12}.hook_resid_pre",
                r"has no folder or file 'blocks\.12",
            ),
            ("hf:org/saes/*", r"names 8 places, and not all .*README\.md cannot be read"),
            ("hf:org/saes/blocks.{4-3}.hook", "counts down"),
            ("hf:org/nothing/blocks.*", "no such public repository"),
        ],
    )
    def test_what_is_wrong(self, reference: str, message: str) -> None:
        with pytest.raises((SourceError, FormatError), match=message):
            load_features(reference)


# --- beside published names ---


@pytest.mark.parametrize("inside", ["blocks.*.hook_resid_pre", "blocks.{2,9}.hook_resid_pre"])
def test_a_pattern_that_fits_here_is_no_published_name(saes: Path, inside: str) -> None:
    """As a folder that is there is itself; what begins like one and fits nothing is published."""
    release = "gpt2-small-res-jb"
    assert is_published(f"{release}/{inside}")
    saes.rename(saes.parent / release)
    assert not is_published(f"{release}/{inside}")
    expected = list(LAYERS) if "*" in inside else [2, 9]
    assert layers(load_features(f"{release}/{inside}")) == expected
    assert is_published(f"sae_lens:{release}/{inside}")


def test_a_pattern_that_fits_here_in_part_is_not_looked_for_elsewhere(saes: Path) -> None:
    saes.rename(saes.parent / "gpt2-small-res-jb")
    with pytest.raises(SourceError, match=r"blocks\.3\.hook_resid_pre"):
        load_features("gpt2-small-res-jb/blocks.{2-3}.hook_resid_pre")
