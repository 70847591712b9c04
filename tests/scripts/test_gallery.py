"""The gallery's pictures are those of its code."""

from __future__ import annotations

import re

from scripts import draw_gallery
from unembed import plots

PAGE = draw_gallery.PAGE.read_text()
FOLDER = draw_gallery.PAGE.parent / "images" / "gallery"


def test_every_picture_has_its_code_and_is_there() -> None:
    found = draw_gallery.pictures(PAGE)
    assert set(found) == set(re.findall(r"\((images/[^)]+)\)", PAGE))
    assert {f"images/gallery/{path.name}" for path in FOLDER.iterdir()} == set(found)
    for code in found.values():
        assert code.startswith("figure = plots.")


def test_every_figure_is_in_the_gallery() -> None:
    used = re.findall(r"figure = plots\.(\w+)\(", PAGE)
    assert set(used) == set(plots.__all__)


def test_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000
