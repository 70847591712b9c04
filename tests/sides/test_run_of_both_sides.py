"""A run of what features write and read: each side as it is alone, and the two compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import unembed
from tests.planted import FEW
from unembed import Features, Run, TokenSets, Unembedding, Vocabulary, prepare_unembedding
from unembed.analysis.added_at import written_banks
from unembed.analysis.independence import check_independent
from unembed.discovery.features import FAMILY
from unembed.errors import QueryError, RunError, SourceError, TokenSetError, UnembedError
from unembed.facts import ReadFacts
from unembed.questions import sides_of
from unembed.questions.circuits import place_banks
from unembed.questions.kinds import KINDS
from unembed.questions.neuronpedia.export import exported
from unembed.questions.neuronpedia.links import on_site
from unembed.questions.search.scored import Searched
from unembed.steering.targets import where_added
from unembed.store.manifest import MANIFEST, Manifest
from unembed.tokensets import SetInfo

V, D, F, SETS = 400, 24, 120, 40
READS = ReadFacts("encoder", "sae.3", ["It is planted."])
COPIES, UNDOES, OTHER, READ, WRITTEN = (
    range(4),
    range(4, 8),
    range(8, 12),
    range(12, 16),
    range(16, 20),
)


def rows(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, D, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.from_texts([f" t{i}" for i in range(V)], special=[0, 9])


@pytest.fixture(scope="module")
def sets(vocabulary: Vocabulary) -> TokenSets:
    random = np.random.default_rng(0)
    known = np.flatnonzero(~vocabulary.masked)
    ids = {f"s{n}": np.sort(random.choice(known, 16, replace=False)) for n in range(SETS)}
    return TokenSets.from_ids(ids, vocabulary)


@pytest.fixture(scope="module")
def model(vocabulary: Vocabulary) -> Unembedding:
    written, read = (prepare_unembedding(rows(V, seed), vocabulary, name="m") for seed in (1, 2))
    return written.with_embedding(read)


def mean(matrix: Unembedding, sets: TokenSets, number: int) -> torch.Tensor:
    at = np.searchsorted(matrix.token_ids, sets[f"s{number}"])
    return 8 * matrix.W_U[at].mean(0)


@pytest.fixture(scope="module")
def banks(model: Unembedding, sets: TokenSets) -> list[Features]:
    assert model.embedding is not None
    W_dec, W_enc = rows(F, 3), rows(F, 4)
    for at in (*COPIES, *UNDOES, *OTHER, *WRITTEN):
        W_dec[at] = mean(model, sets, at)
    for at in (*COPIES, *READ):
        W_enc[at] = mean(model.embedding, sets, at)
    for at in UNDOES:
        W_enc[at] = -mean(model.embedding, sets, at)
    for at in OTHER:
        W_enc[at] = mean(model.embedding, sets, at + 20)
    written = Features.from_array(W_dec, name="sae.3", layer=3)
    return [written, Features.from_array(W_enc, name="sae.3.encoder", layer=3, reads=READS)]


@pytest.fixture(scope="module")
def both(
    model: Unembedding,
    banks: list[Features],
    sets: TokenSets,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    out = tmp_path_factory.mktemp("sides") / "both"
    run = unembed.analyze(model, banks, out, token_sets=sets, enrichment=FEW)
    unembed.weights_of(run, unembedding=model, banks=banks)
    return run


@pytest.mark.parametrize("at", [0, 1])
def test_each_side_is_what_it_is_alone(
    both: Run, model: Unembedding, banks: list[Features], sets: TokenSets, at: int, tmp_path: Path
) -> None:
    """A bank of what features read is read against W_E as one that they write is against W_U."""
    against = [model, model.embedding][at]
    assert against is not None
    bank = Features.from_array(banks[at].W_dec, name=banks[at].name, layer=3)
    alone = unembed.analyze(against, bank, tmp_path / "alone", token_sets=sets, enrichment=FEW)
    own = both.features.filter(bank=bank.name)
    numbers = ["mean", "std", "skewness", "kurtosis", "min", "max", "top_ids", "bottom_weights"]
    assert own.select(numbers).equals(alone.features.select(numbers))
    assert own["class"].equals(alone.features["class"])
    ours, theirs = (
        run.enrichment(bank=bank.name).sort("feature", "token_set") for run in (both, alone)
    )
    assert ours.select("feature", "token_set", "z", "log10_p", "log10_q").equals(
        theirs.select("feature", "token_set", "z", "log10_p", "log10_q")
    )


def test_weights_of_what_is_read_are_over_the_embedding(
    both: Run, model: Unembedding, banks: list[Features]
) -> None:
    assert model.embedding is not None
    found = unembed.questions.logit_weights(both, "sae.3.encoder/5")
    expected = model.embedding.W_U.double() @ banks[1].W_dec[5].double()
    np.testing.assert_allclose(found.weights, expected.numpy(), atol=1e-5)
    np.testing.assert_array_equal(found.ids, model.token_ids)


def test_labels_say_what_is_detected_and_rejected(both: Run) -> None:
    labels = dict(both.features.select("feature", "label").rows())
    assert labels["sae.3/1"].startswith("promotes s1 ")
    assert labels["sae.3.encoder/1"].startswith("detects s1 ")
    assert labels["sae.3.encoder/5"].startswith("rejects s5 ")
    apart = both.collisions("sae.3.encoder/5").row(0, named=True)
    assert apart["writes"] == "rejects s5"


def test_kinds_are_those_that_were_planted(both: Run) -> None:
    found = unembed.read_and_written(both)
    kinds = dict(zip(found["index"], found["kind"], strict=True))
    assert {kinds[at] for at in COPIES} == {"copies"}
    assert {kinds[at] for at in UNDOES} == {"undoes"}
    assert {kinds[at] for at in OTHER} == {"transforms"}
    assert {kinds[at] for at in READ} == {"reads only"}
    assert {kinds[at] for at in WRITTEN} == {"writes only"}
    shared = dict(zip(found["index"], found["shared"], strict=True))
    assert [shared[at] for at in (*COPIES, *UNDOES)] == [f"s{at}" for at in range(8)]
    row = found.row(1, named=True)
    assert (row["feature"], row["reads"], row["part"], row["lens"]) == (
        "sae.3/1", "sae.3.encoder/1", "encoder", "logit",
    )  # fmt: skip
    counted = unembed.sides_by_bank(both).row(0, named=True)
    assert (counted["copies"], counted["undoes"]) == (4, 4)
    assert counted["features"] == F == sum(counted[kind] for kind in KINDS)


def test_one_feature_is_told_what_all_are(both: Run) -> None:
    every = unembed.read_and_written(both).drop("q")
    for address in ("sae.3/5", "sae.3.encoder/5"):
        assert sides_of(both, address) == [every.row(5, named=True)]
    facts = unembed.questions.feature_facts(both, "sae.3.encoder/5")
    assert facts["reads"] == {"part": "encoder", "bank": "sae.3", "notes": ["It is planted."]}
    assert [each["feature"] for each in facts["other_lenses"]] == ["sae.3/5"]
    assert facts["sides"][0]["kind"] == "undoes"


def test_searches_hold_each_bank_against_its_own_matrix(
    both: Run, model: Unembedding, banks: list[Features], sets: TokenSets
) -> None:
    assert model.embedding is not None
    by_token = unembed.find(both, token=" t7", limit=None)
    for bank, against in zip(banks, (model, model.embedding), strict=True):
        row = int(np.searchsorted(against.token_ids, 7))
        weights = bank.W_dec.double() @ against.W_U.double().T
        own = by_token.filter(bank=bank.name).sort("index")
        np.testing.assert_allclose(own["token_weight"], weights[:, row].numpy(), atol=1e-4)
        ranked = own.drop_nulls("token_rank")
        ranks = (weights > weights[:, row, None]).sum(1) + 1
        assert ranked["token_rank"].to_list() == ranks[ranked["index"].to_list()].tolist()
    found = unembed.find(both, contrast=("s1", "s9"), limit=None)
    for bank in banks:
        contrast = [unembed.Contrast(sets, "s1", "s9")]
        alone = unembed.direction_test(bank, model, contrast)
        own = found.filter(bank=bank.name).sort("index")
        np.testing.assert_allclose(own["contrast_z"], alone.z[:, 0], atol=1e-4)
    like = unembed.find(both, like="sae.3.encoder/1", limit=None)
    assert like["bank"].unique().to_list() == ["sae.3.encoder"]
    assert unembed.follow(both, "sae.3.encoder/1")["other"].to_list() == ["sae.3.encoder"]


def test_two_sides_are_not_matched(both: Run) -> None:
    with pytest.raises(UnembedError, match="what features read, and the other what they write"):
        unembed.match_banks(both, "sae.3", "sae.3.encoder")
    unembed.match_banks(both, "sae.3.encoder", "sae.3.encoder")


def test_tsea_of_pairs_that_were_not_kept_is_over_the_embedding(
    model: Unembedding, banks: list[Features], sets: TokenSets, tmp_path: Path
) -> None:
    whole = unembed.analyze(
        model, banks, tmp_path / "all", token_sets=sets,
        enrichment=unembed.EnrichmentSettings(directions=200, tsea="all"),
    )  # fmt: skip
    kept = unembed.analyze(
        model, banks, tmp_path / "kept", token_sets=sets,
        enrichment=unembed.EnrichmentSettings(directions=200, tsea="kept"),
    )  # fmt: skip
    unembed.weights_of(kept, unembedding=model, banks=banks)
    ours = kept.enrichment("sae.3.encoder/50", tsea=True).sort("token_set")
    theirs = whole.enrichment("sae.3.encoder/50").sort("token_set")
    np.testing.assert_allclose(ours["es"], theirs["es"], atol=1e-3)
    one = unembed.questions.es_of_sets(kept, ["s3"], bank="sae.3.encoder")
    every = unembed.questions.es_of_sets(whole, ["s3"], bank="sae.3.encoder")
    np.testing.assert_allclose(one["es"], every["es"], atol=1e-3)
    edge = unembed.questions.leading_edge(kept, "sae.3.encoder/1", "s1")
    direct = unembed.leading_edge(banks[1], 1, model, sets, "s1")
    assert (edge.es, edge.ids.tolist()) == (direct.es, direct.ids.tolist())


def test_a_run_that_is_stopped_goes_on(
    both: Run, model: Unembedding, banks: list[Features], sets: TokenSets
) -> None:
    tables = [path for path in both.path.rglob("*") if path.suffix in (".parquet", ".npy")]
    before = {path: path.read_bytes() for path in tables}
    for path in tables:
        if "encoder" in path.name or "read" in path.name:
            path.unlink()
    unembed.analyze(model, banks, both.path, token_sets=sets, enrichment=FEW)
    assert {path: path.read_bytes() for path in tables} == before


def test_the_manifest_names_both_matrices(both: Run, model: Unembedding) -> None:
    assert model.embedding is not None
    manifest = Manifest.load(both.path)
    assert manifest.schema_version == 5
    assert manifest.embedding is not None
    assert manifest.embedding.sha256 == model.embedding.digest
    assert manifest.lenses == ["logit", "embedding"]
    content = json.loads((both.path / MANIFEST).read_text())
    assert content["banks"][1]["reads"] == {
        "part": "encoder",
        "bank": "sae.3",
        "notes": ["It is planted."],
    }
    assert "reads" not in content["banks"][0]


def test_what_is_read_is_no_run_of_what_is_written(
    both: Run, model: Unembedding, banks: list[Features], sets: TokenSets
) -> None:
    other = [banks[0], Features.from_array(banks[1].W_dec, name="sae.3.encoder", layer=3)]
    with pytest.raises(RunError, match="another run"):
        unembed.analyze(model, other, both.path, token_sets=sets, enrichment=FEW)
    plain = Manifest.of(model, [banks[0]], unembed.SweepSettings())
    assert plain.schema_version == 4
    assert plain.embedding is None


def test_what_lacks_is_said(
    model: Unembedding,
    banks: list[Features],
    sets: TokenSets,
    vocabulary: Vocabulary,
    tmp_path: Path,
) -> None:
    alone = prepare_unembedding(rows(V, 1), vocabulary, name="m")
    with pytest.raises(UnembedError, match="is held against the embedding, which is not there"):
        unembed.analyze(alone, banks, tmp_path / "run", token_sets=sets)
    lens = unembed.LayerLens("jacobian", "jacobian", 3, torch.eye(D))
    with pytest.raises(UnembedError, match="comes before their layer"):
        banks[1].through(lens)
    one = unembed.analyze(model, banks[0], tmp_path / "one", token_sets=sets, enrichment=FEW)
    with pytest.raises(QueryError, match="--side both"):
        unembed.read_and_written(one)
    assert sides_of(one, "sae.3/1") == []
    run = unembed.analyze(model, banks, tmp_path / "two", token_sets=sets, enrichment=FEW)
    with pytest.raises(SourceError, match="not the embedding of the run"):
        unembed.weights_of(run, unembedding=alone.with_embedding(alone))
    assert not (tmp_path / "run").exists()


def test_an_embedding_of_another_kind_is_refused(model: Unembedding) -> None:
    fewer = Vocabulary.from_texts([f" t{i}" for i in range(V)], special=[0])
    with pytest.raises(UnembedError, match="tokens that take part"):
        model.with_embedding(prepare_unembedding(rows(V, 2), fewer, name="m"))
    narrow = prepare_unembedding(rows(V, 2)[:, :8], model.vocabulary, name="m")
    with pytest.raises(UnembedError, match="8 wide"):
        model.with_embedding(narrow)
    cosine = prepare_unembedding(rows(V, 2), model.vocabulary, lens="cosine", name="m")
    with pytest.raises(UnembedError, match="cosine lens"):
        model.with_embedding(cosine)


def test_random_directions_of_each_side_are_like_its_own(
    both: Run, model: Unembedding, banks: list[Features], sets: TokenSets, tmp_path: Path
) -> None:
    run = unembed.analyze(
        model, banks, tmp_path / "identity", token_sets=sets, null="identity", enrichment=FEW
    )
    for bank, against in zip(banks, (model, model.embedding), strict=True):
        assert against is not None
        plain = Features.from_array(bank.W_dec, name=bank.name)
        expected = unembed.direction_test(plain, against, sets, null="identity")
        own = run.enrichment(f"{bank.name}/33").sort("token_set")
        at = [sets.names.index(name) for name in own["token_set"]]
        np.testing.assert_allclose(own["z"], expected.z[33, at], atol=2e-3)
    assert pl.DataFrame(Searched(both, ("sae.3",)).features).height == F


def test_what_is_written_alone_goes_into_models_and_pages(both: Run) -> None:
    with pytest.raises(QueryError, match=r"what features read: .* which sae\.3 is"):
        where_added(both.manifest.bank("sae.3.encoder"))
    sources = dict.fromkeys(both.banks, "m/3-res")
    with pytest.raises(QueryError, match=r"export sae\.3"):
        exported(both, on_site(both, ["sae.3.encoder/1"], sources), sources)
    with pytest.raises(QueryError, match="are of the same features"):
        exported(both, on_site(both, ["sae.3/1", "sae.3.encoder/1"], sources), sources)
    assert len(exported(both, on_site(both, [], sources), sources)) == F
    for chosen in ([], ["3=sae.3.encoder"]):
        with pytest.raises(QueryError, match=r"name sae\.3|known to be a transcoder"):
            place_banks(both, chosen=chosen, lens=None if chosen else "embedding")
    with pytest.raises(UnembedError, match=r"sae\.3\.encoder: it is what features read"):
        written_banks(both, ["sae.3.encoder"])


def test_sets_that_features_made_are_not_tested_in_what_they_read(
    model: Unembedding, banks: list[Features], vocabulary: Vocabulary
) -> None:
    info = SetInfo("found", FAMILY, f"Found in what features promote, among it: {banks[0].name}/7.")
    made = TokenSets.from_drafts([(info, np.arange(1, 8))], vocabulary)
    with pytest.raises(TokenSetError, match=r"features of sae\.3\.encoder"):
        check_independent(made, banks[1:])


def test_a_random_decoder_of_what_is_read_is_held_against_the_embedding(
    both: Run, banks: list[Features], tmp_path: Path
) -> None:
    control = unembed.analyze_random(both, "sae.3.encoder", tmp_path / "random")
    assert control.manifest.embedding == both.manifest.embedding
    facts = control.manifest.bank("sae.3.encoder")
    assert facts.reads is not None
    assert facts.sha256 != banks[1].digest


def test_sides_are_compared_by_sets_alone(both: Run) -> None:
    a, b = unembed.dictionaries(both, ["sae.3", "sae.3.encoder"])
    found = unembed.compare_banks(a, b)
    assert found.facts["by"] == "sets"
    assert "read" in found.facts["not_by"]["decoder"]
    assert "embedding" in found.facts["not_by"]["logits"]


def test_the_page_of_a_published_run_says_both(both: Run) -> None:
    from unembed import publishing

    with publishing.pack(both, "hf:me/run") as parcel:
        page = parcel.files["README.md"].read_text(encoding="utf-8")
    assert "# What features of m write and read\n" in page
    assert "Logit weights and readings of **240 features**" in page
    assert both.manifest.embedding is not None
    assert f"| embedding | arrays in memory | `{both.manifest.embedding.sha256[:16]}…` |" in page
