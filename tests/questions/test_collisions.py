"""What sets features of one label apart, in a run in which it is known, and by plain loops."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tests.planted import Planted
from tests.questions import same_label
from tests.questions.same_label import (
    AGAINST_A_SET,
    AGAINST_PARIS,
    ALIKE,
    CARRIERS,
    DAYS,
    FLAT,
    ONLY,
    OPPOSITE,
    SPRING,
    WITH_A_SET,
    WITH_JUNE,
    WITH_PARIS,
    WITHOUT_MAY,
    same_label_run,
)
from unembed import Run
from unembed.errors import QueryError
from unembed.explanation import apart
from unembed.questions import collisions, explanation_facts, feature_facts
from unembed.questions.carriers import words_of
from unembed.questions.same_label import COLUMNS

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module", params=[0, 120], ids=["z", "directions"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """That keeps z of every pair, and nearness by words; or directions."""
    return same_label_run(tmp_path_factory.mktemp("same") / "run", fillers=request.param)


@pytest.fixture
def run(made: Planted) -> Run:
    return made.run


def said(run: Run, index: int) -> str:
    return str(run.collisions(f"a/{index}")["apart"][0])


def test_each_is_set_apart_by_what_it_does(run: Run) -> None:
    among = "among 12 of a that promote months: "
    assert said(run, WITHOUT_MAY) == f"{among}the one without “May”"
    assert said(run, WITH_JUNE) == f"{among}the one with the strongest “June”"
    assert said(run, WITH_PARIS).lower() == f"{among}the one with “paris”"
    assert said(run, WITH_A_SET) == f"{among}the one that also promotes years"
    assert said(run, AGAINST_A_SET) == f"{among}the one that also suppresses years"
    assert said(run, AGAINST_PARIS).lower() == f"{among}the one that also suppresses “paris”"
    for index in (*ALIKE, *DAYS):
        nearest = run.collisions(f"a/{index}")["nearest"][0][0]
        assert said(run, index) == f"{among}no clear difference from its nearest, {nearest}"
        assert nearest in [f"a/{each}" for each in (ALIKE if index in ALIKE else DAYS)]
    assert said(run, ONLY) == "the only one of a that promotes years"
    assert said(run, OPPOSITE) == "the only one of a that suppresses months"


def test_banks_have_labels_of_their_own(run: Run) -> None:
    found = run.collisions("b/30").row(0, named=True)
    assert found["apart"] == "the only one of b that promotes months"
    assert (found["carriers"], found["differs"], found["nearest"]) == (1, "only", None)


def test_the_most_common_labels_come_first_and_only_labelled_features_have_rows(run: Run) -> None:
    found = run.collisions()
    labelled = run.features.filter(run.features["label"].str.contains("^(promotes|suppresses)"))
    assert sorted(found["feature"]) == sorted(labelled["feature"])
    assert found["carriers"].to_list() == [12] * 12 + [1] * 3
    assert found["feature"].to_list()[:12] == [f"a/{index}" for index in CARRIERS]
    assert run.collisions(bank="b")["feature"].to_list() == ["b/30"]
    asked = run.collisions(["b/30", f"a/{FLAT}", "a/5"])
    assert asked["feature"].to_list() == ["b/30", "a/5"]
    assert run.collisions(f"a/{FLAT}").columns == found.columns
    with pytest.raises(QueryError, match="a has no feature 99999"):
        run.collisions("a/99999")


def words(made: Planted, row: dict[str, Any], end: str) -> dict[str, float]:
    """The words of one end of a feature, and how far out each is."""
    sign = 1 if end == "top" else -1
    found: dict[str, float] = {}
    for text, weight in zip(row[f"{end}_tokens"], row[f"{end}_weights"], strict=True):
        word = text.strip().lower() or text
        found[word] = max(found.get(word, 0), sign * (weight - row["mean"]) / row["std"])
    return found


def nearest(made: Planted, own: int, others: list[int], rows: dict[int, Any]) -> list[int]:
    """The nearest others by cosine, or by the words that two have in common."""
    if made.run.manifest.z_is_factored:
        W_dec = made.banks["a"].W_dec.double().numpy()
        W_dec = W_dec / np.linalg.norm(W_dec, axis=1, keepdims=True).clip(1e-9)
        near = {each: W_dec[own] @ W_dec[each] for each in others}
    else:
        sets = {
            each: {
                (end, word) for end in ("top", "bottom") for word in words(made, rows[each], end)
            }
            for each in [own, *others]
        }
        near = {each: len(sets[own] & sets[each]) / len(sets[own] | sets[each]) for each in others}
    return sorted(others, key=lambda each: -near[each])[:5]


def by_loops(made: Planted, own: int) -> tuple[str, str | None, int | None]:
    """What sets a feature of bank a apart from the others that promote months, from the rule."""
    run, carriers = made.run, CARRIERS
    rows = {each: run.feature(f"a/{each}") for each in carriers}
    others = [each for each in carriers if each != own]
    near = nearest(made, own, others, rows)
    least = stats.norm.isf(0.005 / made.unembedding.n_tokens)
    compared, found = 0, []
    for end in ("top", "bottom"):
        has = {each: words(made, rows[each], end) for each in carriers}
        last = {each: min(has[each].values()) for each in carriers}
        for word in sorted({word for each in carriers for word in has[each]}):
            theirs = [has[each][word] for each in near if word in has[each]]
            is_shared = len(theirs) >= 4 and np.mean(theirs) >= least
            is_proper = has[own].get(word, 0) >= least
            compared += is_shared or is_proper
            at_most = np.mean([has[each].get(word, last[each]) for each in near])
            if is_shared and word not in has[own]:
                alike = sum(word not in has[each] for each in others)
                found.append((np.mean(theirs) - last[own], "without", word, alike))
            elif is_proper and len(theirs) <= 1:
                alike = sum(word in has[each] for each in others)
                found.append((has[own][word] - at_most, "with", word, alike))
            elif is_proper and all(has[own][word] > has[each].get(word, 0) for each in others):
                found.append((has[own][word] - at_most, "strongest", word, 0))
    pairs = run.enrichment(max_q=run.tested.max_q, bank="a")
    passing = {(i, name, z > 0): (z, p) for i, name, z, p in
               pairs.select("index", "token_set", "z", "log10_p").rows()}  # fmt: skip
    for (index, name, up), (z, log10_p) in passing.items():
        # months are named; June, and half of what is spring, is among them
        if index != own or name in ("months", "form:june", "spring"):
            continue
        if 10**log10_p > 0.01 / run.tested_sets.height:
            continue
        if any((each, name, up) in passing for each in near):
            continue
        compared += 1
        theirs = [run.enrichment(f"a/{each}", token_set=name)["z"][0] for each in near]
        size = abs(z) - np.mean(theirs) * (1 if up else -1)
        found.append((size, "set", name, sum((each, name, up) in passing for each in others)))
    noise = sqrt(1 + 1 / len(near)) * stats.norm.isf(0.025 / max(compared, 1))
    beyond = [each for each in found if each[0] >= noise]
    beyond = [each for each in beyond if each[1] != "strongest"] or beyond
    return max(beyond)[1:] if beyond else ("nothing", None, None)


@pytest.mark.parametrize("own", CARRIERS)
def test_all_of_it_is_what_plain_loops_find(made: Planted, own: int) -> None:
    found = made.run.collisions(f"a/{own}").row(0, named=True)
    what = found["what"] and found["what"].strip().lower()
    assert (found["differs"], what, found["sharing"]) == by_loops(made, own)
    others = [each for each in CARRIERS if each != own]
    rows = {each: made.run.feature(f"a/{each}") for each in CARRIERS}
    near = nearest(made, own, others, rows)
    assert found["nearest"] == [f"a/{each}" for each in near]
    assert found["by"] == ("cosine" if made.run.manifest.z_is_factored else "words")


def test_nearness_is_the_cosine_of_directions_or_the_share_of_words(made: Planted) -> None:
    found = made.run.collisions("a/4").row(0, named=True)
    other = int(found["nearest"][0].removeprefix("a/"))
    if made.run.manifest.z_is_factored:
        one, two = (made.banks["a"].W_dec[each].double().numpy() for each in (4, other))
        expected = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
        assert found["nearness"][0] == pytest.approx(expected, abs=1e-3)
    else:
        assert 0 < found["nearness"][0] < 1
    assert found["nearness"] == sorted(found["nearness"], reverse=True)


def test_what_is_said_stands_wherever_a_feature_is_shown(run: Run) -> None:
    row = run.collisions("a/2").drop("feature", "bank", "index").row(0, named=True)
    assert feature_facts(run, "a/2")["collision"] == row
    assert explanation_facts(run, "a/2")["collision"] == row
    assert feature_facts(run, "a/50")["collision"] is None


def test_a_set_that_has_half_its_tokens_in_common_with_a_named_one_is_not_said(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it sets the feature apart more than anything else."""
    assert run.explanations is not None
    case = run.explanations.case
    monkeypatch.setattr(run.explanations, "case", lambda row: {**case(row), "rejected": []})
    assert run.collisions(f"a/{SPRING}")["what"][0] != "spring"
    monkeypatch.setattr(apart, "says_the_same", lambda *counts, splits: False)
    assert run.collisions(f"a/{SPRING}")["what"][0] == "spring"


