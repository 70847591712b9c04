"""Figures that move: their frames, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from unembed.plots.theme import SMALL

_PAUSE = 1200
"""Milliseconds that a frame stays."""


def moving(figure: go.Figure, frames: Sequence[go.Frame], *, what: str) -> go.Figure:
    """Return the figure with frames, a slider to choose one, and a button that plays them.

    Args:
        figure: with the data of the first frame.
        frames: by name.
        what: changes from frame to frame.
    """
    now = {"mode": "immediate", "frame": {"duration": 0, "redraw": True},
           "transition": {"duration": 0}}  # fmt: skip
    play = {**now, "frame": {"duration": _PAUSE, "redraw": True}, "fromcurrent": True}
    below = figure.layout.margin.b
    figure.frames = frames
    figure.update_layout(
        margin_b=below + _SLIDER, height=figure.layout.height + _SLIDER,
        sliders=[{
            "steps": [{"label": frame.name, "method": "animate", "args": [[frame.name], now]}
                      for frame in frames],
            "currentvalue": {"prefix": f"{what}: ", "font": {"size": SMALL + 2}},
            "x": 0.1, "len": 0.9, "y": 0, "yanchor": "top", "pad": {"t": below - 6},
            "font": {"size": SMALL - 1},
        }],
        updatemenus=[{
            "type": "buttons", "showactive": False, "x": 0, "xanchor": "left", "y": 0,
            "yanchor": "top", "pad": {"t": below + 20},
            "buttons": [{"label": "▶", "method": "animate", "args": [None, play]}],
        }],
    )  # fmt: skip
    return figure


_SLIDER = 80
"""Room for the slider and the button, in pixels."""


def stills(figure: go.Figure) -> list[go.Figure]:
    """Return each frame of a figure that moves as a figure of its own, to be kept as an image.

    Args:
        figure: as `moving` returns it.
    """
    kept = []
    for at, frame in enumerate(figure.frames):
        still = go.Figure(data=frame.data, layout=figure.layout)
        still.update_layout(sliders=[{"active": at}], updatemenus=[{"visible": False}])
        kept.append(still)
    return kept
