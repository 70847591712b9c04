"""A token set is the same to all that is asked by its name, and so are the words of a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from typer.testing import CliRunner

from tests.planted import FEW, Planted, Planting, bank_of, planted, planted_run
from tests.plots import reading
from unembed import Run, find, plots
from unembed.cli import app
from unembed.errors import QueryError
from unembed.explorer.contents import Contents
from unembed.questions import layers, leading_edge_facts, list_pairs, sets_by_bank
from unembed.tokensets import SetInfo
from unembed.tokensets.token_sets import SetAside

FULL = "names:female"
CALLED = ("girls", "post:girls_names", "girls_names")
"""An alias, one of the post, and its shorthand."""

Ask = Callable[[Run, str], Any]


def told(*arguments: object) -> str:
    """What a command prints; its error, where it is refused."""
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception:
        raise result.exception
    return result.stdout


def arrays(answer: Iterable[Any]) -> list[Any]:
    return [value.tolist() if hasattr(value, "tolist") else value for value in answer]


ASKED: dict[str, Ask] = {
    "list_pairs": lambda run, name: list_pairs(run, token_set=name).to_dicts(),
    "of a feature": lambda run, name: list_pairs(run, "a/0", token_set=name).to_dicts(),
    "Run.enrichment": lambda run, name: run.enrichment(token_set=name).to_dicts(),
    "find": lambda run, name: find(run, token_set=name).to_dicts(),
    "contrast": lambda run, name: find(run, contrast=(name, "names:male")).to_dicts(),
    "contrast against": lambda run, name: find(run, contrast=("names:male", name)).to_dicts(),
    "sets_by_bank": lambda run, name: sets_by_bank(run, [name]).to_dicts(),
    "layers": lambda run, name: layers(run, [name]),
    "Run.leading_edge": lambda run, name: arrays(run.leading_edge("a/0", name)),
    "Run.running_sum": lambda run, name: arrays(run.running_sum("a/0", name)),
    "leading_edge_facts": lambda run, name: leading_edge_facts(run, "a/0", name),
    "plots.depth": lambda run, name: reading.plain(plots.depth(run, [name])),
    "plots.histogram": lambda run, name: reading.plain(plots.histogram(run, "a/0", name)),
    "plots.manhattan": lambda run, name: reading.plain(plots.manhattan(run, token_set=name)),
    "plots.set_scatter": lambda run, name: reading.plain(plots.set_scatter(run, name, "both")),
    "and the other way": lambda run, name: reading.plain(plots.set_scatter(run, "both", name)),
    "plots.running_sum": lambda run, name: reading.plain(plots.running_sum(run, "a/0", name)),
    "unembed layers": lambda run, name: told("layers", run.path, "--set", name),
    "unembed enrichment": lambda run, name: told("enrichment", run.path, "--set", name, "--json"),
    "unembed find": lambda run, name: told("find", run.path, "--set", name, "--csv"),
    "unembed find --contrast": lambda run, name: told(
        "find", run.path, "--contrast", name, "both", "--json"
    ),
    "unembed leading-edge": lambda run, name: told("leading-edge", run.path, "a/0", name),
}


@pytest.fixture(autouse=True)
def _with_weights(tiny: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands open the run with its weights, which no file holds."""
    monkeypatch.setattr(Run, "open", lambda path: tiny.run)


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_a_set_by_any_of_its_names(tiny: Planted, ask: Ask) -> None:
    expected = ask(tiny.run, FULL)
    assert expected
    for name in CALLED:
        assert ask(tiny.run, name) == expected, name


def refused(ask: Ask, run: Run, name: str) -> str:
    with pytest.raises(QueryError) as error:
        ask(run, name)
    return str(error.value)


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_an_unknown_set_is_refused_in_the_same_words(tiny: Planted, ask: Ask) -> None:
    said = refused(ask, tiny.run, "girl_names")
    assert said == refused(ASKED["list_pairs"], tiny.run, "girl_names")
    assert "Did you mean 'post:girls_names'" in said


