"""`Explanation`: what is said of a feature, and what that rests on."""

from __future__ import annotations

from typing import NamedTuple

from unembed.explanation.names import Reason


class Explained(NamedTuple):
    """What naming some sets explains of a feature.

    Attributes:
        variance: the share of the logit weights' variance that the sets explain (R²).
        kurtosis_left: the kurtosis of what is left.
    """

    variance: float
    kurtosis_left: float


class Part(NamedTuple):
    """A token set that a label names.

    Attributes:
        token_set: its number.
        z: of the direction test.
        partial_z, log10_p: what is left of it given the label's other parts.
        core_of: the number of the part that it is said to be a core of, "above all …".
    """

    token_set: int
    z: float
    partial_z: float
    log10_p: float
    core_of: int | None = None


class Rejection(NamedTuple):
    """A significant token set that a label does not name.

    Attributes:
        token_set: its number.
        z: of the direction test.
        reason: why not.
        by: the number of the named set that is most like it.
        partial_z: what is left of it given the named sets.
    """

    token_set: int
    z: float
    reason: Reason
    by: int
    partial_z: float


class OwnWords(NamedTuple):
    """The words at one end of a feature.

    Attributes:
        log10_p: the chance that a random direction's belong together as much.
        words: the group of those that do, the outermost first; empty where there is none.
        passes: whether they are told as a label.
    """

    log10_p: float
    words: list[str]
    passes: bool


Ends = tuple[OwnWords | None, OwnWords | None]
"""At the top and at the bottom, None where it was not asked for."""
NOT_ASKED: Ends = (None, None)


class Explanation(NamedTuple):
    """What is said of one feature.

    Attributes:
        feature_class: see `classes.FeatureClass`.
        label: one line.
        left_tail, right_tail: the kurtosis of each tail, by which classes are cut.
        parts: the token sets that it names, up to three.
        rejected: the strongest of those it does not.
        split: the number of the broad set that explains most of the variance, and its share; None
            where no broad set is significant.
        explained: of the variance and kurtosis, by all parts; None without a part.
        covered_top, covered_bottom: the share of the outermost tokens (`N_OUTERMOST`, or as many
            as are kept) that are in a promoted part, and in a suppressed one; None without such a
            part.
        log10_p: the chance that a random direction has so small a p with any set; None for flat
            features, as the next.
        log10_q: Benjamini and Hochberg's, over the features of the bank.
        own_words: of a silent feature with heavy tails, those at the top and at the bottom.
        tail_tokens: without how many of the outermost tokens the right tail, and the left one, is
            ordinary; None where it is, or where all that are kept do not do.
    """

    feature_class: str
    label: str
    left_tail: float
    right_tail: float
    parts: list[Part]
    rejected: list[Rejection]
    split: tuple[int, float] | None
    explained: Explained | None
    covered_top: float | None
    covered_bottom: float | None
    log10_p: float | None
    log10_q: float | None
    own_words: Ends = NOT_ASKED
    tail_tokens: tuple[int | None, int | None] = (None, None)
