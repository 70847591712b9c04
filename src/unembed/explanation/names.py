"""The classes of features by name."""

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
