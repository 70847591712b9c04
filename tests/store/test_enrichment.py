"""Enrichment in a run: what is kept, what follows from it, and what is asked of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.planted import Planting, bank_of, slope
from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    Sweep,
    SweepSettings,
    Unembedding,
    Vocabulary,
    analyze,
    direction_test,
    prepare_unembedding,
    weights_of,
)
from unembed.enrichment.effects import rows_of
from unembed.enrichment.token_null import TokenNull
from unembed.errors import QueryError, RunError, TokenSetError, UnembedError
from unembed.store import manifest as manifest_module
from unembed.store import scores as store_scores
from unembed.store.arrays import write_array
from unembed.sweep import Membership
from unembed.tokensets import TokenSets, merge_token_sets
from unembed.unembedding import Lens

N, D = 2000, 24
FEW = EnrichmentSettings(directions=200)


@pytest.fixture(scope="module")
def planting() -> Planting:
    """Random rows, and sets that nothing but their means sets apart; token 0 is masked."""
    random = torch.Generator().manual_seed(0)
    made = Planting(torch.randn(N, D, generator=random), ["<s>"], special=[0], name="model")
    members = {
        "low": range(1, 30), "thirds": range(3, N, 3), "pair": [5, 900], "none": [],
        "all": range(1, N), "again": range(1, 30),
    }  # fmt: skip
    for name, ids in members.items():
        made.token_set(name, ids, family="plain")
    made.token_set("few", [9, 99, 999], family="named/few", aliases=["some"])
    return made


@pytest.fixture(scope="module")
def model(planting: Planting) -> Unembedding:
    return planting.unembedding


@pytest.fixture(scope="module")
def sets(planting: Planting) -> TokenSets:
    """`again` is an alias of `low`, whose tokens it holds."""
    return merge_token_sets([planting.sets])


@pytest.fixture(scope="module")
def banks(planting: Planting) -> list[Features]:
    """The slope towards `low`, with one more that promotes it in a later shard; a second bank."""
    random = torch.Generator().manual_seed(1)
    low = planting.mean("low")
    first = torch.randn(600, D, generator=random)
    second = torch.randn(40, D, generator=random)
    return [
        bank_of("a", first, {**slope(first, low), 350: 30 * low + first[350]}),
        bank_of("b", second, indices=np.arange(40) * 10),
    ]


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
    model: Unembedding,
    banks: list[Features],
    sets: TokenSets,
) -> Run:
    out = tmp_path_factory.mktemp("enriched") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_module, "SHARD_FEATURES", 256)
        cut = SweepSettings(tile=100)
        return analyze(model, banks, out, token_sets=sets, enrichment=FEW, settings=cut)


def test_every_pair_is_that_of_the_direction_test(
    run: Run, model: Unembedding, banks: list[Features], sets: TokenSets
) -> None:
    for bank in banks:
        scores = direction_test(bank, model, sets)
        for at, name in enumerate(sets):
            found = run.enrichment(token_set=name, bank=bank.name)
            assert found.height == len(bank)
            index = found["feature"].str.split("/").list.get(1).cast(pl.Int64).to_numpy()
            order = np.searchsorted(bank.indices, index)
            np.testing.assert_allclose(found["z"], scores.z[order, at], rtol=6e-4, atol=1e-3)
            np.testing.assert_allclose(
                found["log10_p"], scores.log10_p[order, at], rtol=3e-3, atol=2e-3
            )
            q, exact = 10.0 ** found["log10_q"].to_numpy(), scores.q[order, at]
            low = exact <= 0.05
            np.testing.assert_allclose(q[low], exact[low], rtol=0.03)
            assert (q[~low] > 0.0485).all()
            assert (q >= 0.97 * exact).all()
            assert (q <= 1.13 * exact).all()


def test_significant_pairs_have_everything(
    run: Run, model: Unembedding, banks: list[Features], sets: TokenSets
) -> None:
    kept = run.enrichment()
    scores = direction_test(banks[0], model, sets)
    expected = {
        (f"a/{f}", sets.names[s]) for f, s in zip(*np.nonzero(scores.q <= 0.05), strict=True)
    }
    pairs = set(kept.select("feature", "token_set").iter_rows())
    assert {pair for pair in pairs if pair[0].startswith("a/")} == expected
    assert {("a/3", "low"), ("a/4", "low"), ("a/350", "low")} <= pairs
    membership = Membership(model.n_tokens, sets.indptr, rows_of(sets, model))
    sweep = Sweep(model)
    (tile,) = sweep.tiles(banks[0].W_dec[:6])
    read = sweep.tsea(tile, membership)
    low = list(sets).index("low")
    for feature, sign in ((3, 1), (4, -1)):
        row = run.enrichment(f"a/{feature}", token_set="low").row(0, named=True)
        assert row["z"] * sign > 4
        assert row["es"] == pytest.approx(read.es[feature, low])
        assert row["peak"] == read.peak[feature, low]
        assert row["auroc"] == pytest.approx(read.auroc[feature, low])
        assert row["nes"] * sign > 1.5
        assert row["log10_p_directions"] < -1
        assert row["log10_p_tokens"] < -5
        assert row["size"] == 29
        assert row["family"] == "plain"


def test_a_feature_of_a_later_shard(
    run: Run, model: Unembedding, banks: list[Features], sets: TokenSets
) -> None:
    found = run.enrichment("a/350")
    z = dict(zip(sets, direction_test(banks[0], model, sets).z[350], strict=True))
    np.testing.assert_allclose(found["z"], [z[name] for name in found["token_set"]], rtol=6e-4)
    assert set(found["feature"]) == {"a/350"}


def test_others_have_the_direction_test_alone(run: Run) -> None:
    row = run.enrichment("b/10", token_set="pair").row(0, named=True)
    assert row["log10_q"] > np.log10(0.05)
    assert row["es"] is row["nes"] is row["peak"] is row["auroc"] is None


def test_questions(run: Run, sets: TokenSets) -> None:
    whole = run.enrichment("a/3")
    assert set(whole["token_set"]) == set(sets.names)
    assert run.enrichment("a/3", token_set="again")["token_set"].to_list() == ["low"]
    assert whole["z"].abs().is_sorted(descending=True)
    for sign, factor in (("+", 1), ("-", -1)):
        z = run.enrichment(token_set="thirds", sign=sign)["z"]
        assert 0 < len(z) < 640
        assert (z * factor > 0).all()
    assert run.enrichment("a/3", family="named")["token_set"].to_list() == ["few"]
    assert run.enrichment("a/3", family="named/few").height == 1
    assert run.enrichment(token_set="some").height == 640
    assert run.enrichment(token_set="low", bank="b").height == 40
    passing = run.enrichment("a/3", max_q=1e-6)
    assert 0 < passing.height < whole.height
    assert (passing["log10_q"] <= -6).all()
    exact = run.enrichment(max_q=1e-6)
    assert set(exact["feature"]) >= {"a/3", "a/4"}
    assert not run.enrichment(bank="b", max_q=1e-6).height


@pytest.mark.parametrize("name", ["none", "all"])
def test_sets_that_cannot_be_tested(run: Run, name: str) -> None:
    found = run.enrichment(token_set=name)
    assert (found["z"] == 0).all()
    assert (found["log10_p"] == 0).all()
    assert (found["log10_q"] == 0).all()


def test_a_dead_feature(run: Run) -> None:
    found = run.enrichment("a/5")
    assert (found["z"] == 0).all()
    assert (found["log10_q"] == 0).all()


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"feature": "a/600"}, "a has no feature 600"),
        ({"feature": "c/1"}, "There is no bank 'c'"),
        ({"token_set": "lows"}, r"no token set 'lows' among the 6.* Did you mean 'low'"),
        ({"family": "plane"}, r"no family 'plane'\. Did you mean 'plain'\?"),
        ({"bank": "aa"}, "There is no bank 'aa'"),
        ({"sign": "up"}, "not 'up'"),
    ],
)
def test_what_is_not_there(run: Run, question: dict[str, str], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        run.enrichment(**question)


def test_a_run_without_token_sets(
    tmp_path: Path, model: Unembedding, banks: list[Features]
) -> None:
    plain = analyze(model, banks[1], tmp_path / "run")
    assert not plain.has_enrichment
    assert not (tmp_path / "run" / "enrichment").exists()
    with pytest.raises(QueryError, match="made without token sets"):
        plain.enrichment()


def test_discoveries(run: Run, model: Unembedding, banks: list[Features], sets: TokenSets) -> None:
    """Each bank has its own false discovery rate, over all of its pairs."""
    found = run.discoveries
    q = [direction_test(bank, model, sets).q for bank in banks]
    assert found["pairs"] == (599 + 40) * 4  # neither the dead feature nor two of six sets
    for level in (0.01, 0.05):
        expected = sum(int((each <= level).sum()) for each in q)
        assert found["passing"][str(level)] == expected > 0
        assert found["classical"][str(level)] > found["classical_error"][str(level)] > 0
    assert found["classical_features"] == 64 + 40
    assert set(found["nulls"]) == {"a", "b"}
    assert found["nulls"]["a"]["directions"] == 200
    assert found["nulls"]["a"]["z_sd"]["median"] == pytest.approx(1, abs=0.15)
    assert found["nulls"]["a"]["beyond_1_percent"] == pytest.approx(0.01, abs=0.02)


def test_the_direction_test_alone(
    tmp_path: Path, model: Unembedding, banks: list[Features], sets: TokenSets, run: Run
) -> None:
    settings = EnrichmentSettings(tsea="none", directions=200)
    alone = analyze(model, banks, tmp_path / "run", token_sets=sets, enrichment=settings)
    assert alone.discoveries["classical"] is None
    assert alone.discoveries["nulls"] == run.discoveries["nulls"]
    assert alone.features["class"].to_list() == run.features["class"].to_list()
    both = alone.enrichment(), run.enrichment()
    for column in ("feature", "token_set", "z", "log10_p", "log10_q"):
        assert both[0][column].to_list() == both[1][column].to_list()
    for column in ("es", "peak", "auroc", "nes", "log10_p_directions", "log10_p_tokens"):
        assert both[0][column].null_count() == len(both[0])


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
    model: Unembedding,
    banks: list[Features],
    sets: TokenSets,
) -> Run:
    """The same run with TSEA of every pair."""
    out, settings = tmp_path_factory.mktemp("whole") / "run", replace(FEW, tsea="all")
    return analyze(model, banks, out, token_sets=sets, enrichment=settings)


def test_tsea_of_every_pair(run: Run, whole: Run) -> None:
    """The pairs that pass are what they are without it; of all others ES and AUROC are known."""
    assert whole.enrichment().equals(run.enrichment())
    chosen, every = (each.enrichment("a/7").sort("token_set") for each in (run, whole))
    assert chosen["es"].null_count() > every["es"].null_count() == 0
    tested = every.filter(pl.col("size").is_between(1, N - 2))
    assert (tested["auroc"].is_between(0, 1) & (tested["es"] != 0)).all()
    by_set = whole.enrichment(token_set="low").filter(feature="a/7")
    assert by_set["es"].item() == every.filter(token_set="low")["es"].item()


def test_tsea_of_a_feature_on_demand(
    run: Run, whole: Run, model: Unembedding, banks: list[Features], sets: TokenSets
) -> None:
    """From the weights: what the sweep reads of every pair, and what it says against each null."""
    weights_of(run, unembedding=model, banks=banks)
    sweep = Sweep(model)
    membership = Membership(model.n_tokens, sets.indptr, rows_of(sets, model))
    found = run.enrichment(["a/7", "a/599", "b/10", "a/5"], tsea=True)
    assert found["es"].null_count() == found["peak"].null_count() == 0
    for bank, at in ((banks[0], 7), (banks[0], 599), (banks[1], 1), (banks[0], 5)):
        (tile,) = sweep.tiles(bank.W_dec[[at]])
        read = sweep.tsea(tile, membership)
        pairs = found.filter(feature=f"{bank.name}/{bank.indices[at]}")
        for number, name in enumerate(sets):
            pair = pairs.row(by_predicate=pl.col("token_set") == name, named=True)
            assert pair["es"] == pytest.approx(read.es[0, number], abs=1e-5)
            assert pair["peak"] == read.peak[0, number]
            assert pair["auroc"] == pytest.approx(read.auroc[0, number], abs=1e-5)
            if pair["es"]:
                known = null_of(sets.sizes[number]).log10_p(np.array([[pair["es"]]]))[0, 0]
                assert pair["log10_p_tokens"] == pytest.approx(known, rel=1e-3)
    kept = run.enrichment("a/599")
    again = found.filter(feature="a/599")
    known = kept["es"].is_not_null()
    assert kept.filter(known).equals(again.filter(known))
    assert again.filter(~known)["nes"].null_count() < again.filter(~known).height


def null_of(size: int) -> TokenNull:
    return TokenNull.unweighted(np.array([size]), N - 1)


def test_tsea_on_demand_is_of_named_features(run: Run) -> None:
    with pytest.raises(QueryError, match="name one"):
        run.enrichment(token_set="low", tsea=True)


def test_a_sample_tells_what_all_pairs_say(run: Run, whole: Run) -> None:
    """Of the classical null's claims: within three of its own standard errors."""
    told, counted = run.discoveries, whole.discoveries
    assert (counted["classical_error"], counted["classical_features"]) == (None, None)
    for level, count in counted["classical"].items():
        error = told["classical_error"][level]
        assert 0 < abs(told["classical"][level] - count) <= 3 * error


