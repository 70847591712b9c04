"""What a figure shows, read back from it."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go


def plain(figure: go.Figure) -> dict[str, Any]:
    """The figure as it is written to a file."""
    return dict(json.loads(figure.to_json()))


def array(values: Any) -> np.ndarray:
    """Numbers of a written figure, which may be packed."""
    if isinstance(values, dict):
        packed = base64.b64decode(values["bdata"])
        numbers = np.frombuffer(packed, values["dtype"])
        shape = values.get("shape")
        return numbers.reshape([int(side) for side in shape.split(",")]) if shape else numbers
    return np.array([np.nan if value is None else value for value in values], float)


def traces(figure: go.Figure, kind: str) -> list[dict[str, Any]]:
    return [trace for trace in plain(figure)["data"] if trace["type"] == kind]


def dots(figure: go.Figure) -> np.ndarray:
    """[n, 2] all points."""
    found = [np.stack([array(t["x"]), array(t["y"])], 1) for t in traces(figure, "scattergl")]
    joined = np.concatenate(found)
    return joined[~np.isnan(joined).any(1)]


def cells(figure: go.Figure) -> int:
    """How many are counted in cells, by the colours that are shown."""
    shown = [10 ** array(trace["z"]) for trace in traces(figure, "heatmap")]
    return round(sum(float(np.nansum(each)) for each in shown))


def named(figure: go.Figure, name: str) -> list[dict[str, Any]]:
    layout = plain(figure)["layout"]
    return [
        each
        for each in layout.get("annotations", []) + layout.get("shapes", [])
        if each.get("name") == name
    ]


def titles(figure: go.Figure) -> list[str]:
    layout = plain(figure)["layout"]
    axes = [each for name, each in layout.items() if name[1:5] == "axis" and name[0] in "xy"]
    return [axis["title"]["text"] for axis in axes if axis.get("visible", True)]


def caption(figure: go.Figure) -> str:
    return str(figure.layout.meta["caption"])
