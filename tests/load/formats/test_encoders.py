"""What features read, by every format: held against its definition, on a hub and in folders.

The right rows are computed in `published_layouts` from the publishers' own encoding; `tests/oracle`
holds those against SAELens' loaders.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.load.fake_hub import FakeHub, point_at
from tests.load.published_hub import fill, repositories
from tests.load.published_layouts import (
    SQUARE,
    TINY,
    Bank,
    Entry,
    Size,
    by_name,
    entries,
    lay,
    unlisted,
)
from unembed.load.formats import Decoder, Seen, decoders_of, format_of, format_of_loader
from unembed.load.published.names import entry_named
from unembed.load.published.place import places_of_published
from unembed.load.reference import resolve

_SPECIAL = (
    "gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6",
    "gemma-scope-2b-pt-att/layer_25/width_65k/average_l0_63",
    "gemma-scope-2-1b-pt-att/layer_13_width_16k_l0_big",
    "gemma-scope-2-270m-pt-transcoders-all/layer_9_width_262k_l0_small_affine",
    "mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_20",
    "mwhanna-qwen3-14b-transcoders/layer_39",
    "saebench_gemma-2-2b_width-2pow12_date-0108/blocks.12.hook_resid_post__trainer_5",
    "gpt2-small-res-jb/blocks.11.hook_resid_post",
    "gpt2-small-resid-post-v5-32k/blocks.0.hook_resid_post",
)
PUBLISHED = [
    *{entry.loader: entry for entry in reversed(entries())}.values(),
    *{entry.release: entry for entry in entries() if entry.loader == "sae_lens"}.values(),
    *{entry.release: entry for entry in entries() if entry.loader.startswith("dict")}.values(),
    *(by_name()[name] for name in _SPECIAL),
]
PUBLISHED = list(dict.fromkeys(PUBLISHED))
SIZES = pytest.mark.parametrize("size", [TINY, SQUARE], ids=["wide", "square"])
"""Square, only the format's word says which axis is the features'."""


@pytest.fixture(scope="module")
def hubs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Size, str]]:
    """A hub of each size, and where its cache is."""
    with FakeHub() as tiny, FakeHub() as square:
        found = {}
        for size, hub in ((TINY, tiny), (SQUARE, square)):
            fill(hub, repositories(size, tuple(PUBLISHED)))
            found[size] = hub.endpoint
        yield found


def check(decoders: list[Decoder], right: list[Bank]) -> None:
    assert len(decoders) == len(right)
    for decoder, bank in zip(decoders, right, strict=True):
        encoder = decoder.encoder
        if bank.reads is None:
            assert encoder is None
            assert len(decoder.no_encoder) > 20
            continue
        assert encoder is not None, decoder.no_encoder
        assert encoder.hook == bank.read_hook
        assert encoder.centred == bank.centred
        np.testing.assert_allclose(encoder.read().numpy(), bank.reads, rtol=1e-5, atol=1e-5)


def decoders(entry: Entry) -> list[Decoder]:
    published = entry_named(entry.name)
    kind = format_of_loader(published)
    (place,) = places_of_published([published], kind.path_of)
    seen = Seen(place, published)
    return decoders_of(seen, kind)


@SIZES
@pytest.mark.parametrize("entry", PUBLISHED, ids=lambda entry: entry.name)
def test_published(
    hubs: dict[Size, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    entry: Entry,
    size: Size,
) -> None:
    point_at(hubs[size], tmp_path, monkeypatch)
    check(decoders(entry), lay(entry, size).banks())


@pytest.mark.parametrize(
    ("name", "centred"),
    [("gpt2-small-res-jb/blocks.11.hook_resid_post", True),
     ("gpt2-small-resid-post-v5-32k/blocks.0.hook_resid_post", False)],
)  # fmt: skip
def test_a_release_says_that_the_stream_was_centred(
    hubs: dict[Size, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    centred: bool,
) -> None:
    """`center_writing_weights` stands in SAELens' table, not in the files."""
    point_at(hubs[TINY], tmp_path, monkeypatch)
    (decoder,) = decoders(by_name()[name])
    assert decoder.encoder is not None
    assert decoder.encoder.centred_stream is centred


READ = [name for name in unlisted.CASES if not unlisted.make(name).refused]


@SIZES
@pytest.mark.parametrize("name", READ)
def test_by_path(tmp_path: Path, name: str, size: Size) -> None:
    if size is SQUARE and "columns" in name:
        pytest.skip("nobody can tell how a square decoder of that trainer is turned")
    case = unlisted.make(name, size)
    for path, make in case.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(make())
    seen = Seen(resolve(tmp_path / case.path))
    check(decoders_of(seen, format_of(seen)), case.banks)
