"""A run from somebody else: whatever its names say is shown as text, and nothing of it runs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from playwright.sync_api import Browser, Page, expect
from starlette.testclient import TestClient

from tests.planted import FEW, Planted, bank_of
from unembed import (
    Run,
    TokenSets,
    Vocabulary,
    analyze,
    notebook,
    plots,
    prepare_unembedding,
    weights_of,
)
from unembed.errors import RunError
from unembed.explorer import answers
from unembed.explorer.app import create_app
from unembed.explorer.report import feature_page, write_site
from unembed.explorer.server import Background
from unembed.tokensets import SetInfo

BAD = (
    "<script>planted()</script>", "<img src=x onerror=planted()>", "</script><script>planted()//",
    "\"><svg onload=planted()>", "' onmouseover='planted()", "<a href=javascript:planted()>x</a>",
    "javascript:planted()", "<!--<script>", "</style><style>@import 'planted'", "{@html planted()}",
    "[x](javascript:planted())", "$\\href{javascript:planted()}{x}$", "${planted()}", "&lt;b&gt;",
    "</title></textarea></iframe><iframe srcdoc='<script>planted()</script>'>",
    "\x1b]0;planted\x07",
    "<math><mi//xlink:href=javascript:planted()>", "<b onclick=planted()>bold</b>",
)  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A run in which every text that its maker may choose is meant for a page to run."""
    random = torch.Generator().manual_seed(0)
    n, d = 600, 16
    texts = ["<s>", *(f"{text}{at}" for at in range(20) for text in BAD)]
    texts += [f" t{at}" for at in range(len(texts), n)]
    W_U = torch.randn(n, d, generator=random)
    drafts = [
        (
            SetInfo(bad, bad, description=bad, source=bad, definition=bad, aliases=(f"{bad}!",)),
            range(1 + 25 * at, 26 + 25 * at),
        )
        for at, bad in enumerate(filter(str.isprintable, BAD))  # no set is named otherwise
    ]
    for _, members in drafts:
        W_U[list(members)] += torch.randn(d, generator=random)
    unembedding = prepare_unembedding(
        W_U, Vocabulary.from_texts(texts, special=[0]), name=f"{BAD[0]}{BAD[3]}"
    )
    sets = TokenSets.from_drafts(drafts, unembedding.vocabulary)
    rows = [unembedding.W_U[list(members)].mean(0) for _, members in drafts]
    doing = {at: 5 * row + (at > 4) * 5 * rows[at - 1] for at, row in enumerate(rows)}
    banks = [
        bank_of(
            f"sae.{layer}", torch.randn(60, d, generator=random), doing, layer=layer, hook=BAD[1],
            neuronpedia=f"{BAD[6]}/{BAD[5]}",
        )
        for layer in (1, 2)
    ]  # fmt: skip
    out = tmp_path_factory.mktemp("hostile") / "<img src=x onerror=planted()>"
    run = analyze(unembedding, banks, out, token_sets=sets, enrichment=FEW)
    weights_of(run, unembedding=unembedding, banks=banks)
    return Planted(run, unembedding, {bank.name: bank for bank in banks}, sets)


class Elements(HTMLParser):
    """The elements of a page, and what in them could run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.scripts = 0
        self.running: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag == "script"
        for name, value in attributes:
            found = name.startswith("on") or re.match(r"\s*javascript:", value or "")
            if found or name in ("srcdoc", "xlink:href"):
                self.running.append(f"{tag} {name}={value}")


def test_the_labels_name_what_is_planted(hostile: Planted) -> None:
    """Otherwise the tests below would look at nothing."""
    labels = hostile.run.scalars["label"].drop_nulls().to_list()
    assert sum("planted()" in label for label in labels) > len(BAD) / 2


def test_a_notebook_shows_text(hostile: Planted) -> None:
    run = hostile.run
    shown = [notebook.run_html(run), *(
        notebook.feature_html(run.feature(f"sae.{layer}/{at}")) for layer in (1, 2)
        for at in range(len(BAD))
    )]  # fmt: skip
    assert any("planted()" in html for html in shown)
    for html in shown:
        found = Elements(html)
        assert found.running == []
        assert found.tags <= {
            "p", "b", "code", "table", "thead", "tbody", "tr", "th", "td", "div", "span", "svg",
            "g", "rect", "text",
        }  # fmt: skip


def test_the_frame_in_a_notebook_has_an_address_of_ours(hostile: Planted) -> None:
    explorer = Background(hostile.run, port=0)
    try:
        assert re.search(r'src="http://127\.0\.0\.1:\d+/"', explorer._repr_html_())
        assert "planted" not in explorer._repr_html_()
    finally:
        explorer.stop()


def test_answers_are_data(hostile: Planted) -> None:
    client = TestClient(create_app(hostile.run), base_url="http://127.0.0.1")
    paths = ["run.json", "tokens.json", "sets.json", "layers.json", "rows/0.json", "sets/3.json",
             "tokens/3.json", "features/sae.1/0.json", "features/sae.1/0/nearest.json"]  # fmt: skip
    for path in paths:
        answer = client.get(f"/api/{path}")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.json()
    feature: answers.Feature = client.get("/api/features/sae.1/0.json").json()
    for link in (feature["neuronpedia"], feature["embed"]):
        assert link is not None
        assert re.fullmatch(r"https://www\.neuronpedia\.org/[\w%./?=&:()-]+", link)
    for asked in ("/%3Cscript%3E", "/api/features/<script>/1.json", "/api/columns/<b>.bin"):
        assert "html" not in client.get(asked).headers["content-type"]


def test_a_report_holds_no_element_of_theirs(hostile: Planted, tmp_path: Path) -> None:
    page = Elements(feature_page(hostile.run, "sae.1/0"))
    assert page.running == []
    assert page.scripts == 2
    write_site(hostile.run, tmp_path / "site", ["sae.1/0"])
    whole = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "planted" not in whole
    assert Elements(whole).running == []


def texts_of(part: Any) -> Iterator[str]:
    """Every text in a figure."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for name, each in part.items():
            if name != "meta":  # said of the figure, and not drawn
                yield from texts_of(each)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from texts_of(each)


