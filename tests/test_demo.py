"""The embedded demo, and the same neurons straight from the GGUF file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from unembed import Run, Sweep, load_features, load_lens, load_unembedding, weights_of
from unembed.demo import LENS, MODEL, SAE
from unembed.questions.lenses import compare_lenses

README = LENS.parent / "README.md"

LARGEST_KURTOSIS = {"mlp.10": 4.15, "mlp.20": 16.1, "mlp.26": 41.1, "mlp.29": 73.4}
"""Measured on the GGUF file; int8 rows keep them to 1.2 %."""


def test_known_neurons(demo_run: Run) -> None:
    reflexive = demo_run.feature("mlp.20/1036")["top_tokens"][:3]
    assert reflexive == [" itself", " themselves", " herself"]
    second_person = demo_run.feature("mlp.26/1329")["bottom_tokens"][:3]
    assert second_person == [" your", " yourself", " yourselves"]


@pytest.mark.parametrize(
    ("feature", "promotes"),
    [
        (8058, {"?", "?),", "?”"}),
        (4727, {" your", " yourself", " you"}),
        (759, {" most", " least", "least"}),
        (2483, {" second", " third", " Second"}),
    ],
)
def test_known_features_of_the_sae(demo_run: Run, feature: int, promotes: set[str]) -> None:
    assert set(demo_run.feature(f"sae.26/{feature}")["top_tokens"][:3]) == promotes


def strongest(run: Run, feature: str) -> tuple[str, float]:
    row = run.enrichment(feature).row(0, named=True)
    return row["token_set"], row["z"]


def test_known_neurons_and_their_token_sets(demo_run: Run) -> None:
    name, z = strongest(demo_run, "mlp.20/1036")
    assert name == "pronouns_reflexive"
    assert z == pytest.approx(13, abs=1.5)
    strong = demo_run.enrichment("mlp.26/1329").head(3)
    assert set(strong["token_set"]) == {"lexeme:you", "form:your", "pronouns_second_person"}
    assert strong["z"].max() < -14
    assert (strong["es"] < -0.85).all()


@pytest.mark.parametrize(
    ("feature", "token_set"),
    [(8058, "begins:?"), (4727, "lexeme:you"), (759, "inflection:superlative")],
)
def test_known_token_sets_of_the_sae(demo_run: Run, feature: int, token_set: str) -> None:
    assert strongest(demo_run, f"sae.26/{feature}")[0] == token_set


def test_layer_10_has_almost_nothing(demo_run: Run) -> None:
    passing = demo_run.enrichment(bank="mlp.10")
    assert passing.height < 20
    assert demo_run.enrichment(bank="mlp.29").height > 1000 * passing.height


def test_the_null_holds_on_the_demo(demo_run: Run) -> None:
    found = demo_run.discoveries
    for check in found["nulls"].values():
        assert check["z_sd"]["median"] == pytest.approx(1, abs=0.01)
        assert check["beyond_1_percent"] == pytest.approx(0.01, abs=0.001)
    assert found["classical"]["0.05"] > 100 * found["passing"]["0.05"] > 0


def test_a_question_reads_little(demo_run: Run) -> None:
    """Enrichment is two bytes a pair and some; nothing of it is read whole for one question."""
    pairs = demo_run.discoveries["pairs"]
    size = sum(path.stat().st_size for path in (demo_run.path / "enrichment").rglob("*.*"))
    assert size < 2.6 * pairs
    assert demo_run.enrichment(token_set="months").height == 18_944


def test_the_sae_is_as_its_card_says() -> None:
    measured = json.loads((SAE / "evaluation.json").read_text())
    card = (SAE / "README.md").read_text()
    (sae,) = load_features(str(SAE))
    assert sae.hook == "blocks.26.hook_resid_post"
    assert sae.W_dec.shape == (8192, 576)
    assert sae.log10_density is not None
    assert (10.0**sae.log10_density).sum() == pytest.approx(measured["l0"], rel=0.05)
    assert (sae.log10_density < -9).mean() == measured["dead_in_training"]
    for figure in (
        f"{measured['explained_variance']:.3f}",
        f"{measured['l0']:.1f}",
        f"{measured['dead_in_training']:.1%}",
        *(f"{nats:.3f}" for nats in measured["loss"].values()),
    ):
        assert figure in card


@pytest.mark.parametrize("bank", LARGEST_KURTOSIS)
def test_tails_grow_with_depth(demo_run: Run, bank: str) -> None:
    largest = demo_run.features.filter(bank=bank)["kurtosis"].max()
    assert largest == pytest.approx(LARGEST_KURTOSIS[bank], rel=0.02)


def test_every_feature_has_values(demo_run: Run) -> None:
    frame = demo_run.features
    assert frame.height == 8192 + 6144 + 3 * 1536
    of_some = ("log10_density", "^partition_.*$", "^tail_tokens_.*$", "^log10_p_words_.*$")
    assert frame.drop(of_some).null_count().sum_horizontal().item() == 0
    assert frame.filter(bank="sae.26")["log10_density"].null_count() == 0


def test_the_bundle_is_small_and_keeps_its_notices() -> None:
    sizes = {
        path.relative_to(MODEL.parent).as_posix(): path.stat().st_size
        for folder in (MODEL, SAE, LENS.parent)
        for path in folder.iterdir()
    }
    assert sum(sizes.values()) <= 48e6
    assert sum(size for name, size in sizes.items() if name.startswith(f"{SAE.name}/")) <= 10e6
    assert sizes[f"{MODEL.name}/NOTICE.md"]
    assert sizes[f"{MODEL.name}/LICENSE"]
    assert sizes[f"{SAE.name}/README.md"]
    assert sizes[f"{LENS.parent.name}/README.md"]


def test_neurons_of_layer_10_through_the_lens(demo_run: Run) -> None:
    humor = demo_run.feature("mlp.10.jacobian/1366")
    assert humor["top_tokens"][:3] == [" humor", " humorous", " Humor"]
    assert humor["label"].startswith("promotes words of humor (z +7.")
    assert humor["lens"] == "jacobian"
    assert demo_run.feature("mlp.10/1366")["label"].startswith("as random directions do")
    by_lens = compare_lenses(demo_run).filter(written="mlp.10")
    assert dict(by_lens.select("lens", "labelled").rows()) == {"logit": 2, "jacobian": 45}


def test_the_lens_is_what_its_readme_says() -> None:
    lens = load_lens(LENS, model=MODEL)
    assert (lens.layers, lens.n_prompts) == ((10, 20, 26), 32)
    assert lens.fitted_on == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert not lens.notes
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) \| (\d+) % \|$", README.read_text(), re.MULTILINE)
    assert [int(layer) for layer, *_ in rows] == [10, 20, 26]
    for layer, difference, shared in rows:
        measured = lens.stability[int(layer)]
        assert measured["frobenius"] == pytest.approx(float(difference), abs=0.005)
        assert 100 * measured["top10"] == pytest.approx(float(shared), abs=0.5)


def test_a_bank_through_the_lens_is_opened_again(demo_run: Run) -> None:
    """W_dec Jᵀ, from the neurons and the lens where the manifest says they lie."""
    bank = weights_of(demo_run).bank("mlp.26.jacobian")
    assert bank.before is not None
    J = load_lens(LENS, model=MODEL).matrix(26).double()
    expected = (bank.before.W_dec.double() @ J.T).float()
    np.testing.assert_allclose(bank.W_dec, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("layer", [20, 29])
def test_int8_rows_change_little(demo_run: Run, smollm2: Path, layer: int) -> None:
    from_gguf = load_unembedding(smollm2)
    (bank,) = load_features(f"mlp:{layer}", model=smollm2)
    read = Sweep(from_gguf).read(bank.W_dec)
    demo = demo_run.features.filter(bank=f"mlp.{layer}")
    assert from_gguf.vocabulary.digest == load_unembedding(MODEL).vocabulary.digest
    assert read.kurtosis.max() == pytest.approx(LARGEST_KURTOSIS[f"mlp.{layer}"], rel=0.005)
    np.testing.assert_allclose(demo["kurtosis"], read.kurtosis, rtol=0.04)
    np.testing.assert_allclose(demo["skewness"], read.skewness, atol=0.06)
    ids = zip(demo["top_ids"].to_list(), read.top_ids.tolist(), strict=True)
    kept = [len(set(a[:10]) & set(b[:10])) for a, b in ids]
    assert np.mean(kept) > 9.6
