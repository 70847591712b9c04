"""Banks beside each other in the terminal: boxes, heat maps, matches."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from unembed.terminal import boxes, heat_map
from unembed.terminal.heat_map import Column


def printed(drawn: RenderableType, width: int = 100) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(drawn, highlight=False)
    return console.export_text().splitlines()


def percentiles(*values: float | None) -> dict[str, float | None]:
    names = (1, 5, 25, 50, 75, 95, 99)
    return {f"x_p{p}": value for p, value in zip(names, values, strict=True)}


def test_a_box_stands_where_its_percentiles_are() -> None:
    low, high = percentiles(0, 1, 2, 3, 4, 5, 6), percentiles(4, 5, 6, 7, 8, 9, 10)
    first, second = (box.plain for box in boxes.draw([low, high], "x", width=11))
    assert first == "·─█┃█─·    "
    assert second == "    ·─█┃█─·"


def test_boxes_on_a_logarithmic_axis() -> None:
    (box,) = boxes.draw([percentiles(1, 1, 1, 10, 100, 1000, 1000)], "x", log=True, width=7)
    assert box.plain == "██┃██──"


def test_boxes_without_values_are_empty() -> None:
    empty = percentiles(*[None] * 7)
    assert [box.plain for box in boxes.draw([empty, empty], "x", width=5)] == [" " * 5] * 2
    same = percentiles(*[2.0] * 7)
    assert boxes.draw([empty, same], "x", width=5)[1].plain == "┃    "


def test_shades_rise_with_the_share() -> None:
    shares = [0, 0.0001, 0.001, 0.0025, 0.005, 0.01, 1]
    assert "".join(map(heat_map.shade, shares)) == " ·░▒▓██"


def columns(kinds: dict[str, list[int | None]]) -> list[Column]:
    return [
        Column(kind, layer, kind if layer is None else f"{kind}.{layer}")
        for kind, of in kinds.items()
        for layer in of
    ]


def test_few_banks_have_numbers() -> None:
    lines = printed(
        heat_map.draw(["months"], columns({"mlp": [2, 10]}), [[0, 0.0067]], ["+3 −4"], 80)
    )
    assert lines[0].split() == ["mlp.2", "mlp.10", "(%)"]
    assert lines[1].split() == ["months", "▓▓", "0.67", "+3", "−4"]
    assert lines[0].index("mlp.10") == lines[1].index("▓▓")


def test_many_banks_are_shades_under_their_layers() -> None:
    layers: list[int | None] = [*range(12)]
    shares = [[0.04 if layer == 11 else 0.0 for layer in range(12)] + [0.002]]
    drawn = heat_map.draw(["months"], columns({"mlp": layers, "loose": [None]}), shares, ["9"], 50)
    kinds, tens, ones, row = printed(drawn, 50)[:4]
    assert kinds.split() == ["mlp", "loose"]
    assert kinds.index("loose") == ones.index("?") == row.index("░░")
    assert row.index("██") == tens.rindex("1")
    assert ones[row.index("██")] == "1"
    assert ones.split() == [*"012345678901?"]
    assert row.endswith("  9")


def test_what_does_not_fit_follows_in_blocks() -> None:
    layers: list[int | None] = [*range(10)]
    many = columns({"a": layers, "b": layers, "c": layers})
    shares = [[0.05] * 30, [0.0] * 30]
    lines = printed(heat_map.draw(["x", "y"], many, shares, ["1", "2"], 50), 50)
    headings = [line.split() for line in lines if line.strip().startswith(("a", "b", "c"))]
    assert headings == [["a", "b"], ["c"]]
    assert sum(line.count("█") for line in lines if line.startswith("x")) == 60
    assert max(map(len, lines[:-3])) <= 50


def test_a_kind_too_long_for_a_line_is_broken() -> None:
    many = columns({"mlp": [*range(100)]})
    lines = printed(heat_map.draw(["x"], many, [[0.05] * 100], ["1"], 60), 60)
    assert sum(line.count("█") for line in lines if line.startswith("x")) == 200
    assert len([line for line in lines if line.strip() == "mlp"]) == len(
        [line for line in lines if line.startswith("x")]
    )


def test_long_names_are_cut() -> None:
    drawn = heat_map.draw(["n" * 70], columns({"mlp": [1]}), [[0.5]], ["1"], 80)
    assert printed(drawn)[1].startswith("n" * 31 + "…  ██")


def test_long_names_are_whole_where_there_is_room() -> None:
    for width in (84, 100_000):  # what is piped on has all the room there is
        drawn = heat_map.draw(["n" * 70], columns({"mlp": [1]}), [[0.5]], ["1"], width)
        assert printed(drawn, width)[1].startswith("n" * 70 + "  ██50.00")
