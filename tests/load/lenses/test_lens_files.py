"""Lenses from files of this disk: what each layout means, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.load.lenses.files import (
    BLOCKS,
    D,
    SomeModel,
    matrices,
    own,
    published,
    sums,
    torch_file,
    translators,
    tuned,
)  # fmt: skip
from unembed.errors import FormatError, ShapeError, SourceError, UnembedError
from unembed.load import load_lens
from unembed.load.lenses.layers import spans
from unembed.load.reopen import reopen_lens

J = matrices()


def written(folder: Path, content: bytes, name: str = "lens.pt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


LAYOUTS: dict[str, Callable[[], bytes]] = {
    "jacobian": lambda: torch_file(published(J)),
    "jacobian, before torch 1.6": lambda: torch_file(published(J), new=False),
    "jacobian-sums": lambda: torch_file(sums(J, 7, target_layer=BLOCKS - 1)),
    "unembed": lambda: own(J, n_prompts=100, d_model=D, source_layers=sorted(J)),
}


class TestJacobian:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_each_layout(self, layout: str, tmp_path: Path) -> None:
        lens = load_lens(written(tmp_path, LAYOUTS[layout]()), model=SomeModel())
        sums_alone = layout == "jacobian-sums"
        assert (lens.kind, lens.layers, lens.d_model) == ("jacobian", (0, 1, 2, 3), D)
        assert lens.n_prompts == (7 if sums_alone else 100)
        assert lens.capture_point == "block_output"
        for layer, each in J.items():
            expected = each if sums_alone else each.half().float()
            torch.testing.assert_close(lens.matrix(layer), expected, rtol=1e-6, atol=1e-6)
            assert lens.matrix(layer).dtype == torch.float32

    def test_a_direction_becomes_its_derivative(self, tmp_path: Path) -> None:
        """`J[out, in]`: the saved Jacobian of a map takes w to the map's derivative along w."""
        random = torch.Generator().manual_seed(3)
        A, B = (torch.randn(D, D, generator=random, dtype=torch.float64) / D for _ in range(2))
        h, w = (torch.randn(D, generator=random, dtype=torch.float64) for _ in range(2))

        def rest(h: Tensor) -> Tensor:
            return h + (h @ A).tanh() @ B

        jacobian = torch.autograd.functional.jacobian(rest, h)
        lens = load_lens(written(tmp_path, torch_file({"J": {0: jacobian}, "d_model": D})))
        along = (rest(h + 1e-6 * w) - rest(h - 1e-6 * w)) / 2e-6
        torch.testing.assert_close(lens.matrix(0).double() @ w, along, rtol=1e-5, atol=1e-5)

    def test_the_last_block_is_the_identity(self, tmp_path: Path) -> None:
        path = written(tmp_path, torch_file(published(J)))
        lens = load_lens(path, model=SomeModel())
        assert lens.has(BLOCKS - 1)
        assert lens.matrix(BLOCKS - 1).equal(torch.eye(D))
        assert not load_lens(path).has(BLOCKS - 1)  # nobody says how many blocks there are

    def test_a_fitted_identity_at_the_last_block(self, tmp_path: Path) -> None:
        ends = {**J, BLOCKS - 1: torch.eye(D) + 1e-3}
        lens = load_lens(written(tmp_path, torch_file(published(ends))), model=SomeModel())
        torch.testing.assert_close(lens.matrix(BLOCKS - 1), ends[BLOCKS - 1].half().float())

    @pytest.mark.parametrize("table", ["metadata", "provenance"])
    def test_what_tables_inside_say(self, table: str, tmp_path: Path) -> None:
        more = {table: {"capture_point": "mlp_out", "model_name": "some-model"}, "note": "kept"}
        lens = load_lens(written(tmp_path, torch_file(published(J, **more))), model=SomeModel())
        assert (lens.capture_point, lens.fitted_on) == ("mlp_out", "some-model")
        assert lens.metadata["note"] == "kept"
        assert "J" not in lens.metadata

    def test_attn_in_is_the_block_before(self, tmp_path: Path) -> None:
        more = {"provenance": {"capture_point": "attn_in"}}
        lens = load_lens(written(tmp_path, torch_file(published(J, **more))))
        assert (lens.layers, lens.capture_point) == ((-1, 0, 1, 2), "block_output")
        assert lens.matrix(-1).equal(J[0].half().float())
        assert "attn_in of block l is the output of block l-1" in lens.notes[0]

    def test_stability(self, tmp_path: Path) -> None:
        stable = {str(layer): {"frobenius": 0.25, "top10": 0.5 + layer} for layer in J}
        for content in (own(J, stability=stable), torch_file(published(J, stability=stable))):
            lens = load_lens(written(tmp_path, content, "x.bin"))
            assert lens.stability[2] == {"frobenius": 0.25, "top10": 2.5}

    def test_an_own_embedding(self, tmp_path: Path) -> None:
        lens = load_lens(written(tmp_path, own({-1: J[0], **J}), "own.safetensors"))
        assert lens.layers == (-1, 0, 1, 2, 3)


