"""What a notebook shows: HTML that is whole, and safe whatever tokens say."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from tests.planted import Planted
from unembed import Run, notebook
from unembed.notebook import feature_html
from unembed.questions.run import FeatureRow


class Balanced(HTMLParser):
    """Checks that every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Balanced:
    parser = Balanced()
    parser.feed(html)
    assert not parser.open
    return parser


def test_a_run(tiny: Planted, plain: Planted) -> None:
    page = read(tiny.run._repr_html_())
    assert "300" in page.text
    assert "diffuse" in page.text
    assert "diffuse" not in read(plain.run._repr_html_()).text


def test_a_feature(tiny: Planted) -> None:
    row = tiny.run.feature("a/2")
    page = read(row._repr_html_())
    assert "a/2" in page.text
    assert repr(row["top_tokens"][0]) in page.text
    assert "svg" in page.tags


def test_a_flat_feature(tiny: Planted) -> None:
    page = read(tiny.run.feature("a/5")._repr_html_())
    assert "svg" not in page.tags
    assert "nothing" in page.text


def test_tokens_are_text(tiny: Planted) -> None:
    row = FeatureRow(tiny.run.feature("a/2"))
    row["top_tokens"] = ["<script>alert(1)</script>", "&amp;"]
    page = read(feature_html(row))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text


def test_ends_and_escapes(tiny: Planted) -> None:
    row = dict(tiny.run.feature("a/2"), label="<i>", bank="<u>", **{"class": "<b2>"})
    page = read(feature_html(row))
    assert "<i>" in page.text
    assert "<u>" in page.text
    assert not {"i", "u", "b2"} & page.tags
    promotes, suppresses = page.text.split("promotes")[1].split("suppresses")
    assert repr(row["top_tokens"][0]) in promotes
    assert repr(row["bottom_tokens"][0]) in suppresses


def test_the_drawing_reaches_six_deviations() -> None:
    counts = np.zeros(202, int)
    counts[100] = counts[101] = 4
    bars = re.findall(r'<rect x="([\d.]+)"', notebook._histogram(counts.tolist()))
    assert bars == ["203.0", "210.0"]


def test_a_path_is_text(tiny: Planted, tmp_path: Path) -> None:
    folder = tmp_path / "<i>"
    folder.symlink_to(tiny.run.path)
    assert "i" not in read(Run.open(folder)._repr_html_()).tags