@pytest.fixture(scope="module")
def many(planting: Planting) -> TokenSets:
    """More sets than dimensions."""
    random = np.random.default_rng(3)
    drawn = {f"s{i}": random.choice(range(1, N), 5 + i, replace=False) for i in range(D + 16)}
    return TokenSets.from_ids({**drawn, "none": []}, planting.vocabulary)


@pytest.mark.parametrize("lens", ["logit", "cosine"])
def test_z_of_many_sets_is_kept_as_what_it_is_the_product_of(
    tmp_path: Path, planting: Planting, banks: list[Features], many: TokenSets, lens: Lens
) -> None:
    W_U = planting.unembedding.W_U
    rows = torch.zeros(N, D)
    rows[planting.unembedding.token_ids] = W_U * torch.linspace(0.1, 5, len(W_U))[:, None]
    model = prepare_unembedding(rows, planting.vocabulary, lens=lens, name="model")
    made = analyze(model, banks, tmp_path / "run", token_sets=many, enrichment=FEW)
    assert not (tmp_path / "run/enrichment/z").exists()
    for bank in banks:
        z = direction_test(bank, model, many).z
        for at, name in enumerate(many):
            found = made.scores_of_set(at, "z")[made.manifest.first_rows[bank.name] :][: len(bank)]
            np.testing.assert_allclose(found, z[:, at], rtol=1e-3, atol=2e-3, err_msg=name)
        position = len(bank) - 1
        address = f"{bank.name}/{bank.indices[position]}"
        of_one = made.enrichment(address)
        by_name = dict(zip(of_one["token_set"], of_one["z"], strict=True))
        expected = [z[position, at] for at in range(len(many))]
        np.testing.assert_allclose([by_name[name] for name in many], expected, atol=2e-3)


