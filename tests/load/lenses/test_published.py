"""Published lenses by name, against a server of the hub's layout, which logs what it sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants

from tests.load.fake_hub import FakeHub, point_at
from tests.load.lenses.files import (
    D,
    SomeModel,
    matrices,
    published,
    torch_file,
    translators,
    tuned_config,
)
from tests.load.tiny_models import D_MODEL, tiny_gpt2
from unembed.errors import SourceError
from unembed.load import load_lens
from unembed.load.hub import HubFolder
from unembed.load.hub.listing import listing_of
from unembed.load.lenses import published as table
from unembed.load.models.short_names import short_names
from unembed.load.reopen import reopen_lens

REPOSITORY = "neuronpedia/jacobian-lens"
TUNED = "spaces/AlignmentResearch/tuned-lens"
WIKI = "jlens/Salesforce-wikitext"
WIDE = 256
"""So wide that a matrix is larger than what is read to open a file."""

J = matrices()
GPT2 = f"gpt2-small/{WIKI}/gpt2_jacobian_lens.pt"
CONFIG = b"hf_model_name: openai-community/gpt2\nresults:\n  prompts_fitted: 277\n"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub(renamed={"gpt2": "openai-community/gpt2"}) as fake:
        own = matrices(1, D_MODEL)
        lenses = {
            GPT2: torch_file(published(own, n_prompts=277), "gpt2_jacobian_lens"),
            f"gpt2-small/{WIKI}/config.yaml": CONFIG,
            f"gpt2-small/{WIKI}/gpt2_convergence.csv": b"step\n",
            f"some-model/{WIKI}/Some-Model_jacobian_lens.pt": torch_file(published(J)),
            f"two/{WIKI}/a_jacobian_lens.pt": b"",
            f"two/{WIKI}/a_jacobian_lens_n1000.pt": b"",
            f"wide/{WIKI}/wide_jacobian_lens.pt": torch_file(published(matrices(6, WIDE))),
        }
        fake.put(REPOSITORY, lenses)
        wrong = f"qwen3.6-27b/{WIKI}/Qwen3.6-27B_jacobian_lens.pt"
        right = f"qwen3.6-27b/{WIKI}/Qwen3.6-27B_jacobian_lens_n1000.pt"
        pinned = fake.put(REPOSITORY, {right: torch_file(published(J))}, revision="pinned")
        fake.names[REPOSITORY][table.published()["qwen3.6-27b"].revision] = pinned
        fake.put(REPOSITORY, {**lenses, wrong: b""})
        params = torch_file(translators().state_dict())
        config = tuned_config(base_model_name_or_path="org/some-model")
        here = tuned_config(2, D_MODEL, base_model_name_or_path="gpt2")
        fake.put(
            TUNED,
            {
                "app.py": b"",
                "lens/org/some-model/params.pt": params,
                "lens/org/some-model/config.json": json.dumps(config).encode(),
                "lens/gpt2/params.pt": torch_file(translators(2, D_MODEL).state_dict()),
                "lens/gpt2/config.json": json.dumps(here).encode(),
            },
        )
        fake.put("openai-community/gpt2", tiny_gpt2())
        yield fake


@pytest.fixture(autouse=True)
def client(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    point_at(hub.endpoint, tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    yield
    huggingface_hub.close_session()


class TestByName:
    @pytest.mark.parametrize("model", ["openai-community/gpt2", "gpt2-small"])
    @pytest.mark.parametrize("kind", ["jacobian", "tuned"])
    def test_of_the_model_of_a_run(self, kind: str, model: str, hub: FakeHub) -> None:
        lens = load_lens(kind, model=model)
        repo, file = (REPOSITORY, GPT2) if kind == "jacobian" else (TUNED, "lens/gpt2/params.pt")
        source = lens.source
        assert (source["repo"], f"{source['subfolder']}/{source['file']}") == (repo, file)
        assert source["commit"] == hub.names[repo]["main"]
        assert source.get("n_prompts") == (277 if kind == "jacobian" else None)
        assert (lens.n_layers, lens.d_model, lens.notes) == (2, D_MODEL, ())
        again = reopen_lens(source)
        assert again.matrix(0).equal(lens.matrix(0))

    @pytest.mark.parametrize(
        "reference",
        ["jacobian:gpt2", "jacobian:gpt2-small", "jacobian:openai-community/gpt2",
         f"hf:{REPOSITORY}/gpt2-small", f"jacobian:hf:{REPOSITORY}/{GPT2}@main",
         f"https://huggingface.co/{REPOSITORY}/blob/main/{GPT2}"],
    )  # fmt: skip
    def test_of_a_model_that_is_named(self, reference: str) -> None:
        assert load_lens(reference).source["file"] == "gpt2_jacobian_lens.pt"

    @pytest.mark.parametrize(
        "reference",
        ["tuned:org/some-model", f"hf:{TUNED}/lens/org/some-model",
         f"https://huggingface.co/{TUNED}/tree/main/lens/org/some-model"],
    )  # fmt: skip
    def test_of_a_space(self, reference: str) -> None:
        lens = load_lens(reference, model=SomeModel())
        weight = translators()[1].weight.detach()
        torch.testing.assert_close(lens.matrix(0), weight + torch.eye(D))

    def test_a_space_is_kept_under_its_whole_name(self, tmp_path: Path) -> None:
        """The hub answers without the kind; a model may have that name too."""
        assert listing_of(TUNED, "main", tmp_path / "kept").repo == TUNED
        assert listing_of("gpt2", "main", tmp_path / "kept").repo == "openai-community/gpt2"

    def test_a_pinned_revision(self, hub: FakeHub) -> None:
        """The file of main that bears the model's name is another model's."""
        lens = load_lens("jacobian:Qwen/Qwen3.6-27B")
        assert lens.source["file"] == "Qwen3.6-27B_jacobian_lens_n1000.pt"
        assert lens.source["commit"] == hub.names[REPOSITORY]["pinned"]

    def test_a_folder_that_the_table_does_not_know(self) -> None:
        lens = load_lens("jacobian", model=SomeModel("mirror/Some-Model"))
        assert lens.source["subfolder"] == f"some-model/{WIKI}"

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            ("org/two", r"/two holds 2 lenses: .*a_jacobian_lens_n1000.pt. Name one"),
            ("org/some-modal", r"no folder for org/some-modal. Did you mean 'some-model'\? It has"),
        ],
    )
    def test_none(self, model: str, message: str) -> None:
        with pytest.raises(SourceError, match=message):
            load_lens("jacobian", model=SomeModel(model))

    def test_no_tuned_lens(self) -> None:
        known = r"no tuned lens of org/other.* It has those of gpt2, org/some-model\. Name a file"
        with pytest.raises(SourceError, match=known):
            load_lens("tuned", model=SomeModel("org/other"))

    def test_a_folder_of_huggingface_hubs_cache(self) -> None:
        """A model that was fetched is known by where it lies."""
        at = {"path": "/hub/models--openai-community--gpt2/snapshots/1a2b"}
        model = SomeModel(origin=at, n_layers=2, d_model=D_MODEL)
        assert load_lens("jacobian", model=model).source["file"] == "gpt2_jacobian_lens.pt"


class TestOffline:
    def test_what_would_be_read(self, hub: FakeHub) -> None:
        hub.stop()
        by_hand = rf"jacobian lens.*cannot be reached.*`hf download {REPOSITORY} {GPT2}`"
        with pytest.raises(SourceError, match=f"(?i){by_hand}"):
            load_lens("jacobian:gpt2")
        space = (
            "--repo-type space AlignmentResearch/tuned-lens lens/org/x/config.json lens/org/x/par"
        )
        with pytest.raises(SourceError, match=f"`hf download {space}"):
            load_lens("tuned:org/x")

    def test_what_was_read_before(self, hub: FakeHub) -> None:
        first = load_lens("jacobian:gpt2").matrix(0)
        hub.stop()
        assert load_lens("jacobian:gpt2").matrix(0).equal(first)

    def test_what_others_fetched(self, hub: FakeHub) -> None:
        """`hf download` of the lens alone: the config beside it is not there, and not needed."""
        huggingface_hub.hf_hub_download(REPOSITORY, GPT2)
        params = "lens/org/some-model/params.pt"
        huggingface_hub.hf_hub_download(TUNED.removeprefix("spaces/"), params, repo_type="space")
        hub.stop()
        assert load_lens("jacobian:gpt2").matrix(0).shape == (D_MODEL, D_MODEL)
        assert load_lens("tuned:org/some-model").fitted_on is None

    def test_a_config_that_is_listed_and_was_not_fetched(self, hub: FakeHub) -> None:
        """What it says is said twice: the lens is read without it."""
        assert HubFolder(REPOSITORY).has(f"gpt2-small/{WIKI}/config.yaml")
        huggingface_hub.hf_hub_download(REPOSITORY, GPT2)
        hub.stop()
        assert load_lens("jacobian:gpt2").fitted_on == "openai-community/gpt2"


class TestBytes:
    def test_only_the_layers_that_are_asked_for(self, hub: FakeHub) -> None:
        lens = load_lens(f"hf:{REPOSITORY}/wide")
        size, matrix = len(hub.repos[REPOSITORY][lens.source["commit"]][self.path]), WIDE * WIDE * 2
        opened = hub.bytes_sent()
        assert sum(stop - first for first, stop in hub.weights_sent(".pt")) < matrix < size / 6
        expected = matrices(6, WIDE)
        for count, layer in enumerate((3, 0), 1):
            assert lens.matrix(layer).equal(expected[layer].half().float())
            assert matrix * count <= hub.bytes_sent() - opened < matrix * count + 1000
        lens.matrix(3)
        assert hub.bytes_sent() - opened < matrix * 2 + 1000  # it is kept

    path = f"wide/{WIKI}/wide_jacobian_lens.pt"


class TestTable:
    """The table that is shipped: facts, each of which was seen somewhere."""

    entries = json.loads(table.PUBLISHED.read_text())["files"]

    def test_every_entry(self) -> None:
        assert len(self.entries) == len(table.published()) == 39
        for model, entry in self.entries.items():
            folder, jlens, corpus, name = entry["path"].split("/")
            assert (jlens, corpus) == tuple(WIKI.split("/"))
            stem = name.removesuffix(".pt").removesuffix("_n1000").removesuffix("_jacobian_lens")
            assert stem.lower() == table.plain(model), "the file is called after its model"
            assert folder == folder.lower()
            assert entry["seen"], model

    def test_a_base_model_is_not_its_instructed_one(self) -> None:
        """Folders do not tell: `gemma-3-1b` is of `gemma-3-1b-pt`, `qwen3.5-2b-pt` of `…-Base`."""
        for model in ("google/gemma-3-1b-pt", "google/gemma-3-1b-it", "Qwen/Qwen3.5-2B-Base",
                      "Qwen/Qwen3.5-2B", "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-4B"):  # fmt: skip
            found = table.find([model])
            assert found is not None
            assert found.model == model
        assert table.find(["google/gemma-4-E2B-it"]) is None
        assert table.find(["Qwen/Qwen3-4B-Base"]) is None

    def test_names(self) -> None:
        for name in ("gemma-2-2b", "GEMMA-2-2B", "google/gemma-2-2b", "unsloth/gemma-2-2b"):
            found = table.find([name])
            assert found is not None
            assert found.model == "google/gemma-2-2b"
        known = [short for short in short_names() if table.find([short])]
        assert {"gpt2-small", "gemma-2-2b", "qwen2.5-7b-instruct"} <= {*known}


def test_the_defaults_of_the_hub_are_those_of_the_tests(hub: FakeHub) -> None:
    assert hub.endpoint == constants.ENDPOINT
