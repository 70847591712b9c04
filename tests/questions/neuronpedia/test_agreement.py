"""Explanations and labels: when they agree, and how often they would by chance."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from tests.planted import Planted
from tests.questions.neuronpedia.explained import COUNT, SAID, explained_run, fetched
from unembed import neuronpedia
from unembed.errors import QueryError
from unembed.questions.neuronpedia.content import content_words, forms_of, word_of
from unembed.questions.neuronpedia.shuffles import Dealing, chances


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    found = explained_run(tmp_path_factory.mktemp("explained") / "run")
    fetched(found, tmp_path_factory.mktemp("files"))
    return found


def test_what_agrees(explained: Planted) -> None:
    run = explained.run
    assert "months" in run.feature("a/0")["label"]  # what follows rests on it
    assert "animals" in run.feature("a/10")["label"]
    rows = {row["index"]: row for row in neuronpedia.agreements(run).iter_rows(named=True)}
    assert set(rows) == set(range(COUNT))
    states = {index: rows[index]["agreement"] for index in (0, 1, 2, 3, 4, 10, 11)}
    assert states == {
        0: "agree", 1: "differ", 2: "differ", 3: "agree", 4: "only label", 10: "agree",
        11: "differ",
    }  # fmt: skip
    assert rows[0]["words"] == ["months", "april"]
    assert rows[0]["by"] == ["set", "outermost", "name"]
    assert rows[10]["words"] == ["cats"]  # " cat" is a token of the set
    assert "set" in rows[10]["by"]
    assert rows[11]["explanation"] == SAID[11]
    silent = {rows[index]["agreement"] for index in range(30, COUNT)}
    assert silent <= {None, "only label"}
    assert rows[0]["explainer"] == "gpt-4o-mini"
    assert rows[4]["explainer"] is None


def test_outermost_tokens_count_where_a_label_says_nothing(
    explained: Planted, tmp_path: Path
) -> None:
    """And a set that is broad, or of a spelling, does not make everything agree."""
    run = explained.run
    quiet = next(
        index for index in range(30, COUNT)
        if (run.feature(f"a/{index}")["label"] or "").startswith("as random")
    )  # fmt: skip
    top = run.feature(f"a/{quiet}")["top_tokens"][0].strip()
    fetched(explained, tmp_path, {**SAID, quiet: f"mentions of {top}"})
    row = neuronpedia.agreements(run).row(quiet, named=True)
    assert (row["agreement"], row["agrees"], row["by"]) == ("only explanation", True, ["outermost"])
    fetched(explained, tmp_path)


def test_one_feature_says_what_all_say(explained: Planted) -> None:
    every = neuronpedia.agreements(explained.run)
    for index in (0, 1, 4, 40):
        one = neuronpedia.beside_of(explained.run, f"a/{index}")
        assert one is not None
        row = every.row(index, named=True)
        assert {key: one[key] for key in ("agreement", "by", "words", "chance")} == {
            key: row[key] for key in ("agreement", "by", "words", "chance")
        }
    assert neuronpedia.beside_of(explained.run, "b/0") is None


def test_the_table_counts_what_the_features_say(explained: Planted) -> None:
    every = neuronpedia.agreements(explained.run)
    table = neuronpedia.agreement(explained.run, shuffles=99)
    whole = table.filter(table["class"].is_null() & ~table["labelled_only"]).row(0, named=True)
    known = every.filter(every["explanation"].is_not_null())
    assert whole["features"] == known.height == len(SAID)
    assert whole["agreeing"] == known["agrees"].sum()
    assert whole["share"] == pytest.approx(known["agrees"].mean())
    assert whole["chance"] == pytest.approx(known["chance"].mean())
    classes = table.filter(table["class"].is_not_null() & ~table["labelled_only"])
    assert classes["features"].sum() == whole["features"]
    labelled = table.filter(table["class"].is_null() & table["labelled_only"]).row(0, named=True)
    said = known.filter(known["agreement"].is_in(["agree", "differ"]))
    assert (labelled["features"], labelled["agreeing"]) == (said.height, said["agrees"].sum())
    again = neuronpedia.agreement(explained.run, shuffles=99)
    assert again.equals(table)


def test_p_is_that_of_all_orders(explained: Planted) -> None:
    """Over all 720 orders of six explanations, told by a plain loop."""
    run = explained.run
    every = neuronpedia.agreements(run)
    known = every.filter(every["explanation"].is_not_null())
    from unembed.questions.neuronpedia.explained import Explained
    from unembed.store.neuronpedia import read_beside

    kept = read_beside(run.path, run.manifest, "a")
    assert kept is not None
    found = Explained(run, "a", kept, None)
    words = [set(each) for each in found.said.words]
    observed = int(known["agrees"].sum())
    counts = [
        sum(bool(words[said] & found.any_way[place]) for place, said in enumerate(order))
        for order in permutations(range(len(words)))
    ]
    exact = float(np.mean([count >= observed for count in counts]))
    table = neuronpedia.agreement(run, shuffles=4000, seed=5)
    p = table.row(0, named=True)["p"]
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000) + 1 / 4000)
    assert table.row(0, named=True)["chance"] == pytest.approx(np.mean(counts) / len(words))


def test_dealing_is_what_a_loop_does() -> None:
    random = np.random.default_rng(0)
    words = [list(map(int, random.choice(30, size, replace=False))) for size in (0, 1, 3, 5) * 10]
    spoken = [set(map(int, random.choice(30, size, replace=False))) for size in (0, 2, 8, 20) * 10]
    dealing = Dealing(words, spoken)
    for _ in range(20):
        order = random.permutation(len(words))
        expected = np.zeros(len(words), bool)
        for said, place in enumerate(order):
            expected[place] = bool(set(words[said]) & spoken[place])
        assert (dealing.agreeing(order) == expected).all()
    shares = [np.mean([bool(set(each) & heard) for each in words]) for heard in spoken]
    assert chances(words, spoken) == pytest.approx(shares)


@pytest.mark.parametrize(
    ("explanation", "words"),
    [
        ("references to months of the year", ["months", "year"]),
        ('occurrences of the word "the" and its variants', ["the"]),
        ("words such as ‘of’ or `it's`", ["of", "it's"]),
        ("don't use it", ["don't"]),
        ("HTML tags & C++ code", ["html", "tags", "code"]),
        ("phrases and terms related to the concept", []),
        ("", []),
    ],
)
def test_words_that_carry_content(explanation: str, words: list[str]) -> None:
    assert content_words(explanation) == words


def test_forms_of_words() -> None:
    assert {"go", "went", "gone"} <= forms_of("goes")
    assert forms_of("zorbles") == {"zorbles", "zorble"}
    assert (word_of(' "Dogs'), word_of(" a"), word_of("7"), word_of("\n")) == ("dogs", "", "7", "")


def test_functions_are_what_their_names_say() -> None:
    """Also after modules were imported: one that is called as a function would hide it."""
    from unembed.questions.neuronpedia import comparison, explained

    assert comparison
    assert explained
    for name in neuronpedia.__all__:
        assert not hasattr(getattr(neuronpedia, name), "__path__"), name
        assert type(getattr(neuronpedia, name)).__name__ != "module", name


def test_who_explains(explained: Planted) -> None:
    with pytest.raises(QueryError, match=r"No explanation of a is by 'gpt-9'.*gpt-4o-mini"):
        neuronpedia.agreement(explained.run, explainer="gpt-9")
    with pytest.raises(QueryError, match="No explanations were fetched of b"):
        neuronpedia.agreement(explained.run, "b")
    with pytest.raises(QueryError, match="at least 1 shuffle"):
        neuronpedia.agreement(explained.run, shuffles=0)


def test_without_classes_there_is_nothing_to_agree_with(plain: Planted) -> None:
    with pytest.raises(QueryError):
        neuronpedia.agreement(plain.run)