def test_such_a_run_heals(
    tmp_path: Path, model: Unembedding, banks: list[Features], many: TokenSets
) -> None:
    def make() -> dict[Path, bytes]:
        analyze(model, banks, tmp_path / "run", token_sets=many, enrichment=FEW)
        return {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.npy")}

    whole = make()
    assert len(whole) == 3  # the effects, and each bank's directions
    for path in whole:
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(RunError, match="damaged"):
            Run.open(tmp_path / "run").scores_of_set(0, "z")
        assert make() == whole


@pytest.mark.parametrize("weight", ["normal-scores", "magnitude"])
def test_weights(
    tmp_path: Path, model: Unembedding, banks: list[Features], sets: TokenSets, weight: str
) -> None:
    settings = EnrichmentSettings(weight=weight, directions=100)
    made = analyze(model, banks[0], tmp_path / "run", token_sets=sets, enrichment=settings)
    row = made.enrichment("a/3", token_set="low").row(0, named=True)
    assert row["es"] > 0.5
    assert (row["log10_p_tokens"] is None) == (weight == "magnitude")
    assert (made.discoveries["classical"] is None) == (weight == "magnitude")


def test_max_q_decides_what_is_kept(
    tmp_path: Path, model: Unembedding, banks: list[Features], sets: TokenSets, run: Run
) -> None:
    settings = EnrichmentSettings(directions=200, max_q=1e-6)
    strict = analyze(model, banks, tmp_path / "strict", token_sets=sets, enrichment=settings)
    found, expected = strict.enrichment(), run.enrichment(max_q=1e-6)
    assert 0 < found.height == expected.height < run.enrichment().height
    everything = EnrichmentSettings(directions=200, max_q=1.0)
    whole = analyze(model, banks, tmp_path / "whole", token_sets=sets, enrichment=everything)
    assert whole.enrichment().height >= (599 + 40) * 4
    assert whole.enrichment()["es"].null_count() == 0


def test_null_bank(
    tmp_path: Path, model: Unembedding, banks: list[Features], sets: TokenSets
) -> None:
    for null, origin in ((banks[0], "a"), ("identity", "identity")):
        made = analyze(
            model, banks[1], tmp_path / origin, token_sets=sets, null=null, enrichment=FEW
        )
        assert made.tested.nulls[0].origin == origin
        expected = direction_test(banks[1], model, sets, null=null)
        found = made.enrichment(token_set="low").sort("feature")
        z = dict(zip((f"b/{i}" for i in banks[1].indices), expected.z[:, 0], strict=True))
        np.testing.assert_allclose(found["z"], [z[f] for f in found["feature"]], rtol=6e-4)


def test_other_token_sets_are_another_run(
    run: Run,
    model: Unembedding,
    banks: list[Features],
    sets: TokenSets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fewer = sets.select(["low", "pair"])
    monkeypatch.setattr(manifest_module, "SHARD_FEATURES", 256)
    cut = SweepSettings(tile=100)
    with pytest.raises(RunError, match=r"differs in enrichment\.token_sets"):
        analyze(model, banks, run.path, token_sets=fewer, enrichment=FEW, settings=cut)


def test_overwriting_leaves_nothing_of_the_old(
    tmp_path: Path, model: Unembedding, banks: list[Features], sets: TokenSets
) -> None:
    analyze(model, banks, tmp_path / "run", token_sets=sets, enrichment=FEW)
    (tmp_path / "run" / "notes.txt").write_text("mine")
    analyze(model, banks[1], tmp_path / "run", overwrite=True)
    left = {p.relative_to(tmp_path / "run").as_posix() for p in tmp_path.rglob("run/**/*.*")}
    assert not [path for path in left if path.startswith(("enrichment", "null", "token_sets"))]
    assert "notes.txt" in left


def test_size_on_disk(tmp_path: Path) -> None:
    """Two bytes a number: the directions of 24,576 features of GPT-2 small take 38 MB."""
    z = np.random.default_rng(0).standard_normal((500, 400)).astype(np.float32)
    write_array(tmp_path / "z.npy", [z[:300], z[300:]])
    assert (tmp_path / "z.npy").stat().st_size == 500 * 400 * 2 + 128 + 65  # its seal
    np.testing.assert_allclose(np.load(tmp_path / "z.npy"), z, rtol=5e-4, atol=1e-7)


def test_z_beyond_what_float16_holds_stays_finite(tmp_path: Path) -> None:
    write_array(tmp_path / "z.npy", [np.array([[1e6, -1e6, 3]], np.float32)])
    assert np.isfinite(np.load(tmp_path / "z.npy")).all()


@pytest.mark.parametrize(
    "wrong",
    [{"directions": 99}, {"weight": "rank"}, {"max_q": 0.0}, {"max_q": 1.5}, {"max_q": np.nan}],
)
def test_settings_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(UnembedError):
        EnrichmentSettings(**wrong)


def test_sets_of_another_vocabulary(
    tmp_path: Path, model: Unembedding, banks: list[Features]
) -> None:
    other = Vocabulary.from_texts([f"u{i}" for i in range(N)])
    with pytest.raises(TokenSetError, match="Build them for"):
        analyze(model, banks, tmp_path / "r", token_sets=TokenSets.from_ids({"x": [1]}, other))
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("part", ["pairs", "z", "tests", "rate", "token_sets"])
@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_damaged_enrichment(
    tmp_path: Path, model: Unembedding, banks: list[Features], sets: TokenSets, part: str, how: str
) -> None:
    settings = EnrichmentSettings(tsea="none")
    analyze(model, banks[1], tmp_path / "run", token_sets=sets, enrichment=settings)
    pattern = "token_sets.parquet" if part == "token_sets" else f"enrichment/{part}/*"
    (path,) = (tmp_path / "run").glob(pattern)
    path.unlink() if how == "gone" else path.write_bytes(b"PAR1 nothing")
    with pytest.raises(RunError, match=r"the command that (made the run|started it) again"):
        Run.open(tmp_path / "run").enrichment("b/10")


@pytest.mark.parametrize("score", ["z", "log10_p", "log10_q"])
def test_a_set_over_all_features_is_what_its_pairs_say(run: Run, score: store_scores.Score) -> None:
    numbers = {name: number for number, name in enumerate(run.tested_sets["name"])}
    found = run.scores_of_set(numbers["thirds"], score)
    pairs = run.enrichment(token_set="thirds")
    rows = [run.row_of(address) for address in pairs["feature"]]
    np.testing.assert_allclose(found[rows], pairs[score], rtol=4e-3, atol=2e-3)


def test_significant_pairs_by_number_are_those_by_name(run: Run) -> None:
    named = run.enrichment()
    numbers = run.significant
    names = run.tested_sets["name"].gather(numbers["token_set"])
    assert names.to_list() == named["token_set"].to_list()
    assert numbers["feature"].to_list() == [run.row_of(address) for address in named["feature"]]
    assert numbers["z"].to_list() == named["z"].to_list()


def test_rows_and_scalars_are_parts_of_the_features(run: Run) -> None:
    plain = run.features.drop("histogram", "^(top|bottom)_.*$")
    assert run.scalars.select(plain.columns).equals(plain)
    stretch = run.rows(3, run.features.height - 1)
    assert stretch.select(run.features.columns).equals(run.features[3:-1])
    texts = run.tokens["text"].gather(stretch["top_ids"][0])
    assert stretch["top_tokens"][0].to_list() == texts.to_list()
