"""The explorer as a reader has it: the real command, and a real browser that looks at the page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.explorer.conftest import Look, Troubles

FEATURE = "mlp.20/1036"
"""Promotes reflexive pronouns."""
TOKEN = 2581
""" itself"""
SETS = ("names:female", "names:male")

VIEWS: dict[str, tuple[str, str, str]] = {
    # what it is called: where it is, its heading, its main picture or table
    "overview": ("", "", "^Features by skewness"),
    "feature": (f"feature/{FEATURE}", FEATURE, "^Histogram of logit weights"),
    "sets": ("sets", "Token sets", "^Token sets$"),
    "set": ("sets/months", "months", "^Every feature by .*months"),
    "pair": ("pair/" + "/".join(SETS), "compared", "^Every feature by z of names:female"),
    "token": (f"token/{TOKEN}", "Token", "^Every feature by .*␣itself"),
    "layers": ("layers", "Layers", "^Percentiles of kurtosis"),
}  # fmt: skip
EVERY = pytest.mark.parametrize("view", VIEWS)


def shown(page: Page, view: str) -> Locator:
    """Wait for a view's heading and main picture; gives the picture."""
    _, heading, picture = VIEWS[view]
    expect(page.get_by_role("heading", level=1).filter(has_text=heading)).to_be_visible()
    named = re.compile(picture)
    found = page.get_by_role("img", name=named).or_(page.get_by_role("table", name=named)).first
    expect(found).to_be_visible()
    return found


def at(page: Page, fragment: str) -> None:
    expect(page).to_have_url(re.compile(rf"#/{fragment}$"))


def drawn(canvas: Locator) -> dict[str, float]:
    """Wait until a cloud is drawn; gives its pixels that are, and where on the page the top is."""
    cloud = canvas.locator("xpath=ancestor::*[@data-points][1]")
    expect(cloud).not_to_have_attribute("data-points", "0")
    canvas.scroll_into_view_if_needed()
    found: dict[str, float] = canvas.evaluate(
        """canvas => {
            const { width, height } = canvas;
            const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            const inked = [];
            for (let at = 0; at < width * height; at++) if (pixels[4 * at + 3] > 0) inked.push(at);
            const [top] = inked;
            const box = canvas.getBoundingClientRect();
            return {
                pixels: inked.length,
                x: box.left + ((top % width) / width) * box.width,
                y: box.top + (Math.floor(top / width) / height) * box.height,
            };
        }"""
    )
    return found


@EVERY
def test_a_view_has_its_heading_and_picture(look: Look, view: str) -> None:
    shown(look(VIEWS[view][0]), view)


@EVERY
def test_a_narrow_page_does_not_scroll_sideways(look: Look, page: Page, view: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    shown(look(VIEWS[view][0]), view)
    page.wait_for_load_state("networkidle")
    wide: list[Any] = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]


def test_the_views_are_linked(look: Look, page: Page) -> None:
    look("")
    for name, view in {"Sets": "sets", "Tokens": "token", "Layers": "layers"}.items():
        page.get_by_role("navigation", name="Views").get_by_role("link", name=name).click()
        at(page, view)
    page.go_back()
    at(page, "token")
    page.get_by_role("link", name="unembed: overview of the run").click()
    shown(page, "overview")


def test_slash_searches(look: Look, page: Page) -> None:
    look("layers")
    shown(page, "layers")
    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Search for a feature")
    expect(search).to_be_focused()
    page.keyboard.type(FEATURE)
    expect(page.get_by_role("option", name=FEATURE)).to_be_visible()
    page.keyboard.press("Enter")
    at(page, f"feature/{FEATURE}")
    shown(page, "feature")


@pytest.mark.parametrize(
    ("typed", "place", "view"),
    [("months", "sets/months", "set"), (" itself", f"token/{TOKEN}", "token")],
)
def test_search_finds_sets_and_tokens(
    look: Look, page: Page, typed: str, place: str, view: str
) -> None:
    look("layers")
    search = page.get_by_role("combobox", name="Search for a feature")
    search.fill(typed)
    page.get_by_role("option", name=re.compile(rf"^\W*{typed.strip()}\b")).first.click()
    at(page, place)
    shown(page, view)


def test_colours_change(look: Look, page: Page) -> None:
    def background() -> str:
        colour: str = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return colour

    look("layers")
    button = page.get_by_role("button", name="Colours")
    expect(button).to_have_accessible_name("Colours: system. Change.")
    assert background() == "rgb(255, 255, 255)"
    button.click()
    button.click()
    expect(button).to_have_accessible_name("Colours: dark. Change.")
    assert background() == "rgb(23, 24, 27)"
    page.reload()
    expect(button).to_have_accessible_name("Colours: dark. Change.")
    assert background() == "rgb(23, 24, 27)"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("feature/mlp.20/999999", "999999"),
        ("feature/mlp.21/0", "mlp.21"),
        ("sets/monhts", "no token set “monhts”"),
        ("pair/months/monhts", "no token set “monhts”"),
        ("token/999999", "no token 999999"),
        ("token/0", "special tokens"),
        ("nowhere", "no view “nowhere”"),
    ],
)
def test_what_is_not_there_is_said(
    look: Look, page: Page, troubles: Troubles, place: str, said: str
) -> None:
    troubles.expected.append(r"/api/features/")
    look(place)
    expect(page.get_by_role("alert")).to_contain_text(said)


def test_a_cloud_is_drawn_and_says_what_a_point_is(look: Look, page: Page) -> None:
    look("")
    canvas = shown(page, "overview")
    cloud = drawn(canvas)
    assert cloud["pixels"] > 1000
    page.mouse.move(cloud["x"], cloud["y"])
    tip = page.locator(".tip")
    expect(tip).to_contain_text(re.compile(r"^(sae|mlp)\.\d+(\.jacobian)?/\d+"))
    address = re.match(r"\S+", tip.inner_text())
    assert address
    page.mouse.click(cloud["x"], cloud["y"])
    at(page, f"feature/{address.group()}")
    expect(page.get_by_role("heading", level=1)).to_have_text(address.group())


