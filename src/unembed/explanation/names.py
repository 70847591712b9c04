"""The classes of features by name, and why labels leave out what is significant."""

from __future__ import annotations

from typing import Literal, get_args

FeatureClass = Literal[
    "prediction", "suppression", "two-sided", "partition", "diffuse", "dead", "flat"
]
"""What a feature does to the vocabulary.

| class | |
|---|---|
| `prediction` | promotes a small class of tokens: a heavy right tail |
| `suppression` | suppresses one: a heavy left tail |
| `two-sided` | promotes one and suppresses another: heavy tails on both sides |
| `partition` | splits the vocabulary in two broad parts, without heavy tails |
| `diffuse` | as random directions are |
| `dead` | (almost) never fires, where the bank says how often |
| `flat` | a decoder row of zeros: it writes nothing |
"""
CLASSES: tuple[FeatureClass, ...] = get_args(FeatureClass)
ONE_TAIL: dict[str, int] = {"prediction": 1, "suppression": -1}
"""The sign of z at the heavy tail of classes that have one."""

Verbs = dict[int, tuple[str, str]]
WRITES: Verbs = {1: ("promotes", "promote"), -1: ("suppresses", "suppress"), 0: ("splits", "split")}
"""What features do with tokens that they write, by the sign of z; of one, and of several."""
READS: Verbs = {1: ("detects", "detect"), -1: ("rejects", "reject"), 0: ("splits", "split")}
"""What they do with tokens that they read: those of positive z raise their pre-activation."""


def verbs_of(*, reads: bool) -> Verbs:
    """Return what features do with tokens, of what they read or of what they write."""
    return READS if reads else WRITES


Reason = Literal[
    "chance", "slight", "near-duplicate", "covered", "rival", "explained", "beyond the parts"
]
"""Why a significant set is not named.

| reason | |
|---|---|
| `chance` | it passes among all pairs of the bank, but not in its feature |
| `slight` | it holds hardly any of the outermost tokens, and little of the variance |
| `near-duplicate` | random directions can hardly tell it from a set that is named |
| `covered` | it tells next to nothing of the outermost tokens beside the sets that are named |
| `rival` | it and a set that is named, and tells more, do not both stand beside the other |
| `explained` | given the sets that are named, nothing significant is left of it |
| `beyond the parts` | it adds something, but tells less than what is named, or was tried |
"""