def figures(run: Any) -> Iterator[Any]:
    yield plots.shape(run)
    yield plots.classes(run)
    yield plots.percentiles(run)
    yield plots.spread(run)
    yield plots.depth(run)
    for at in range(0, len(BAD), 6):
        yield plots.manhattan(run, feature=f"sae.1/{at}")
        yield plots.manhattan(run, token_set=BAD[at])
        yield plots.running_sum(run, f"sae.1/{at}", BAD[at])
        yield plots.set_scatter(run, BAD[at], BAD[at - 1])
        yield plots.histogram(run, f"sae.1/{at}", BAD[at], BAD[at - 1])


def test_a_figure_draws_text(hostile: Planted) -> None:
    """Plotly reads tags and formulas in every text, links that run scripts among them."""
    seen = 0
    for figure in figures(hostile.run):
        for text in texts_of(json.loads(figure.to_json())):
            seen += "planted" in text
            tags = set(re.findall(r"<\s*/?\s*([\w!]+)", text))
            assert tags <= {"b", "br", "extra", "i", "sub", "sup"}, text
            assert not re.search(r"<\w+\s", text), text
            assert "$" not in text, text
        page = Elements(figure.to_html(include_plotlyjs=False, full_html=False))
        assert page.running == []
        assert page.tags <= {"div", "script"}
    assert seen > 30


@pytest.fixture
def visited(hostile: Planted, browser: Browser) -> Iterator[Page]:
    """A page of the hostile run, which may not call what is planted, or open anything."""
    explorer = Background(hostile.run, port=0)
    context = browser.new_context(base_url=explorer.address)
    page = context.new_page()
    page.add_init_script("window.planted = () => { window.ran = true; }")
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    try:
        yield page
        assert page.evaluate("window.ran") is None
        assert dialogs == []
    finally:
        context.close()
        explorer.stop()


@pytest.mark.parametrize("place", ["", "feature/sae.1/0", "feature/sae.2/7", "sets", "layers"])
def test_nothing_runs_in_the_page(visited: Page, place: str) -> None:
    visited.goto(f"#/{place}")
    expect(visited.locator("body")).to_contain_text("planted()", timeout=30_000)
    visited.wait_for_load_state("networkidle")
    bad = visited.evaluate(
        """() => [...document.querySelectorAll("*")].flatMap((element) => [
            ...[...element.attributes]
                .filter(({ name, value }) => /^on/.test(name) || /^\\s*javascript:/.test(value))
                .map(({ name, value }) => `${element.tagName} ${name}=${value}`),
            ...(/^(SCRIPT|IFRAME|IMG|MATH|STYLE)$/i.test(element.tagName)
                && element.outerHTML.includes("planted") ? [element.outerHTML] : []),
        ])"""
    )
    assert bad == []


GOLDEN = Path(__file__).parents[1] / "golden" / "schema-1"
TABLES = sorted(path.relative_to(GOLDEN) for path in GOLDEN.rglob("*.parquet"))
READ_BY_NAME = {"token_set", "tested", "sd", "variance_inflation"}
"""Columns of tests and nulls that nothing reads; TSEA's nulls may be missing."""


def with_another(folder: Path, table: Path, changed: pl.DataFrame) -> Path:
    """A copy of the golden run with one table changed, which says of itself what it said."""
    shutil.copytree(GOLDEN, folder)
    said = pl.read_parquet_metadata(GOLDEN / table)
    said.pop("ARROW:schema", None)
    changed.write_parquet(folder / table, metadata=said)
    return folder


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_table_of_other_columns_is_told(table: Path, tmp_path: Path) -> None:
    frame = pl.read_parquet(GOLDEN / table)
    optional = READ_BY_NAME | {name for name in frame.columns if name.endswith("tive")}
    read = [name for name in frame.columns if name not in optional or "pairs" in table.parts]
    assert read
    for at, name in enumerate(read):
        other = pl.lit(7) if frame.schema[name] == pl.String else pl.lit("7")
        for how, changed in (
            ("has no column", frame.drop(name)),
            ("holds", frame.with_columns(other.alias(name))),
        ):
            run = with_another(tmp_path / f"{at} {how}", table, changed)
            with pytest.raises(RunError, match=rf"{how} '{name}'|column '{name}' {how}"):
                Run.open(run)
    more = with_another(tmp_path / "more", table, frame.with_columns(planted=pl.lit("<b>")))
    client = TestClient(create_app(Run.open(more)), base_url="http://127.0.0.1")
    same = TestClient(create_app(Run.open(GOLDEN)), base_url="http://127.0.0.1")
    for path in ("sets.json", "layers.json", "rows/0.json", "features/sae.3/5.json"):
        answer = client.get(f"/api/{path}")
        if answer.status_code == 410:  # shards that are read together, and differ
            assert "planted" in answer.json()["error"]
        else:
            assert answer.json() == same.get(f"/api/{path}").json()
