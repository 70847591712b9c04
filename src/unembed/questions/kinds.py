"""What a feature does between what it reads and what it writes."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["copies", "undoes", "transforms", "reads only", "writes only", "neither"]
"""What a feature does between what it reads and what it writes.

| kind | |
|---|---|
| `copies` | what it reads and writes agree: in a set that both are about, or over all sets |
| `undoes` | they are opposite, likewise: it suppresses what it detects |
| `transforms` | each side is about some token set, and the two do not agree |
| `reads only`, `writes only` | one side alone is about any token set |
| `neither` | no side is |

A side is about a set that it passes with at the run's own `max_q`, and about some set where the
feature passes among all of its bank. Over all sets two sides agree where one pair in a thousand of
two different features does. Of a neuron's gate agreement either way is `copies`: the sign of what
it writes is that of its other half (`up`), not of how far it is open.
"""
KINDS: tuple[Kind, ...] = get_args(Kind)