def test_arrows_and_enter_open_a_point(look: Look, page: Page) -> None:
    look("")
    canvas = shown(page, "overview")
    drawn(canvas)
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".tip")).to_contain_text("kurtosis")
    page.keyboard.press("Enter")
    at(page, r"feature/(sae|mlp)\.\d+(\.jacobian)?/\d+")


def test_a_brushed_rectangle_filters_the_table_and_stays(look: Look, page: Page) -> None:
    look("")
    canvas = shown(page, "overview")
    drawn(canvas)
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 0.6 * box["height"], steps=4)
    page.mouse.up()
    heading = page.get_by_role("heading", name=re.compile(r"^[\d,]+ selected features$"))
    expect(heading).to_be_visible()
    selected = heading.inner_text()
    count = int(selected.split()[0].replace(",", ""))
    assert 0 < count < 18_944
    table = page.get_by_role("table", name="Selected features")
    expect(table).to_have_attribute("aria-rowcount", str(count + 1))
    at(page, r"\?box=.+")
    page.reload()
    expect(heading).to_have_text(selected)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("heading", name="18,944 features")).to_be_visible()
    at(page, "")


def test_the_set_that_splits_a_histogram_is_chosen(look: Look, page: Page) -> None:
    look(f"feature/{FEATURE}")
    expect(histogram(page, "pronouns_reflexive")).to_be_visible()
    picker = page.get_by_role("combobox", name="Split by a token set")
    picker.fill("months")
    page.get_by_role("option", name=re.compile("^months ")).click()
    at(page, rf"feature/{FEATURE}\?split=months")
    expect(histogram(page, "months")).to_be_visible()
    page.reload()
    expect(histogram(page, "months")).to_be_visible()
    expect(picker).to_have_value("months")
    page.go_back()
    expect(histogram(page, "pronouns_reflexive")).to_be_visible()


def histogram(page: Page, split: str) -> Locator:
    return page.get_by_role(
        "img", name=re.compile(rf"^Histogram of logit weights\. The mean of {split} lies")
    )


def test_j_and_k_move_to_the_neighbours(look: Look, page: Page) -> None:
    look(f"feature/{FEATURE}?split=months")
    for key, name, address in (
        ("j", "Next", "mlp.20/1037"),
        ("k", "Previous", "mlp.20/1036"),
        ("k", "Previous", "mlp.20/1035"),
    ):
        expect(page.get_by_role("link", name=f"{name} feature, {address}")).to_be_visible()
        page.keyboard.press(key)
        at(page, rf"feature/{address}\?split=months")
        expect(page.get_by_role("heading", level=1)).to_have_text(address)


def test_a_set_of_a_feature_is_followed_and_left(look: Look, page: Page) -> None:
    look(f"feature/{FEATURE}")
    sets = page.get_by_role("region", name="Token sets by strength")
    sets.get_by_role("link", name="pronouns_reflexive").click()
    at(page, "sets/pronouns_reflexive")
    expect(page.get_by_role("heading", level=1)).to_have_text("pronouns_reflexive")
    features = page.get_by_role("table", name=re.compile("promote or suppress pronouns_reflexive"))
    expect(features.get_by_role("link", name=FEATURE)).to_be_visible()
    page.go_back()
    shown(page, "feature")


def test_without_the_weights_the_rest_is_shown(look: Look, page: Page, troubles: Troubles) -> None:
    gone = "The weights cannot be read any more: the file is not there."
    for path in ("**/weights.f32", "**/nearest.json"):
        page.route(path, lambda route: route.fulfill(status=409, json={"error": gone}))
    troubles.expected += [r"/weights\.f32$", r"/nearest\.json$"]
    look(f"feature/{FEATURE}")
    stored = page.get_by_role("img", name=re.compile("in standard deviations$"))
    expect(stored).to_be_visible()
    expect(page.get_by_role("note").filter(has_text=gone).first).to_be_visible()
    tokens = page.get_by_role("region", name="Top and bottom tokens")
    expect(tokens.get_by_role("link", name="␣itself")).to_be_visible()
    expect(page.get_by_role("region", name="Token sets by strength")).to_be_visible()


def test_layers_keep_their_choices(look: Look, page: Page) -> None:
    look("layers")
    page.get_by_role("group", name="Statistic").get_by_role("button", name="skewness").click()
    expect(page.get_by_role("img", name=re.compile("^Percentiles of skewness"))).to_be_visible()
    page.get_by_role("group", name="Features that").get_by_role("button", name="suppress").click()
    page.get_by_role("combobox", name="Family").select_option("grammar")
    at(page, r"layers\?statistic=skewness&sign=down&family=grammar")
    page.reload()
    table = page.get_by_role("grid", name=re.compile("suppress a token set"))
    expect(table.get_by_role("rowheader").first).to_be_visible()
    page.go_back()
    expect(page.get_by_role("combobox", name="Family")).to_have_value("")
    table.get_by_role("columnheader").get_by_role("link", name="mlp.29").click()
    at(page, r"\?bank=mlp\.29")


def test_arrows_move_over_the_sets_by_bank(look: Look, page: Page) -> None:
    look("layers")
    first = page.get_by_role("gridcell").first
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    cell = page.locator("td:focus")
    said = cell.get_attribute("aria-label")
    assert said is not None
    assert re.search(r"^mlp\.10, .+: \d+ of 1,536 features promote it", said)
    expect(page.get_by_text(said)).to_be_visible()
