"""`TokenSets`: named sets of token ids, many of them, as one sparse matrix."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from unembed.errors import TokenSetError, did_you_mean
from unembed.outside.text import shown
from unembed.tokensets.names import name_problem, problem_of
from unembed.vocabulary import Vocabulary

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class SetInfo:
    """What a token set is called, and where it comes from.

    Attributes:
        name: unique among the sets, such as `months` or `suffix:ing`.
        family: its place among the others, from the general to the special: `meaning/time`.
        description: one sentence.
        source: who says so: a lexicon with its version, a file, the vocabulary itself.
        definition: how members are told, such as `24 words, as written or with more capitals`.
        aliases: other sets that have exactly the same members in this vocabulary.
        words: entries of a word list, None for other definitions.
        missed: entries of it that are no single token of this vocabulary, and not in the set.
    """

    name: str
    family: str = ""
    description: str = ""
    source: str = ""
    definition: str = ""
    aliases: tuple[str, ...] = ()
    words: int | None = None
    missed: int | None = None


@dataclass(frozen=True, eq=False)
class SetAside:
    """A set that was defined but is not tested: its description, members and the reason."""

    info: SetInfo
    ids: Ids
    reason: str

    @property
    def name(self) -> str:
        """The set's name."""
        return self.info.name

    @property
    def size(self) -> int:
        """The number of its tokens."""
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class TokenSets:
    """S named sets of a vocabulary's tokens. They cannot be changed; methods return new ones.

    Set s holds `ids[indptr[s]:indptr[s + 1]]`: in ascending order, each once, none masked.

    Attributes:
        vocabulary: the vocabulary whose ids they are.
        indptr: [S + 1] int64, where each set begins in `ids`.
        ids: [memberships] int32 token ids.
        infos: name, family, description and provenance of each set.
        set_aside: sets that were defined but left out, with their members and the reason.

    Raises:
        TokenSetError: for ids that are out of range, masked, unsorted or repeated, names that
            stand for two sets, names and descriptions that no one could read (control characters,
            thousands of characters), or arrays that do not fit together.
    """

    vocabulary: Vocabulary
    indptr: npt.NDArray[np.int64]
    ids: Ids
    infos: tuple[SetInfo, ...]
    set_aside: tuple[SetAside, ...] = ()

    def __post_init__(self) -> None:
        _check_shape(self)
        _check_names(self.infos)
        _check_texts([*self.infos, *(each.info for each in self.set_aside)])
        _check_ids(self)
        self.indptr.flags.writeable = False
        self.ids.flags.writeable = False

    @classmethod
    def from_ids(
        cls,
        members: Mapping[str, Iterable[int]],
        vocabulary: Vocabulary,
        *,
        family: str = "",
        source: str = "ids",
    ) -> TokenSets:
        """Return the sets with the given members, which may come in any order.

        >>> vocabulary = Vocabulary.from_texts([" he", " she", " it"])
        >>> TokenSets.from_ids({"gendered": [1, 0]}, vocabulary)["gendered"]
        array([0, 1], dtype=int32)

        Raises:
            TokenSetError: for ids that are out of range or masked.
        """
        drafts = [(SetInfo(name, family, source=source), ids) for name, ids in members.items()]
        return cls.from_drafts(drafts, vocabulary)

    @classmethod
    def from_drafts(
        cls,
        drafts: Iterable[tuple[SetInfo, Iterable[int]]],
        vocabulary: Vocabulary,
        set_aside: Sequence[SetAside] = (),
    ) -> TokenSets:
        """Return the sets made of descriptions and their members.

        Raises:
            TokenSetError: for ids that are out of range or masked, or repeated names.
        """
        infos, members = [], []
        for info, ids in drafts:
            infos.append(info)
            members.append(_sorted_ids(ids, info.name, len(vocabulary)))
        indptr = np.zeros(len(members) + 1, np.int64)
        np.cumsum([len(ids) for ids in members], out=indptr[1:])
        joined = np.concatenate([np.empty(0, np.int32), *members])
        return cls(vocabulary, indptr, joined, tuple(infos), tuple(set_aside))

    def __len__(self) -> int:
        return len(self.infos)

    def __repr__(self) -> str:
        aside = f", {len(self.set_aside):,} set aside" if self.set_aside else ""
        return f"TokenSets({len(self):,} sets, {len(self.ids):,} memberships{aside})"

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._positions

    def __getitem__(self, name: str) -> Ids:
        """Return the ids of one set, by its name or an alias of it."""
        at = self.position(name)
        return self.ids[self.indptr[at] : self.indptr[at + 1]]

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each set."""
        return tuple(info.name for info in self.infos)

    @property
    def families(self) -> tuple[str, ...]:
        """The families, each once, in order of appearance."""
        return tuple(dict.fromkeys(info.family for info in self.infos))

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """[S] the number of tokens in each set."""
        return np.diff(self.indptr)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {
            name: at for at, info in enumerate(self.infos) for name in (info.name, *info.aliases)
        }

    def position(self, name: str) -> int:
        """Return the row of a set, by its name or an alias.

        Raises:
            TokenSetError: when there is no such set, with the reason if it was set aside.
        """
        at = self._positions.get(name)
        if at is not None:
            return at
        for aside in self.set_aside:
            if aside.name == name:
                raise TokenSetError(
                    f"The token set {name!r} was set aside: {aside.reason}. A set that is too "
                    "small or too large is kept with another min_size or max_share."
                )
        raise TokenSetError(
            f"There is no token set {name!r} among {len(self):,}."
            f"{did_you_mean(name, self._positions)}"
        )

    def info(self, name: str) -> SetInfo:
        """Return a set's description, by its name or an alias."""
        return self.infos[self.position(name)]

    def texts(self, name: str) -> list[str]:
        """Return the text of each token of a set, in order of id."""
        texts = self.vocabulary.texts
        return [texts[token] for token in self[name]]

    def containing(self, token: int) -> list[str]:
        """Return the names of the sets that a token id belongs to."""
        rows = np.searchsorted(self.indptr, np.flatnonzero(self.ids == token), side="right") - 1
        return [self.infos[row].name for row in rows]

    def select(self, names: Iterable[str]) -> TokenSets:
        """Return the named sets, in that order.

        Raises:
            TokenSetError: when there is no such set.
        """
        return self._rows([self.position(name) for name in names])

    def filter(
        self,
        *,
        family: str | Iterable[str] | None = None,
        pattern: str | None = None,
        min_size: int = 1,
        max_size: int | None = None,
    ) -> TokenSets:
        """Return the sets that fit every condition.

        Args:
            family: one or more families; `meaning` holds `meaning/time`, and so does `time`.
            pattern: a shell pattern for the name, such as `suffix:*`.
            min_size: fewest tokens.
            max_size: most tokens.

        Raises:
            TokenSetError: for a family that does not exist.
        """
        wanted = None if family is None else self._families(family)
        sizes = self.sizes
        return self._rows(
            at
            for at, info in enumerate(self.infos)
            if (wanted is None or info.family in wanted)
            and (pattern is None or fnmatch.fnmatchcase(info.name, pattern))
            and min_size <= sizes[at]
            and (max_size is None or sizes[at] <= max_size)
        )

    def union(self, *names: str, name: str | None = None) -> TokenSets:
        """Return one set: the tokens in any of the named ones."""
        return self._combined("union", names, name)

    def intersection(self, *names: str, name: str | None = None) -> TokenSets:
        """Return one set: the tokens in all of the named ones."""
        return self._combined("intersection", names, name)

    def difference(self, *names: str, name: str | None = None) -> TokenSets:
        """Return one set: the tokens of the first that are in none of the others."""
        return self._combined("difference", names, name)

    def _combined(self, how: str, names: tuple[str, ...], name: str | None) -> TokenSets:
        ids = combine(how, [self[each] for each in names])
        text = f"{how} of {', '.join(names)}"
        info = SetInfo(name or text, "combined", f"The {text}.", "combined", text)
        return TokenSets.from_drafts([(info, ids)], self.vocabulary)

    def _rows(self, rows: Iterable[int]) -> TokenSets:
        drafts = [
            (self.infos[row], self.ids[self.indptr[row] : self.indptr[row + 1]]) for row in rows
        ]
        return TokenSets.from_drafts(drafts, self.vocabulary, self.set_aside)

    def _families(self, family: str | Iterable[str]) -> set[str]:
        wanted: set[str] = set()
        for each in [family] if isinstance(family, str) else family:
            found = {known for known in self.families if is_within(known, each)}
            if not found:
                parts = {part for known in self.families for part in (known, *known.split("/"))}
                raise TokenSetError(
                    f"There is no family {each!r}.{did_you_mean(each, parts)} "
                    f"Families: {', '.join(sorted(self.families))}."
                )
            wanted |= found
        return wanted


