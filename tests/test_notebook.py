"""What a notebook shows: HTML that is whole, and safe whatever tokens say."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.tiny_run import Planted
from unembed.notebook import feature_html
from unembed.store.run import FeatureRow


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