@pytest.fixture(scope="module")
def aside(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same model, with a set of the post that was set aside."""
    unembedding, banks, sets = planted()
    info = SetInfo("post:few", "post", aliases=("too_few",))
    few = SetAside(info, np.array([7, 8], np.int32), "2 of its 5 words are tokens")
    out = tmp_path_factory.mktemp("aside") / "run"
    sets = replace(sets, set_aside=(few,))
    return planted_run(out, unembedding, banks, sets, enrichment=FEW).run


STRICT = {name: ask for name, ask in ASKED.items() if name != "plots.histogram"}


@pytest.mark.parametrize("ask", STRICT.values(), ids=STRICT)
def test_a_set_that_was_set_aside_is_refused_in_the_same_words(
    aside: Run, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "open", lambda path: aside)
    for name in ("post:few", "few", "too_few"):
        said = refused(ask, aside, name)
        assert said == "The token set 'post:few' was set aside: 2 of its 5 words are tokens."


def test_a_histogram_may_show_a_set_that_was_set_aside(aside: Run) -> None:
    """Its members are known, and a histogram tests nothing."""
    shown = [reading.plain(plots.histogram(aside, "a/0", name)) for name in ("post:few", "few")]
    assert shown[0] == shown[1]
    assert "post:few: its mean lies" in reading.caption(plots.histogram(aside, "a/0", "too_few"))


FAMILIES: dict[str, Ask] = {
    "list_pairs": lambda run, name: list_pairs(run, family=name).to_dicts(),
    "sets_by_bank": lambda run, name: sets_by_bank(run, family=name).to_dicts(),
    "plots.depth": lambda run, name: reading.plain(plots.depth(run, family=name)),
    "unembed layers": lambda run, name: told("layers", run.path, "--family", name),
    "unembed enrichment": lambda run, name: told("enrichment", run.path, "--family", name),
}


@pytest.mark.parametrize("ask", FAMILIES.values(), ids=FAMILIES)
def test_an_unknown_family_is_refused_in_the_same_words(tiny: Planted, ask: Ask) -> None:
    said = refused(ask, tiny.run, "name")
    assert said == "There is no family 'name'. Did you mean 'names'? Families: names."


N_SETS = 9


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two banks that write nine sets, each less than the one before, and one of them twice."""
    random = torch.Generator().manual_seed(0)
    axes = torch.linalg.qr(torch.randn(24, 24, generator=random))[0]
    planting = Planting(torch.randn(1500, 24, generator=random), name="written")
    for at in range(N_SETS):
        ids = range(1 + 40 * at, 41 + 40 * at)
        planting.token_set(f"s{at}", ids, along=4 * axes[at])
    planting.token_set("twin", range(2, 42))
    banks = []
    for layer in (7, 2):
        rows = torch.randn(200, 24, generator=random)
        doing, at = {}, 0
        for number in range(N_SETS):
            for _ in range(2 * (N_SETS - number)):
                doing[at] = 40 * axes[number] * (-1 if layer == 2 else 1)
                at += 1
        banks.append(bank_of(f"mlp.{layer}", rows, doing, layer=layer))
    out = tmp_path_factory.mktemp("written") / "run"
    return planted_run(out, planting.unembedding, banks, planting.sets, enrichment=FEW).run


def shown(cells: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(cell["token_set"] for cell in cells))


@pytest.mark.parametrize("limit", [1, 3, 30])
def test_the_command_the_figure_and_the_explorer_show_the_same_sets(
    written: Run, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "open", lambda path: written)
    asked = json.loads(told("layers", written.path, "--limit", limit, "--json"))
    names = shown(asked["sets"])
    assert len(names) == min(limit, N_SETS)
    assert len({"s0", "twin"} & {*names}) == 1, "what is nearly the same stands once"
    assert names == shown(Contents(written).layers()["sets"])[:limit]
    assert names == shown(sets_by_bank(written).iter_rows(named=True))[:limit]
    (figure,) = reading.traces(plots.depth(written, limit=limit), "heatmap")
    assert sorted(row[0] for row in figure["customdata"]) == sorted(names)
    shares = {(cell["token_set"], cell["bank"]): cell["share"] for cell in asked["sets"]}
    table = reading.array(figure["z"]).reshape(len(names), 2)
    for row, of_banks in zip(figure["customdata"], table, strict=True):
        for bank, share in zip(("mlp.2", "mlp.7"), of_banks, strict=True):
            assert share == pytest.approx(100 * shares[row[0], bank])


@pytest.mark.parametrize("sign", ["+", "-"])
def test_and_of_one_sign(written: Run, sign: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "open", lambda path: written)
    asked = json.loads(told("layers", written.path, "--sign", sign, "--json"))["sets"]
    (figure,) = reading.traces(plots.depth(written, sign=sign), "heatmap")
    assert sorted(row[0] for row in figure["customdata"]) == sorted(shown(asked))
    assert pl.DataFrame(asked).equals(sets_by_bank(written, sign=sign))


def test_the_explorer_has_every_name(tiny: Planted) -> None:
    """It sends numbers: what it lists under a name is what the name means everywhere."""
    listed = Contents(tiny.run).token_sets()
    for name in CALLED:
        assert listed["name"][listed["aliases"][name]] == FULL
    assert listed["name"] == tiny.run.tested_sets["name"].to_list()