class TestTuned:
    def test_the_translator_is_added(self, tmp_path: Path) -> None:
        """A direction's effect under `h + translator(h)`; translator l is of `hidden_states[l]`."""
        module = translators()
        lens = load_lens(tuned(tmp_path / "t", module), model=SomeModel())
        assert (lens.kind, lens.layers, lens.n_layers) == ("tuned", (-1, 0, 1, 2, 3), BLOCKS)
        h, w = torch.randn(2, D)
        for at, translator in enumerate(module):
            moved = (h + w + translator(h + w)) - (h + translator(h))
            found = lens.matrix(at - 1) @ w
            torch.testing.assert_close(found, moved.detach(), rtol=1e-4, atol=1e-5)
        assert "bias left out: it is the same for every feature" in lens.source["steps"]
        assert lens.matrix(BLOCKS - 1).equal(torch.eye(D))

    def test_the_file_alone(self, tmp_path: Path) -> None:
        params = tuned(tmp_path / "t") / "params.pt"
        assert load_lens(params).fitted_on == "org/some-model"
        (params.parent / "config.json").unlink()
        lens = load_lens(params)
        assert (lens.layers, lens.fitted_on) == ((-1, 0, 1, 2, 3), None)
        assert "which model it was tuned for" in lens.notes[0]

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ({"lens_type": "mlp"}, r"not one matrix a layer \(mlp\)"),
            ({"rank": 4}, r"not one matrix a layer \(rank\)"),
            ({"include_input": False}, "include_input: false"),
            ({"layers": 7}, "translator for each of 7 layers, but lacks 5–6"),
            ({"d": 16}, "says that d_model is 16, but its matrices are 12 wide"),
            ({"base_model_name_or_path": "org/other"}, "was fitted on org/other"),
        ],
    )
    def test_what_a_config_says(self, config: dict[str, Any], message: str, tmp_path: Path) -> None:
        with pytest.raises(UnembedError, match=message):
            load_lens(tuned(tmp_path / "t", **config), model=SomeModel())

    def test_options_of_early_versions_that_change_nothing(self, tmp_path: Path) -> None:
        config = {"sublayers": False, "rank": None, "mlp_hidden_sizes": [], "include_input": True}
        assert load_lens(tuned(tmp_path / "t", **config)).layers == (-1, 0, 1, 2, 3)

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            ("{}.bias", "has only a bias for layers 0–1"),
            ("layer_translators.{}.weight", "another program's: ask how it uses them"),
            ("{}.U", "that is read has `LAYER.weight` and `LAYER.bias` alone"),
            ("parameters.jacobians.{}", "is a J\\+\\+ lens"),
            ("unembedding.{}", r"no lens that is understood.*unembedding.0 \[12, 12\]"),
        ],
    )
    def test_other_parameters(self, names: str, message: str, tmp_path: Path) -> None:
        content = torch_file({names.format(layer): J[layer] for layer in (0, 1)})
        with pytest.raises(FormatError, match=message):
            load_lens(written(tmp_path, content))

    def test_a_translator_that_was_never_trained(self, tmp_path: Path) -> None:
        module = translators()
        torch.nn.init.zeros_(module[1].weight)
        lens = load_lens(tuned(tmp_path / "t", module))
        with pytest.raises(FormatError, match=r"layer 0 is the identity.*as under --lens logit"):
            lens.matrix(0)
        lens.matrix(1)


