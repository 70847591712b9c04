"""How it is said which label a feature shares with others, and what sets it apart from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from unembed.explanation.names import WRITES, Verbs
from unembed.explanation.phrasing import said
from unembed.outside.text import quoted, shown
from unembed.tokensets import SetInfo

_ON_THE_SIDE = {
    "without": "without {what}",
    "with": "with {what}",
    "strongest": "with the strongest {what}",
}
"""What differs on the only side that the label names."""
_ELSEWHERE = {
    "without": "that {do} not {several} {what}",
    "with": "that also {verb} {what}",
    "strongest": "that {verb} {what} most",
    "set": "that also {verb} {what}",
}


def written(
    infos: Sequence[SetInfo],
    signs: Sequence[int],
    cores: Sequence[SetInfo | None] = (),
    *,
    plural: bool = False,
    verbs: Verbs = WRITES,
) -> str:
    """Return a label without its numbers.

    >>> sets = [SetInfo("months"), SetInfo("pronouns_reflexive"), SetInfo("digits")]
    >>> written(sets[:2], [1, -1]), written(sets[::2], [1, 0], plural=True)
    ('promotes months; suppresses reflexive pronouns', 'split numbers in digits; promote months')
    >>> written([SetInfo("form:may"), sets[0]], [1, 1], [sets[0], None])
    'promotes months, above all “may”'

    Args:
        infos: of the sets that it names.
        signs: of each 1 for promoted, −1 for suppressed, 0 for what a partition splits.
        cores: the set that each is a core of, as far as is known.
        plural: of several features.
        verbs: of what features write, or of what they read.
    """
    phrases = []
    for sign in (0, 1, -1):
        side = [
            (info, core)
            for info, own, core in zip_longest(infos, signs, cores[: len(infos)])
            if own == sign
        ]
        there = [info for info, _ in side]
        names = [_with_cores(info, side) for info, core in side if core not in there]
        if names:
            phrases.append(f"{verbs[sign][plural]} {', '.join(names)}")
    return "; ".join(phrases)


def _with_cores(info: SetInfo, side: Sequence[tuple[SetInfo, SetInfo | None]]) -> str:
    """Return how a set is said, and after it those that are its cores."""
    cores = (_with_cores(each, side) for each, core in side if core == info)
    return ", above all ".join([said(info), *cores])


def word(token: str) -> str:
    r"""Return a token as a word: in quotes, without the space around it unless it is nothing else.

    >>> print(word(" May"), word("\n\n"))
    “May” '\n\n'
    """
    return f"“{shown(token.strip())}”" if token.strip() else quoted(token)


def difference(
    kind: str,
    what: str,
    *,
    promotes: bool,
    signs: Sequence[int],
    sharing: int,
    verbs: Verbs = WRITES,
) -> str:
    """Return what sets a feature apart from others of its label.

    >>> difference("without", "“May”", promotes=True, signs=[1], sharing=0)
    'the one without “May”'
    >>> difference("set", "years", promotes=False, signs=[1], sharing=2)
    'one of 3 that also suppress years'
    >>> difference("with", "“May”", promotes=False, signs=[1], sharing=0)
    'the one that also suppresses “May”'

    Args:
        kind: see `apart.Kind`.
        what: the word or the set, as it is said.
        promotes: on which side.
        signs: of the label, as in `written`.
        sharing: how many others are like it.
        verbs: of what features write, or of what they read.
    """
    is_only_side = {*signs} == {1 if promotes else -1}
    form = (_ON_THE_SIDE if is_only_side and kind in _ON_THE_SIDE else _ELSEWHERE)[kind]
    one, several = verbs[1 if promotes else -1]
    verb, do = (several, "do") if sharing else (one, "does")
    who = f"one of {sharing + 1:,}" if sharing else "the one"
    return f"{who} {form.format(what=what, verb=verb, several=several, do=do)}"
