"""What all figures have: titles, units, a caption, room for it; how they are kept in files."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from tests.plots import reading
from unembed import Run, plots
from unembed.plots.labels import Box, add_labels
from unembed.plots.theme import escaped

FIGURES: dict[str, Callable[[Run], go.Figure]] = {
    "shape by std": lambda run: plots.shape(run),
    "shape by class": lambda run: plots.shape(run, color="class"),
    "manhattan of a feature": lambda run: plots.manhattan(run, "mlp.7/3"),
    "manhattan of a set": lambda run: plots.manhattan(run, token_set="low"),
    "set_scatter": lambda run: plots.set_scatter(run, "low", "few"),
    "set_scatter of scores": lambda run: plots.set_scatter(run, "low", "few", score="es"),
    "enrichment_scores": lambda run: plots.enrichment_scores(run, "low", "<odd>", "thirds"),
    "best_features": lambda run: plots.best_features(run, "low"),
    "moments": lambda run: plots.moments(run),
    "shape_by_layer by std": lambda run: plots.shape_by_layer(run),
    "shape_by_layer by class": lambda run: plots.shape_by_layer(run, color="class"),
    "histogram": lambda run: plots.histogram(run, "mlp.7/3", "low"),
    "running_sum": lambda run: plots.running_sum(run, "mlp.7/3", "low"),
    "classes": lambda run: plots.classes(run),
    "spread": lambda run: plots.spread(run),
    "percentiles": lambda run: plots.percentiles(run),
    "depth": lambda run: plots.depth(run),
}
EVERY = pytest.mark.parametrize("figure", FIGURES, indirect=True)
_UNITS = ("no unit", "per unit", "one unit", "tokens", "token sets", "features", "null standard",
          "(%)", "rank")  # fmt: skip


@pytest.fixture(scope="module")
def figure(run: Run, request: pytest.FixtureRequest) -> go.Figure:
    """One of them; each is drawn once for all tests, which only look at it."""
    return FIGURES[request.param](run)


def test_every_figure_is_here() -> None:
    assert {name.split()[0] for name in FIGURES} == set(plots.__all__)


@EVERY
def test_axes_are_named_with_units(figure: go.Figure) -> None:
    titles = reading.titles(figure)
    assert len(titles) >= 2
    for title in titles:
        assert any(unit in title for unit in _UNITS) or title in (
            "bank, by layer", "layer", "token set"
        )  # fmt: skip
    heats = [heat for heat in reading.traces(figure, "heatmap") if heat.get("showscale", True)]
    bars = [heat["colorbar"]["title"]["text"] for heat in heats]
    assert all(title == "features (%)" for title in bars)


@EVERY
def test_the_caption_has_room_beneath(figure: go.Figure) -> None:
    (note,) = reading.named(figure, "caption")
    lines = note["text"].split("<br>")
    assert escaped(reading.caption(figure)) == " ".join(lines)
    assert -note["yshift"] + 16 * len(lines) <= figure.layout.margin.b
    assert max(map(len, lines)) * 12 * 0.46 <= figure.layout.width


@EVERY
def test_sizes_are_set(figure: go.Figure) -> None:
    layout = figure.layout
    assert 600 <= layout.width <= 1400
    assert 280 <= layout.height <= 1200
    assert layout.template.layout.font.size >= 12


@EVERY
def test_labels_do_not_lie_over_each_other(figure: go.Figure) -> None:
    assert_apart(figure)


def assert_apart(figure: go.Figure) -> None:
    """No two labels overlap, by their places and the width of their texts."""
    layout = figure.layout
    width = layout.width - layout.margin.l - layout.margin.r
    height = layout.height - layout.margin.t - layout.margin.b
    rectangles = []
    for label in reading.named(figure, "label"):
        x, ends = place(layout[f"xaxis{label['xref'][1:]}"], label["x"], width)
        y, _ = place(layout[f"yaxis{label['yref'][1:]}"], label["y"], height)
        middle = np.array([x + label["ax"], y - label["ay"]])
        half = np.array([len(label["text"]) * 12 * 0.5, 14]) / 2
        assert (middle - half >= [ends[0] - 2, -2]).all()
        assert middle[0] + half[0] <= ends[1] + 2
        rectangles.append((middle - half, middle + half))
    for at, (low, high) in enumerate(rectangles):
        for other_low, other_high in rectangles[:at]:
            assert not ((low < other_high) & (other_low < high)).all()


def place(axis: go.layout.XAxis, value: float, pixels: float) -> tuple[float, list[float]]:
    """Where a value lies, in pixels, and between which ends its axis does."""
    start, stop = (0, 1) if axis.domain is None else axis.domain
    share = (value - axis.range[0]) / np.ptp(axis.range)
    return (start + share * (stop - start)) * pixels, [start * pixels, stop * pixels]


def test_labels_that_find_no_place_are_left_out() -> None:
    box = Box(200, 60, (0, 1), (0, 1))
    x = np.full(30, 0.5)
    figure = go.Figure()
    placed = add_labels(figure, x, x, [f"a name {i}" for i in range(30)], box, most=30)
    assert 1 < placed < 30
    assert len(figure.layout.annotations) == placed


def test_text_cannot_become_tags_or_formulas() -> None:
    assert escaped("<b>$x$ &amp;") == "&lt;b&gt;&#36;x&#36; &amp;amp;"


@EVERY
def test_html_asks_no_other_machine(figure: go.Figure, tmp_path: Path) -> None:
    page = tmp_path / "figure.html"
    figure.write_html(page)
    written = page.read_text()
    assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=", written)
    assert "Plotly.newPlot" in written


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize("kind", ["svg", "png"])
def test_images(run: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"figure.{kind}"
    figure = plots.histogram(run, "mlp.7/3", "<odd>")
    figure.write_image(path, scale=2)
    content = path.read_bytes()
    width, height = figure.layout.width, figure.layout.height
    if kind == "png":
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        size = [int.from_bytes(content[at : at + 4], "big") for at in (16, 20)]
        assert size == [2 * width, 2 * height]
    else:
        text = html.unescape(content.decode())
        assert f'viewBox="0 0 {width} {height}"' in text
        assert "split by <odd>" in text
        assert "stroke for each token" in text


@pytest.fixture
def images() -> None:
    """The browser that draws figures into files; without one, tests of that are skipped."""
    from choreographer.browsers.chromium import Chromium

    if not Chromium.find_browser(skip_local=False):
        pytest.skip("no Chrome or Chromium is here, which images are drawn with (docs/gallery.md)")


def without(module: str, code: str) -> subprocess.CompletedProcess[str]:
    blocked = f"import sys; sys.modules[{module!r}] = None\n{code}"
    return subprocess.run(
        [sys.executable, "-c", blocked], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_plotly_is_asked_for_by_name() -> None:
    done = without("plotly", "import unembed.plots")
    assert "MissingExtraError" in done.stderr
    assert "pip install 'unembed[plots]'" in done.stderr


@pytest.mark.slow
def test_the_rest_does_without_plotly() -> None:
    done = without("plotly", "import unembed, unembed.cli; print('here')")
    assert done.stdout == "here\n", done.stderr
    code = "import sys, unembed, unembed.cli; print('plotly' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert loaded.stdout == "False\n", loaded.stderr