def without(value: dict[str, Any], layer: int) -> dict[str, Any]:
    del value["J"][layer]
    return value


def changed(layer: int, at: Any, to: float | Tensor) -> dict[int, Tensor]:
    found = {each: matrix.clone() for each, matrix in J.items()}
    found[layer][at] = to
    return found


class TestRefused:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (without(published(J), 2), "layers 0–3, but lacks 2"),
            (published(J, d_model=D + 1), "says that d_model is 13, but its matrices are 12 wide"),
            (published({**J, 1: torch.randn(D, D + 1)}), r"layer 1 has shape \[12, 13\]; expected"),
            (published({**J, 1: torch.randn(5, 5)}), "layer 1 is 5 wide, layer 0 12"),
            (published(J, metadata={"capture_point": "logits"}), "'logits', which is not known"),
            (published(J, provenance={"stream_reduce": "mean"}), "several streams side by side"),
            (published(J, n_prompts="many"), "n_prompts should be a whole number"),
            (published(J, source_layers="all"), "source_layers should be a list"),
            (published(J, stability={"x": 1}), "stability should be a table of numbers by layer"),
            (sums(J, 0), "under way, after 0 prompts"),
            ({"J": torch.randn(3, D, D)}, r"no lens that is understood.*J \[3, 12, 12\]"),
        ],
    )
    def test_what_is_no_lens(self, value: object, message: str, tmp_path: Path) -> None:
        with pytest.raises(UnembedError, match=message):
            load_lens(written(tmp_path, torch_file(value)))

    @pytest.mark.parametrize(
        ("J", "message"),
        [
            (changed(1, (2, 3), torch.nan), "layer 1 holds 1 NaN or infinite values of 144"),
            (changed(1, (2, slice(None)), torch.inf), "layer 1 holds 12 NaN or infinite"),
            (changed(1, ..., 0.0), "layer 1 is zero"),
            (changed(1, ..., torch.eye(D)), "layer 1 is the identity"),
        ],
    )
    def test_numbers_that_are_none(
        self, J: dict[int, Tensor], message: str, tmp_path: Path
    ) -> None:
        lens = load_lens(written(tmp_path, torch_file(published(J))))
        with pytest.raises(FormatError, match=message):
            lens.matrix(1)
        lens.matrix(2)

    def test_a_layer_that_it_lacks(self, tmp_path: Path) -> None:
        some = dict.fromkeys((0, 1, 2, 5), J[0])
        lens = load_lens(written(tmp_path, torch_file(published(some))))
        with pytest.raises(SourceError, match=r"no layer 4: it has 0–2, 5 \(layer l is the"):
            lens.matrix(4)

    @pytest.mark.parametrize(
        ("more", "model", "message"),
        [
            (
                {},
                SomeModel(d_model=16),
                r"12 wide \(layers 0–3\), but the residual stream.*16 wide",
            ),
            (
                {},
                SomeModel(n_layers=3),
                "a model with 4 blocks or more .it has layers 0–3., but.* 3",
            ),
            ({"n_layers": 8}, SomeModel(), "model with 8 blocks"),
            ({"target_layer": 3}, SomeModel(), "output of block 3, not to that of the last, 4"),
            ({"target_layer": -2}, SomeModel(), "output of block 3, not to that of the last, 4"),
            ({"metadata": {"model_name": "org/other"}}, SomeModel(), "was fitted on org/other"),
            ({"model": {"name": "org/other"}}, SomeModel(), "was fitted on org/other"),
        ],
    )
    def test_a_lens_of_another_model(
        self, more: dict[str, Any], model: SomeModel, message: str, tmp_path: Path
    ) -> None:
        path = written(tmp_path, torch_file(published(J, **more)))
        with pytest.raises(UnembedError, match=message):
            load_lens(path, model=model)
        load_lens(path)

    def test_a_lens_whose_last_block_is_no_end(self, tmp_path: Path) -> None:
        """Attention heads have a J of the same shape, of every block: [d, heads × d_head]."""
        lens = load_lens(
            written(tmp_path, torch_file(published(matrices(BLOCKS)))), model=SomeModel()
        )
        with pytest.raises(FormatError, match="layer 4 is not the identity, though that block is"):
            lens.matrix(4)

    def test_a_pickle_of_a_class(self, tmp_path: Path) -> None:
        path = written(tmp_path, torch_file({**published(J), "made": Path("x")}))
        with pytest.raises(FormatError, match=r"pickled pathlib\..*Path, which\s+torch.load"):
            load_lens(path)

    def test_a_kind_that_it_is_not(self, tmp_path: Path) -> None:
        path = written(tmp_path, torch_file(published(J)))
        with pytest.raises(FormatError, match="is a jacobian lens, and no tuned lens"):
            load_lens(f"tuned:{path}")
        assert load_lens(f"jacobian:{path}").kind == "jacobian"

    @pytest.mark.parametrize(
        ("reference", "message"),
        [
            ("jacobian", "published jacobian lens of a model: say which"),
            ("tuned:", "names no lens: write tuned alone, or tuned:FILE"),
            ("./nothing.pt", "No file or folder at"),
        ],
    )
    def test_references(self, reference: str, message: str) -> None:
        with pytest.raises(SourceError, match=message):
            load_lens(reference)


