"""How a feature is said: its label, and what stands where it has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from unembed.explanation.names import WRITES, Verbs
from unembed.explanation.phrasing import said
from unembed.numerals import power
from unembed.tokensets import SetInfo

NO_SET = "no known set"
AS_RANDOM = "as random directions do"
"""How labels begin that say what a feature's outermost tokens are, and nothing of them."""


class Named(NamedTuple):
    """A set that a label names.

    Attributes:
        info: of the set.
        z: positive promotes.
        core_of: the named set that it lies within, where there is one.
    """

    info: SetInfo
    z: float
    core_of: SetInfo | None = None


def label(
    named: Sequence[Named],
    split: tuple[SetInfo, float] | None = None,
    log10_q: float | None = None,
    untold: Sequence[str] = (),
    verbs: Verbs = WRITES,
) -> str:
    """Return the label of a feature: what it promotes, and what it suppresses.

    >>> months, may = SetInfo("months"), SetInfo("form:may")
    >>> label([Named(SetInfo("pronouns_reflexive"), 11.94), Named(months, -6.2)])
    'promotes reflexive pronouns (z +11.9); suppresses months (z −6.2)'
    >>> label([Named(may, 9.1, core_of=months), Named(months, 7.3)])
    'promotes months (z +7.3), above all “may” (z +9.1)'
    >>> label([Named(months, -6.2)], (SetInfo("leading_space"), 0.214), -12.3)
    'splits tokens that begin with a space (R² 0.21); suppresses months (z −6.2); q 5.0e-13'
    >>> label([Named(months, 5.9)], untold=["' strugg'", "' miscon'"])
    "promotes months (z +5.9); no known set for its heavy tail ' strugg' ' miscon'"

    Args:
        named: the sets.
        split: of a partition, the broad set and the share of the variance that it explains.
        log10_q: of the feature, where it is said.
        untold: texts of the outermost tokens of a heavy tail, quoted, where all that is named is
            of the other end.
        verbs: of what features write, or of what they read.
    """
    phrases = [f"splits {said(split[0])} (R² {split[1]:.2f})"] if split else []
    for sign in (1, -1):
        side = [each for each in named if each.z * sign > 0]
        wholes = [each.info for each in side]
        phrased = [_with_cores(each, side) for each in side if each.core_of not in wholes]
        if phrased:
            phrases.append(f"{verbs[sign][0]} {', '.join(phrased)}")
    if untold:
        phrases.append(f"{NO_SET} for its heavy tail {' '.join(untold)}")
    if log10_q is not None:
        phrases.append(f"q {power(log10_q)}")
    return "; ".join(phrases)


def _with_cores(named: Named, others: Sequence[Named]) -> str:
    """Return how a set is said, and after it those that lie within it."""
    cores = (each for each in others if each.core_of == named.info)
    itself = f"{said(named.info)} (z {_signed(named.z)})"
    return ", above all ".join([itself, *(_with_cores(core, others) for core in cores)])


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def no_label(
    top: Sequence[str], bottom: Sequence[str], feature_class: str, *, as_random: bool = False
) -> str:
    """Return what stands where no known set fits: the outermost tokens on the side that matters.

    Args:
        top: texts of the outermost tokens, quoted.
        bottom: likewise.
        feature_class: of the feature.
        as_random: whether random directions do the same, as far as is known: it has no heavy tail,
            or its outermost words belong together no more than theirs.
    """
    ends = []
    if feature_class != "suppression":
        ends.append(f"top tokens {' '.join(top)}")
    if feature_class in ("suppression", "two-sided"):
        ends.append(f"bottom tokens {' '.join(bottom)}")
    return f"{AS_RANDOM if as_random else NO_SET}; {'; '.join(ends)}"
