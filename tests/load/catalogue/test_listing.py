"""Lists of published SAEs."""

from __future__ import annotations

import lzma

import pytest

from unembed.errors import QueryError
from unembed.load.catalogue.facts import facts_of, hook_of, width_of
from unembed.load.catalogue.listing import list_saes
from unembed.load.formats import format_of_loader
from unembed.load.published import table
from unembed.load.published.names import entry_named
from unembed.load.published.table import Published, published
from unembed.load.stream import site_of


def entry(name: str) -> Published:
    found = entry_named(name)
    assert found is not None
    return found


def test_all_are_listed_and_load() -> None:
    found = list_saes()
    assert found.height == 13857
    assert found["loads"].all()
    assert found["hook"].null_count() == 0


def test_filters_go_together() -> None:
    found = list_saes(
        "canonical", model="gemma-2-2b", hook="resid_post", layer=20, width="16k", loadable=True
    )
    assert found["name"].to_list() == [
        "gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical"
    ]
    assert found["model"].to_list() == ["google/gemma-2-2b"]
    assert found["neuronpedia"].to_list() == ["gemma-2-2b/20-gemmascope-res-16k"]
    assert found["file"].to_list() == ["layer_20/width_16k/average_l0_71/params.npz"]
    assert found["megabytes"].to_list() == [16384 * 2304 * 4 / 1e6]


def test_words_are_found_in_neuronpedias_names_too() -> None:
    assert "gpt2-small-res-jb/blocks.8.hook_resid_pre" in list_saes("8-RES-JB")["name"].to_list()


def test_a_part_of_a_models_name() -> None:
    assert set(list_saes(model="gemma-3-4b")["model"]) == {
        "google/gemma-3-4b-pt", "google/gemma-3-4b-it"
    }  # fmt: skip


def test_an_unknown_model_is_told_from_none_that_fits() -> None:
    with pytest.raises(QueryError, match="Did you mean 'gemma-2-2b'"):
        list_saes(model="gemm-2-2b")
    with pytest.raises(QueryError, match="is no width"):
        list_saes(width="wide")
    assert list_saes(model="gpt2-small", layer=99).height == 0


@pytest.mark.parametrize(
    ("name", "hook", "width"),
    [
        ("gemma-scope-2b-pt-att-canonical/layer_3/width_65k/canonical",
         "blocks.3.attn.hook_z", 65536),
        ("gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6", "hook_embed", 4096),
        ("gemma-scope-2-4b-pt-att-all/layer_0_width_16k_l0_big", "blocks.0.attn.hook_z", 16384),
        ("gemma-scope-2-1b-pt-res/layer_13_width_1m_l0_big", "blocks.13.hook_resid_post", 2**20),
        ("llama_scope_lxm_8x/l3m_8x", "blocks.3.hook_mlp_out", 32768),
        ("llama_scope_lxa_32x/l3a_32x", "blocks.3.hook_attn_out", 131072),
        ("qwen-scope-3.5-27b-w80k-l50/layer7", "blocks.7.hook_resid_post", 81920),
        ("gpt2-small-hook-z-kk/blocks.3.hook_z", "blocks.3.attn.hook_z", 24576),
        ("gpt2-small-res-jb-feature-splitting/blocks.8.hook_resid_pre_768",
         "blocks.8.hook_resid_pre", 768),
        ("gpt2-small-resid-mid-v5-128k/blocks.2.hook_resid_mid", "blocks.2.hook_resid_mid", 131072),
        ("mwhanna-qwen3-4b-transcoders/layer_7", "blocks.7.hook_mlp_out", None),
        ("mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_7", "blocks.7.hook_mlp_out", None),
        ("goodfire-llama-3.1-8b-instruct/layer_19", "blocks.19.hook_resid_post", None),
        ("temporal-sae-gemma-2-2b/blocks.12.hook_resid_post", "blocks.12.hook_resid_post", None),
    ],
)  # fmt: skip
def test_hook_and_width_by_names_alone(name: str, hook: str, width: int | None) -> None:
    found = entry(name)
    assert hook_of(found, format_of_loader(found)) == hook
    assert width_of(found) == width


def test_every_hook_is_one_that_writes() -> None:
    for each in published():
        hook = hook_of(each, format_of_loader(each))
        assert hook is not None
        site_of(hook)


def test_an_attention_sae_says_what_it_goes_through() -> None:
    facts = facts_of(entry("gemma-scope-9b-pt-att-canonical/layer_3/width_16k/canonical"))
    assert facts.note == "through W_O of layer 3"
    assert facts.megabytes == 16384 * 4096 * 4 / 1e6  # z of the 9b is 4,096 wide, not 3,584


def test_a_loader_that_is_not_known_does_not_load() -> None:
    new = Published("new", "a", "org/new", "a", "gpt2-small", "newest_loader")
    facts = facts_of(new)
    assert not facts.loads
    assert "newest_loader" in facts.note


class TestNewerTables:
    """A newer `sae_lens` that is installed has its own table."""

    YAML = b"""\
fresh-release:
  conversion_func: null
  model: gpt2-small
  repo_id: org/fresh
  saes:
  - {id: blocks.1.hook_resid_pre, path: 7, l0: 5, neuronpedia: gpt2-small/1-fresh}
"""

    def test_compact(self) -> None:
        found = table.compact(self.YAML, "99.0")
        assert found["releases"]["fresh-release"]["saes"] == [
            ["blocks.1.hook_resid_pre", "7", {"neuronpedia": "gpt2-small/1-fresh", "l0": 5}]
        ]
        assert table.load(table.dump(found)) == found

    @pytest.mark.parametrize(("version", "newer"), [("99.0", True), ("6.9", False)])
    def test_the_newer_one_is_read(
        self, version: str, newer: bool, tmp_path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "pretrained_saes.yaml"
        path.write_bytes(self.YAML)
        monkeypatch.setattr(table, "_installed", lambda: (version, path))
        for _ in range(2):  # the second time from the cache
            found = table._table.__wrapped__()
            assert ("fresh-release" in found["releases"]) is newer
            path.write_bytes(self.YAML)
        path.unlink()

    def test_one_that_is_broken_changes_nothing(
        self, tmp_path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "pretrained_saes.yaml"
        path.write_bytes(b"- [")
        monkeypatch.setattr(table, "_installed", lambda: ("99.0", path))
        assert len(table._table.__wrapped__()["releases"]) == 170

    def test_the_shipped_one_is_small(self) -> None:
        assert table.SHIPPED.stat().st_size < 40_000
        assert lzma.decompress(table.SHIPPED.read_bytes())