class TestModels:
    """Whose lens it is, by all that tells it."""

    @pytest.mark.parametrize("name", ["org/some-model", "mirror/Some-Model", "some-model"])
    def test_copies_of_a_model(self, name: str, tmp_path: Path) -> None:
        path = written(tmp_path, torch_file(published(J, model_name=name)))
        assert load_lens(path, model=SomeModel()).notes == ()

    def test_another_that_is_meant(self, tmp_path: Path) -> None:
        path = written(tmp_path, torch_file(published(J, model_name="org/base")))
        with pytest.raises(SourceError, match="another_model=True"):
            load_lens(path, model=SomeModel())
        assert load_lens(path, model=SomeModel(), another_model=True).fitted_on == "org/base"

    def test_a_folder_of_any_name(self, tmp_path: Path) -> None:
        """It may be the model that the lens was fitted on: that is said, and not refused."""
        path = written(tmp_path, torch_file(published(J, model_name="org/base")))
        here = SomeModel(origin={"path": "/models/mine"})
        (note,) = load_lens(path, model=here).notes
        assert "the lens was fitted on org/base: see that it is this one" in note
        gguf = "/hub/models--bartowski--Base-GGUF/snapshots/1a2b/Base-Q4_K_M.gguf"
        assert load_lens(path, model=SomeModel(origin={"path": gguf})).notes == ()
        cached = "/hub/models--org--other/snapshots/1a2b"
        with pytest.raises(SourceError, match="no lens of org/other"):
            load_lens(path, model=SomeModel(origin={"path": cached}))

    def test_the_name_under_which_it_was_written(self, tmp_path: Path) -> None:
        """A published file was of another model of that width, under the right one's name."""
        path = written(
            tmp_path, torch_file(published(J), "gpt-oss-20b_jacobian_lens"),
            "Qwen3.6-27B_jacobian_lens.pt",
        )  # fmt: skip
        model = SomeModel("Qwen/Qwen3.6-27B")
        with pytest.raises(
            SourceError, match="it was written under it was fitted on openai/gpt-oss"
        ):
            load_lens(path, model=model)
        with pytest.raises(ShapeError, match=r"under it was fitted on openai/gpt-oss-20b\. It"):
            load_lens(path, model=SomeModel("Qwen/Qwen3.6-27B", d_model=5120))

    def test_the_name_of_the_file(self, tmp_path: Path) -> None:
        path = written(tmp_path, torch_file(published(J)), "gemma-2-2b_jacobian_lens.pt")
        with pytest.raises(SourceError, match="by its name it was fitted on google/gemma-2-2b"):
            load_lens(path, model=SomeModel("google/gemma-2-2b-it"))
        assert (
            load_lens(path, model=SomeModel("google/gemma-2-2b")).fitted_on == "google/gemma-2-2b"
        )

    @pytest.mark.parametrize(
        ("config", "counts"),
        [
            ("hf_model_name: org/other\nresults:\n  prompts_fitted: 100\n", True),
            ("hf_model_name: org/other\nresults:\n  prompts_fitted: 417\n", False),
            ("hf_model_name: org/other\nlens:\n  file: lens.pt\n", True),
            ("hf_model_name: org/other\nlens:\n  file: another.pt\n", False),
        ],
    )
    def test_the_config_beside(self, config: str, counts: bool, tmp_path: Path) -> None:
        """It counts where it is of this file: a folder may hold two, or one left behind."""
        path = written(tmp_path, torch_file(published(J)))
        (tmp_path / "config.yaml").write_text(config)
        if counts:
            with pytest.raises(SourceError, match=r"config\.yaml it was fitted on org/other"):
                load_lens(path, model=SomeModel())
        else:
            assert load_lens(path, model=SomeModel()).fitted_on is None

    def test_a_config_beside_a_file_that_others_added(self, tmp_path: Path) -> None:
        """Both went to 1,000 prompts; the config was there before."""
        content = torch_file(published(J, n_prompts=1000))
        path = written(tmp_path, content, "Qwen3.6-27B_jacobian_lens_n1000.pt")
        config = "hf_model_name: openai/gpt-oss-20b\nresults:\n  prompts_fitted: 1000\n"
        (tmp_path / "config.yaml").write_text(config)
        assert load_lens(path, model=SomeModel("Qwen/Qwen3.6-27B")).notes == ()


