"""Published SAEs by the names that people already use, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from unembed.errors import SourceError
from unembed.load import is_published
from unembed.load.catalogue.widths import WIDTHS
from unembed.load.models.short_names import repository_of
from unembed.load.published.names import entry_named, find_published, near_published
from unembed.load.published.table import published, releases

RES = "gpt2-small-res-jb"


def names(text: str) -> list[str]:
    return [entry.name for entry in find_published(text)]


@pytest.mark.parametrize(
    "text",
    [
        f"{RES}/blocks.8.hook_resid_pre",
        f"sae_lens:{RES}/blocks.8.hook_resid_pre",
        "gpt2-small/8-res-jb",
        "https://www.neuronpedia.org/gpt2-small/8-res-jb",
        "https://neuronpedia.org/gpt2-small/8-res-jb/123?embed=true",
        "https://www.neuronpedia.org/gpt2-small/8-res-jb/123#top",
    ],
)
def test_one_sae_by_all_its_names(text: str) -> None:
    (entry,) = find_published(text)
    assert entry.name == f"{RES}/blocks.8.hook_resid_pre"
    assert entry.repo == "jbloom/GPT2-Small-SAEs-Reformatted"
    assert entry.neuronpedia == "gpt2-small/8-res-jb"
    assert entry_named(entry.name) == entry


def test_the_canonical_one_is_another_path() -> None:
    (entry,) = find_published("gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical")
    assert entry.path == "layer_20/width_16k/average_l0_71"
    assert entry.repo == "google/gemma-scope-2b-pt-res"


def test_globs_and_ranges_over_ids() -> None:
    assert len(names(f"{RES}/*")) == 13
    assert names(f"{RES}/blocks.{{9-11}}.hook_resid_pre") == [
        f"{RES}/blocks.{at}.hook_resid_pre" for at in (9, 10, 11)
    ]
    assert len(names("gemma-scope-2b-pt-res-canonical/layer_*/width_16k/canonical")) == 26
    by_page = names("gpt2-small/{7,8}-res-jb")
    assert by_page == [f"{RES}/blocks.{at}.hook_resid_pre" for at in (7, 8)]


def test_globs_are_in_numeric_order_and_each_sae_is_there_once() -> None:
    found = names(f"{RES}/{{blocks.*.hook_resid_pre,blocks.2.*}}")
    assert found == [f"{RES}/blocks.{at}.hook_resid_pre" for at in range(12)]


@pytest.mark.parametrize("text", ["gpt2", "org/repo", "hf:gpt2", "mlp:3", "runs/sae", "a=b", "*"])
def test_other_names_are_none(text: str) -> None:
    assert names(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RES, "holds 13 SAEs.*all, as gpt2-small-res-jb/\\*"),
        (f"{RES}/blocks.8.hook_resid_per", "Did you mean 'blocks.8.hook_resid_pre'"),
        (f"{RES}/blocks.{{11-13}}.hook_resid_pre", "no SAE 'blocks.12.hook_resid_pre'"),
        ("sae_lens:gpt2-smal-res-jb/x", "Did you mean 'gpt2-small-res-jb'"),
        (
            "https://www.neuronpedia.org/gpt2-small/8-res-jbb/1",
            "Did you mean 'gpt2-small/8-res-jb'",
        ),
    ],
)
def test_what_can_be_nothing_else_is_refused_with_the_nearest(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        find_published(text)


def test_near_names_are_offered_for_what_is_no_name() -> None:
    assert "'gemma-scope-2b-pt-res-canonical'" in near_published("gemma-scope-2b-pt-res-canonicl/x")
    assert "'gpt2-small/8-res-jb'" in near_published("gpt2-smal/8-res-jb")
    assert near_published("org/repo") == ""


def test_a_folder_that_has_the_name_is_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_published("gpt2-small/8-res-jb")
    (tmp_path / "gpt2-small" / "8-res-jb").mkdir(parents=True)
    assert not is_published("gpt2-small/8-res-jb")
    assert is_published("sae_lens:gpt2-small-res-jb/blocks.8.hook_resid_pre")


def test_neuronpedias_ids_are_unique_and_releases_have_no_slash() -> None:
    ids = [entry.neuronpedia for entry in published() if entry.neuronpedia]
    assert len(ids) == len(set(ids)) == 2441
    assert not [release for release in releases() if "/" in release]
    assert len({entry.name for entry in published()}) == len(published()) == 13857


def test_every_model_of_the_table_is_a_repository_whose_width_is_known() -> None:
    for entry in published():
        assert repository_of(entry.model) in WIDTHS, entry.release


def test_where_the_table_names_the_wrong_model_it_is_put_right() -> None:
    """SAELens' own loader, the repository and the canonical release say gemma-2-9b-it."""
    for release in ("gemma-scope-9b-it-res", "gemma-scope-9b-it-res-canonical"):
        assert {entry.model for entry in releases()[release]} == {"gemma-2-9b-it"}


@pytest.mark.parametrize(
    ("short", "repository"),
    [("gpt2-small", "gpt2"), ("pythia-70m-deduped", "EleutherAI/pythia-70m-deduped"),
     ("Gemma-2-2b", "google/gemma-2-2b"), ("mistral-7b", "mistralai/Mistral-7B-v0.1"),
     ("qwen3-0.6b", "Qwen/Qwen3-0.6B"), ("org/model", "org/model"), ("gpt2", "gpt2")],
)  # fmt: skip
def test_models_by_their_short_names(short: str, repository: str) -> None:
    assert repository_of(short) == repository
