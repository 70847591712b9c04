"""Cases as `hypothesis` draws them: a seed, and a few changes to its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from hypothesis import strategies as st

from tests.fuzz.mutations import MUTATIONS, kinds
from tests.fuzz.seeds import Seed, Seeds

MOST_CHANGES = 3
_PLACES = 1 << 16


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


def cases(reader: str, seeds: Seeds) -> st.SearchStrategy[Case]:
    """Return the strategy of one reader's cases."""
    return st.sampled_from(sorted(seeds)).flatmap(lambda name: _of_seed(reader, name, seeds))


def _of_seed(reader: str, name: str, seeds: Mapping[str, Seed]) -> st.SearchStrategy[Case]:
    changes = st.sampled_from(_weighted(seeds[name])).flatmap(_of_file)
    return st.lists(changes, min_size=1, max_size=MOST_CHANGES).map(
        lambda drawn: Case(reader, name, tuple(drawn))
    )


def _of_file(file: tuple[str, tuple[str, ...]]) -> st.SearchStrategy[Change]:
    path, suitable = file
    number = st.integers(0, _PLACES - 1)
    return st.builds(Change, st.sampled_from(suitable), st.just(path), number, number)


def _weighted(seed: Seed) -> list[tuple[str, tuple[str, ...]]]:
    """Return the files of a seed with what may be done to each; structured ones more often."""
    several = ("gone", "elsewhere") if len(seed.files) > 1 else ()
    found = []
    for path in seed.paths:
        often = 4 if path.endswith((".json", ".yaml")) else 1
        found += [(path, kinds(path) + several)] * often
    return found