class TestFolders:
    def test_the_one_file_in_folders_of_one_folder_each(self, tmp_path: Path) -> None:
        inside = tmp_path / "gpt2-small" / "jlens" / "Salesforce-wikitext"
        written(inside, torch_file(published(J)))
        written(inside, b"step,delta\n", "x_convergence.csv")
        assert load_lens(tmp_path / "gpt2-small").layers == (0, 1, 2, 3)

    def test_several(self, tmp_path: Path) -> None:
        written(tmp_path, torch_file(published(J)), "a.pt")
        save_file({"J.0": J[0]}, tmp_path / "b.safetensors")
        with pytest.raises(SourceError, match=r"2 files that may be a lens.*a.pt, b.safetensors"):
            load_lens(tmp_path)

    def test_none(self, tmp_path: Path) -> None:
        written(tmp_path, b"#", "README.md")
        with pytest.raises(SourceError, match=r"no file of a lens .*README.md. Name one"):
            load_lens(tmp_path)


class TestReopened:
    def test_the_same(self, tmp_path: Path) -> None:
        for path in (written(tmp_path, torch_file(published(J))), tuned(tmp_path / "t")):
            lens = load_lens(path, model=SomeModel())
            last = BLOCKS - 1  # the identity, which no file has
            again = reopen_lens(lens.source)
            assert again.matrix(2).equal(lens.matrix(2))
            assert again.matrix(last).equal(lens.matrix(last))
            assert again.source == lens.source

    def test_gone(self, tmp_path: Path) -> None:
        path = written(tmp_path, torch_file(published(J)))
        source = load_lens(path).source
        path.unlink()
        with pytest.raises(SourceError, match="where the lens was"):
            reopen_lens(source)


def test_spans() -> None:
    assert spans(range(63)) == "0–62"
    assert spans([9, 3, 4]) == "3–4, 9"
    assert spans([-1, 3]) == "the embedding (-1), 3"
