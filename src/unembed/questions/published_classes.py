"""Classes of features by the rules that others published, beside those of a run.

Bloom & Lin (2024) tell theirs in words, in the summary of *Understanding SAE Features with the
Logit Lens*: prediction features promote a class of tokens; partition features (somewhat) promote
one half of the tokens and suppress the other, by spaces and capitals; suppression features act
like these, but are more asymmetric. Where asymmetry begins is not said there; here, where that of
random directions ends. Gurnee et al. (2024, *Universal Neurons in GPT2 Language Models*) cut
moments of cosines at fixed numbers, which are those of the notebook that comes with the paper.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.errors import QueryError
from unembed.questions.banks import require_classes
from unembed.store.tables import RunTables

F64 = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]

KURTOSIS_ABOVE = 10.0
"""Of the cosines of a prediction or suppression neuron."""
VARIANCE_ABOVE = 0.005
"""Of the cosines of a partition neuron, in a model of `WIDTH`: a random direction's cosines have a
variance of about 1 / d_model, so that this is about five times as much."""
WIDTH = 1024
"""d_model of GPT-2 medium, the model of that notebook."""


def post_class(
    skewness: F64, kurtosis: F64, *, splits: Flags,
    skewness_within: tuple[F64, F64], kurtosis_above: F64,
) -> Names:  # fmt: skip
    """Return the class of each feature by the post's words; empty where none fits.

    What splits the vocabulary is a suppression feature when its weights lean to the left, else a
    partition feature; what does not, a prediction feature when its right tail is long.

    Args:
        skewness: [F] of the logit weights.
        kurtosis: [F] likewise, 3 for a normal.
        splits: [F] a broad set of tokens explains enough of the variance.
        skewness_within: [F] and [F], the ends between which the skewness of random directions lies.
        kurtosis_above: [F] what their kurtosis stays below.
    """
    low, high = skewness_within
    promotes = (skewness > high) & (kurtosis > kurtosis_above)
    names = ["suppression", "partition", "prediction"]
    return np.select([splits & (skewness < low), splits, promotes], names, "")


def universal_class(
    skewness: F64, kurtosis: F64, variance: F64, *, variance_above: float = VARIANCE_ABOVE
) -> Names:
    """Return the class of each feature by the rules of universal neurons; empty where none fits.

    A kurtosis above 10 makes a prediction neuron, or with negative skewness a suppression neuron;
    of the others, a variance above the limit makes a partition neuron.

    Args:
        skewness: [F] of the cosines of a feature with the tokens' rows of W_U.
        kurtosis: [F] of the cosines, 3 for a normal.
        variance: [F] of the cosines.
        variance_above: the limit; theirs, which fits one width of the residual stream.
    """
    heavy = kurtosis > KURTOSIS_ABOVE
    conditions = [heavy & (skewness >= 0), heavy, variance > variance_above]
    return np.select(conditions, ["prediction", "suppression", "partition"], "")


def published_classes(run: RunTables, cosines: RunTables) -> pl.DataFrame:
    """Return one row a feature: its class here, and those by the rules that others published.

    Features that are read through a layer lens are left out: the rules are of the logit lens.

    Args:
        run: with token sets.
        cosines: a run of the same features with the lens `cosine`; it needs no token sets.

    Returns:
        feature, bank, index; class, the run's own; post, by the post's words; signed_kurtosis, by
        the sign of the skewness where the kurtosis is beyond random directions'; universal, by the
        rules of universal neurons; universal_by_width, with their variance in units of 1 / d_model.
        Null where no rule applies, and for features that write nothing.

    Raises:
        QueryError: when the run has no classes; when the other is not of cosines, or not of the
            same features.
    """
    require_classes(run)
    own = run.scalars.filter(lens=run.manifest.unembedding.lens)
    features = own.join(
        _moments_of_cosines(run, own, cosines), on="feature", how="left", maintain_order="left"
    )
    wide = VARIANCE_ABOVE * WIDTH / run.manifest.unembedding.d_model
    skewness = _numbers(features, "skewness_of_cosines")
    kurtosis = _numbers(features, "kurtosis_of_cosines")
    variance = _numbers(features, "std_of_cosines") ** 2
    found = {
        "post": _post(run, features),
        "signed_kurtosis": _signed(features),
        "universal": universal_class(skewness, kurtosis, variance),
        "universal_by_width": universal_class(skewness, kurtosis, variance, variance_above=wide),
    }
    columns = [pl.Series(name, names).replace("", None) for name, names in found.items()]
    return features.select("feature", "bank", "index", "class").with_columns(columns)


def _post(run: RunTables, features: pl.DataFrame) -> Names:
    assert run.tested.explanation is not None  # as `require_classes` made sure
    least = run.tested.explanation.split_variance
    return post_class(
        _numbers(features, "skewness"), _numbers(features, "kurtosis"),
        splits=_numbers(features, "partition_r2") >= least,
        skewness_within=(
            _numbers(features, "skewness_below"), _numbers(features, "skewness_above")
        ),
        kurtosis_above=_numbers(features, "kurtosis_above"),
    )  # fmt: skip


def _signed(features: pl.DataFrame) -> Names:
    heavy = _numbers(features, "kurtosis") > _numbers(features, "kurtosis_above")
    left = _numbers(features, "skewness") < 0
    return np.select([heavy & left, heavy], ["suppression", "prediction"], "")


def _numbers(features: pl.DataFrame, column: str) -> F64:
    """Return a column with NaN where it has no value, which no rule is true of."""
    return features[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _moments_of_cosines(run: RunTables, features: pl.DataFrame, cosines: RunTables) -> pl.DataFrame:
    if cosines.manifest.unembedding.lens != "cosine":
        raise QueryError(
            f"The run {cosines.place} is of the lens {cosines.manifest.unembedding.lens!r}; the "
            "rules of universal neurons are of cosines: `unembed run … --lens cosine --sets none`."
        )
    moments = ("std", "skewness", "kurtosis")
    found = cosines.scalars.select(
        "feature", *(pl.col(name).alias(f"{name}_of_cosines") for name in moments)
    )
    lacking = features.join(found, on="feature", how="anti", maintain_order="left")["feature"]
    if lacking.len():
        raise QueryError(
            f"The run {cosines.place} has no feature {lacking[0]!r}, which {run.place} has: both "
            "are to be of the same features."
        )
    return found