@pytest.mark.parametrize(("reason", "is_said"), [("explained", False), ("beyond the parts", True)])
def test_what_a_label_rejected_as_said_already_is_not_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, reason: str, is_said: bool
) -> None:
    assert run.explanations is not None
    case = run.explanations.case
    rejected = [{"token_set": "years", "reason": reason}]
    monkeypatch.setattr(run.explanations, "case", lambda row: {**case(row), "rejected": rejected})
    assert (run.collisions(f"a/{WITH_A_SET}")["what"][0] == "years") == is_said


def test_a_set_that_passes_among_all_pairs_but_not_in_the_feature_is_not_said(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = run.enrichment(f"a/{WITH_A_SET}", max_q=run.tested.max_q)
    log10_p = pairs.filter(token_set="years")["log10_p"][0]
    asked = []

    def bar(n_sets: int) -> float:
        asked.append(n_sets)
        return float(log10_p) - 0.01

    monkeypatch.setattr(apart, "least_log10_p", bar)
    assert run.collisions(f"a/{WITH_A_SET}")["what"][0] != "years"
    assert set(asked) == {run.tested_sets.height}


def test_tokens_that_are_no_text_are_words_of_their_own() -> None:
    class Tokens:
        tokens = pl.DataFrame(
            {
                "id": pl.Series(range(7), dtype=pl.Int32),
                "text": ["\ufffd", "\ufffd", " May", "MAY", " ", "  ", "\ufffd"],
                "partial_utf8": [True, True, False, False, False, False, False],
            }
        )

    assert words_of(Tokens()).tolist() == [0, 1, 2, 2, 4, 5, 6]  # type: ignore[arg-type]


def test_words_are_alike_in_all_their_forms(run: Run) -> None:
    texts = run.tokens["text"].to_list()
    number = words_of(run)
    for at, text in enumerate(texts):
        word = text.strip().lower() or text
        first = next(i for i, other in enumerate(texts) if (other.strip().lower() or other) == word)
        assert number[at] == first
        if at > 40:
            break
    assert texts.index("\n") != texts.index("\n\n")
    assert number[texts.index("\n")] != number[texts.index("\n\n")]
    assert same_label.MONTHS[:2] == [texts[0], texts[1]]
    assert number[0] == number[1] == 0


def test_runs_of_earlier_schemas_are_asked_alike() -> None:
    """None of their few features has a label."""
    for folder in sorted(GOLDEN.glob("schema-*")):
        run = Run.open(folder)
        assert collisions(run).schema == COLUMNS
        assert collisions(run).height == 0
        assert feature_facts(run, "sae.3/5")["collision"] is None


def test_a_run_without_classes_has_none(plain: Planted) -> None:
    assert feature_facts(plain.run, "a/0")["collision"] is None
    with pytest.raises(QueryError, match="no classes"):
        plain.run.collisions()
