"""What a finished run was given later: a check of its lenses, Neuronpedia's words, steering."""

from __future__ import annotations

import polars as pl

from unembed import Run
from unembed.store.added import (
    ACTIVATION_COLUMNS,
    EXPLANATION_COLUMNS,
    NEURONPEDIA_COLUMNS,
    STEERING_COLUMNS,
)
from unembed.store.lens_check import keep_lens_check
from unembed.store.neuronpedia import Beside, merge_beside
from unembed.store.steering import add_steering


def give(run: Run, model: str = "tiny", correlation: float = 0.1) -> None:
    """Give a run one table of each kind, of its bank `a`.

    Args:
        run: is written to.
        model: that is said to have been run; a folder of this machine, maybe.
        correlation: of the lens with what features do.
    """
    said = {
        "bank": "a", "count": 8, "correlation": correlation, "quarter": 0.1, "three_quarters": 0.9,
        "chance": 0.0, "chance_high": 0.2, "block": 3, "at_the_end": 1.0, "prompts": 9,
        "text": model, "strength": 0.1, "seed": 0, "model": model,
    }  # fmt: skip
    kinds = ("features", "random")
    found = pl.DataFrame([{**said, "directions": kind} for kind in kinds])
    keep_lens_check(run.path, run.manifest, found)
    add_steering(run.path, run.manifest, "a", _steered(model))
    kinds_of = ("explanations", "features", "activations")
    merge_beside(run.path, run.manifest, "a", _beside(model), kinds_of)


def _steered(model: str) -> pl.DataFrame:
    written = {"prompt": "He", "added": "feature", "strength": 1.0, "text": "He said"}
    row = {
        "index": 1, "strength": 1.0, "length": 2.0, "block": 1, "exact": True, "sets": [],
        "correlations": [{"lens": "logit", "correlation": 0.5, "random": 0.0}],
        "output_score": 0.5, "output_score_unsteered": 0.1, "output_score_random": 0.1,
        "score_strength": 1.0, "texts": [written], "prompts": 3, "prompts_sha256": "0" * 64,
        "model": model, "seed": 0, "unembed_version": "1",
    }  # fmt: skip
    return pl.DataFrame([row], schema=STEERING_COLUMNS)


def _beside(model: str) -> Beside:
    feature = {
        "index": 1, "source": "tiny/3-a", "density": 0.1, "max_activation": 2.0,
        "has_features": True, "has_explanations": True, "has_activations": True,
    }  # fmt: skip
    explanation = {"index": 1, "text": "words of one", "type": "auto", "model": model}
    fires_on = {"index": 1, "value": 2.0, "tokens": ["a", "b"], "values": [0.0, 2.0], "at": 1}
    return Beside(
        pl.DataFrame([feature], schema=NEURONPEDIA_COLUMNS),
        pl.DataFrame([explanation], schema=EXPLANATION_COLUMNS),
        pl.DataFrame([fires_on], schema=ACTIVATION_COLUMNS),
    )
