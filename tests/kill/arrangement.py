"""What is done to a run before it may finish, drawn from a number."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
    if hasattr(signal, name)
)
THREADS = (1, 2, 4)
MOST_ATTEMPTS = 4


@dataclass(frozen=True)
class Attempt:
    """One attempt at the run that does not get to its end, unless it is faster than that.

    Attributes:
        how: `moment`: a signal after a part of the time that the run takes; `call`: before the
            so-manieth file is opened, renamed or removed; `byte`: when a file grows beyond so many
            bytes, inside the write; `full`: on a file system with so many bytes free; `two`: two at
            once, of which one is ended at a moment; `shares`: three that make shares of the run, of
            which one is ended at a moment.
        at: where, from 0 to 1 of what there is.
        signal: that ends it.
        threads: that compute.
        then: what happens to finished files before the next attempt: `nothing`, one is `gone`, one
            is `cut` short, or one bit of one is `flipped`.
        which: decides the file and the place.
    """

    how: str
    at: float
    signal: int
    threads: int
    then: str
    which: int


@dataclass(frozen=True)
class Arrangement:
    """Attempts, one after the other, and the threads of the one that finishes."""

    attempts: tuple[Attempt, ...]
    threads: int


HOWS = ("moment", "call", "byte", "full", "two", "shares")
_THEN = ("nothing", "nothing", "gone", "cut", "flipped")


def arrangement(number: int, ways: Sequence[str] = HOWS) -> Arrangement:
    """Return the arrangement of a number; of so many in a row each way to end is in one at least.

    Args:
        number: decides everything.
        ways: to end, that attempts have.
    """
    random = Random(number)
    hows = [ways[number % len(ways)], *random.choices(ways, k=random.randrange(MOST_ATTEMPTS))]
    attempts = tuple(
        Attempt(
            how, random.random(), random.choice(SIGNALS), random.choice(THREADS),
            random.choice(_THEN), random.randrange(1 << 30),
        )
        for how in hows
    )  # fmt: skip
    return Arrangement(attempts, random.choice(THREADS))
