"""A share of a run: of several programs that work on one run, what this one makes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from unembed.errors import UnembedError

if TYPE_CHECKING:
    from unembed.store.manifest import Shard

_SHARE = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


class Share(NamedTuple):
    """One of several shares, counted from 1, that have all shards of a run between them.

    Neighbouring shards are in one share, so that few programs read the same bank.

    >>> Share.parse("3/8")
    Share(number=3, of=8)

    Attributes:
        number: which one.
        of: how many there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """Return the share that `3/8` names.

        Raises:
            UnembedError: when it names none.
        """
        found = _SHARE.fullmatch(text.strip())
        share = cls(*map(int, found.groups())) if found else cls(0, 0)
        share.check(text)
        return share

    def check(self, named: str | None = None) -> None:
        """Check that there is such a share.

        Args:
            named: what it was called.

        Raises:
            UnembedError: when there is none.
        """
        if not 1 <= self.number <= self.of:
            raise UnembedError(
                f"{(named or str(self))[:40]!r} is no share of a run. They are counted from 1: the "
                "third of eight programs makes 3/8."
            )

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def shards(self, every: Sequence[Shard]) -> Sequence[Shard]:
        """Return the shards of a run that are in this share; none where there are more shares."""
        first, end = (len(every) * at // self.of for at in (self.number - 1, self.number))
        return every[first:end]


WHOLE = Share(1, 1)
"""All of a run."""


class Remaining(NamedTuple):
    """What is left to be made of a run, when a share of it is done.

    Attributes:
        tables: how many are missing.
        shares: those that lack a table of their shards.
    """

    tables: int
    shares: tuple[Share, ...]