def combine(how: str, members: Sequence[Ids]) -> Ids:
    """Return the union, intersection or difference (first less the others) of id arrays.

    Args:
        how: `union`, `intersection` or `difference`.
        members: the sets, each ascending and each token once.

    Raises:
        TokenSetError: when there is nothing to combine.
    """
    if not members:
        raise TokenSetError(f"The {how} of no sets has no meaning: name at least one.")
    step: Callable[[Ids, Ids], Ids] = _STEPS[how]
    return reduce(step, members)


_STEPS: dict[str, Any] = {
    "union": np.union1d,
    # Sets hold each token once; to make sure of it again would cost more than the rest.
    "intersection": partial(np.intersect1d, assume_unique=True),
    "difference": partial(np.setdiff1d, assume_unique=True),
}


def is_within(family: str, wanted: str) -> bool:
    """Return whether a family is, or lies within, the wanted one.

    >>> is_within("meaning/time", "meaning"), is_within("meaning/time", "time")
    (True, True)
    """
    return f"/{wanted.strip('/')}/" in f"/{family}/"


def with_aliases(info: SetInfo, aliases: Iterable[str]) -> SetInfo:
    """Return the description with further names, each once."""
    known = dict.fromkeys((*info.aliases, *aliases))
    known.pop(info.name, None)
    return replace(info, aliases=tuple(known))


