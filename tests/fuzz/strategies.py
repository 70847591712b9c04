"""Cases as `hypothesis` draws them: a seed, and a few changes to its files."""

from __future__ import annotations

import json
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from tests.fuzz.mutations import MUTATIONS, kinds
from tests.fuzz.seeds import Seed, Seeds

MOST_CHANGES = 3
_NUMBERS = 1 << 16


class Change(NamedTuple):
    """One change to one file: `gone`, `elsewhere` (another file's content), or a mutation."""

    kind: str
    path: str
    where: int
    what: int


class Case(NamedTuple):
    """A seed and what is done to it, one change after the other."""

    reader: str
    seed: str
    changes: tuple[Change, ...]

    def files(self, seed: Seed) -> dict[str, bytes | None]:
        """Return the files that are not as they were; None for those that are gone."""
        found: dict[str, bytes | None] = {}
        for kind, path, where, what in self.changes:
            content = found.get(path, seed.files[path])
            if content is None:
                continue
            if kind == "gone":
                found[path] = None
            elif kind == "elsewhere":
                found[path] = seed.files[seed.paths[where % len(seed.paths)]]
            else:
                found[path] = MUTATIONS[kind](content, where, what)
        return found

    def dump(self) -> str:
        """Return it on one line."""
        return json.dumps(self, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> Case:
        """Return the case that `dump` wrote."""
        reader, seed, changes = json.loads(text)
        return cls(reader, seed, tuple(Change(*each) for each in changes))


def cases(reader: str, seeds: Seeds, count: int) -> st.SearchStrategy[list[Case]]:
    """Return the strategy of some of a reader's cases at a time.

    `hypothesis` likes to repeat what it has drawn: of 4,000 cases made of its own numbers, 780 were
    different. So it draws a stretch of bytes, which decides the numbers of all of them.
    """
    names = sorted(seeds)
    places = {name: _places(seeds[name]) for name in names}

    def drawn(entropy: bytes) -> list[Case]:
        random = Random(entropy)
        chosen = [random.choice(names) for _ in range(count)]
        return [Case(reader, name, _changes(places[name], random)) for name in chosen]

    return st.binary(min_size=16, max_size=16).map(drawn)


def _changes(places: list[tuple[str, tuple[str, ...]]], random: Random) -> tuple[Change, ...]:
    found = []
    for _ in range(random.randint(1, MOST_CHANGES)):
        path, suitable = random.choice(places)
        where, what = random.randrange(_NUMBERS), random.randrange(_NUMBERS)
        found.append(Change(random.choice(suitable), path, where, what))
    return tuple(found)


def _places(seed: Seed) -> list[tuple[str, tuple[str, ...]]]:
    """Return the files of a seed with what may be done to each; structured ones more often."""
    several = ("gone", "elsewhere") if len(seed.files) > 1 else ()
    found = []
    for path in seed.paths:
        often = 4 if path.endswith((".json", ".yaml")) else 1
        found += [(path, kinds(path) + several)] * often
    return found
