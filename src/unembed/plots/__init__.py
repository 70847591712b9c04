"""Figures of a run, for notebooks and papers: each takes a `Run` and returns a plotly figure.

Needs `pip install 'unembed[plots]'`. In a notebook a figure draws itself; `figure.write_html` and
`figure.write_image` keep it (docs/gallery.md).
"""

from unembed.errors import MissingExtraError

try:
    import plotly  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "Drawing figures needs the plotly package: pip install 'unembed[plots]'."
    ) from error

from unembed.plots.best_features import best_features
from unembed.plots.classes import classes
from unembed.plots.depth import depth
from unembed.plots.enrichment_scores import enrichment_scores
from unembed.plots.histogram import histogram
from unembed.plots.manhattan import manhattan
from unembed.plots.moments import moments
from unembed.plots.percentiles import percentiles
from unembed.plots.running_sum import running_sum
from unembed.plots.set_scatter import set_scatter
from unembed.plots.shape import shape
from unembed.plots.shape_by_layer import shape_by_layer
from unembed.plots.spread import spread

__all__ = [
    "best_features",
    "classes",
    "depth",
    "enrichment_scores",
    "histogram",
    "manhattan",
    "moments",
    "percentiles",
    "running_sum",
    "set_scatter",
    "shape",
    "shape_by_layer",
    "spread",
]