def _sorted_ids(ids: Iterable[int], name: str, n_tokens: int) -> Ids:
    """Return ids in order, each once; no more are taken than there may be, however many come."""
    found = ids if isinstance(ids, np.ndarray) else _listed(ids, name, n_tokens)
    if found.ndim != 1:
        raise TokenSetError(f"The ids of {name!r} have shape {found.shape}: give a list of them.")
    if found.size and not np.issubdtype(found.dtype, np.integer):
        raise TokenSetError(
            f"The ids of {name!r} are {_kind(found)}, but token ids are whole numbers, from 0 to "
            f"{n_tokens - 1:,} here."
        )
    if found.size and not 0 <= found.min() <= found.max() <= np.iinfo(np.int32).max:
        raise TokenSetError(f"{name!r} holds the id {found.min()} or {found.max()}: no token id.")
    return np.unique(found).astype(np.int32)


def _listed(ids: Iterable[int], name: str, n_tokens: int) -> npt.NDArray[Any]:
    most = 2 * n_tokens + 1_000
    try:
        found = list(islice(ids, most + 1))
    except TypeError as error:
        raise TokenSetError(
            f"The ids of {name!r} should be a list of whole numbers, not {type(ids).__name__}."
        ) from error
    if len(found) > most:
        raise TokenSetError(
            f"{name!r} has more than {most:,} ids, but the vocabulary has {n_tokens:,} tokens."
        )
    try:
        return np.asarray(found)
    except (ValueError, OverflowError) as error:
        raise TokenSetError(
            f"The ids of {name!r} are no list of whole numbers: {error}."
        ) from error


def _kind(ids: npt.NDArray[Any]) -> str:
    if ids.dtype != object:
        return str(ids.dtype)
    strange = next((each for each in ids if not isinstance(each, int)), ids[0])
    return f"such as {shown(repr(strange), most=40)}"


def _check_shape(sets: TokenSets) -> None:
    indptr, ids = sets.indptr, sets.ids
    for what, array in (("indptr", indptr), ("ids", ids)):
        if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, np.integer):
            raise TokenSetError(f"{what} should be an array of whole numbers.")
    if (
        indptr.shape != (len(sets.infos) + 1,)
        or ids.ndim != 1
        or indptr[0] != 0
        or indptr[-1] != len(ids)
        or (np.diff(indptr) < 0).any()
    ):
        raise TokenSetError(
            f"indptr {indptr.shape} should rise from 0 to the {len(ids):,} ids, with one entry "
            f"more than the {len(sets.infos):,} sets."
        )


def _check_names(infos: Sequence[SetInfo]) -> None:
    owner: dict[str, str] = {}
    for info in infos:
        for name in (info.name, *info.aliases):
            problem = name_problem(name)
            if problem is not None:
                raise TokenSetError(problem)
            if name in owner:
                raise TokenSetError(
                    f"Two token sets are called {name!r}. Names are unique; rename one of them."
                )
            owner[name] = info.name


def _check_texts(infos: Iterable[SetInfo]) -> None:
    for info in infos:
        problem = problem_of(info.name, info.family, info.description, info.source)
        if problem is not None:
            raise TokenSetError(problem)


def _check_ids(sets: TokenSets) -> None:
    ids, vocabulary = sets.ids, sets.vocabulary
    if not len(ids):
        return
    bad = np.flatnonzero((ids < 0) | (ids >= len(vocabulary)))
    if len(bad):
        raise TokenSetError(
            f"{_owner(sets, bad[0])!r} holds the id {ids[bad[0]]}, but {vocabulary!r} has ids "
            f"0 to {len(vocabulary) - 1}."
        )
    bad = np.flatnonzero(vocabulary.masked[ids])
    if len(bad):
        token = ids[bad[0]]
        raise TokenSetError(
            f"{_owner(sets, bad[0])!r} holds token {token} ({vocabulary.texts[token]!r}), which "
            "is special or unused and takes part in nothing. Leave it out."
        )
    rises = np.diff(ids) > 0
    starts = sets.indptr[1:-1]
    rises[starts[(starts > 0) & (starts < len(ids))] - 1] = True
    if not rises.all():
        at = int(np.argmin(rises))
        raise TokenSetError(
            f"The ids of {_owner(sets, at)!r} are not in ascending order, each once: use "
            "TokenSets.from_ids, which sorts them."
        )


def _owner(sets: TokenSets, at: int) -> str:
    return sets.infos[int(np.searchsorted(sets.indptr, at, side="right")) - 1].name
