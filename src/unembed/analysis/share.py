"""A share of a run: of several programs that work on one run, what this one makes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from unembed.errors import UnembedError

if TYPE_CHECKING:
    from unembed.store.manifest import Manifest, Shard

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
        number, of = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= of:
            raise UnembedError(
                f"{text[:40]!r} is no share of a run. They are counted from 1: the third of eight "
                "programs makes 3/8."
            )
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def shards(self, manifest: Manifest) -> Sequence[Shard]:
        """Return the shards of a run that are in this share; none where there are more shares."""
        every = list(manifest.shards())
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
