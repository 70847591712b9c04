"""Names of collections and files become the token sets of a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from unembed.errors import TokenSetError, did_you_mean
from unembed.tokensets.apart import set_apart
from unembed.tokensets.assemble import MAX_SHARE, MIN_SIZE, Draft, assemble, merge_token_sets
from unembed.tokensets.cache import cached
from unembed.tokensets.collections import DEFINED, crossed, default, generated
from unembed.tokensets.collections.nltk import NAME as NLTK
from unembed.tokensets.collections.nltk import drafts as nltk_drafts
from unembed.tokensets.collections.sounds import NAME as SOUNDS
from unembed.tokensets.collections.sounds import drafts as sounds_drafts
from unembed.tokensets.files.definitions import read_definitions
from unembed.tokensets.files.gmt import read_gmt
from unembed.tokensets.reading import Reading
from unembed.tokensets.resolve import resolve
from unembed.tokensets.settings import DEFAULT, DISCOVERED
from unembed.tokensets.token_sets import Ids, TokenSets
from unembed.vocabulary import Vocabulary

_IN_W_U = (
    f"The sets of {DISCOVERED!r} are found in a model's W_U, and a vocabulary has none. "
    f"`unembed run … --sets {DEFAULT},{DISCOVERED}` tests them, `unembed sets discover MODEL "
    "--named` lists them, and in Python unembed.discovered_sets(unembedding) returns them."
)
_ENDINGS = (".yaml", ".yml", ".toml", ".gmt")


def build_token_sets(
    vocabulary: Vocabulary,
    sets: str | Path | Iterable[str | Path] = DEFAULT,
    *,
    family: str | Iterable[str] | None = None,
    min_size: int = MIN_SIZE,
    max_share: float = MAX_SHARE,
    cache: bool = True,
) -> TokenSets:
    """Return token sets for a vocabulary.

    Args:
        vocabulary: of any tokenizer.
        sets: collections and files, in a list or with commas between them: `default`, `post`,
            `sounds`, `nltk`, or paths of .yaml, .toml and .gmt files.
        family: keep these families only, such as `grammar` or `meaning/time`.
        min_size: sets of fewer tokens are set aside.
        max_share: sets of a larger share of all unmasked tokens are set aside.
        cache: keep the built-in collections in the cache folder, and use what is there.

    Raises:
        TokenSetError: for unknown names, files that are wrong (with the line), and two
            different sets of one name.
        MissingExtraError: for `nltk` without NLTK or its data.
    """
    parts = [sets] if isinstance(sets, Path) else sets.split(",") if isinstance(sets, str) else sets
    source = _Source(vocabulary, min_size, max_share, cache)
    collections = [source.collection(str(part).strip()) for part in parts if str(part).strip()]
    if not collections:
        raise TokenSetError(f"No token sets were named. Built in: {', '.join(_built_in())}.")
    merged = collections[0] if len(collections) == 1 else merge_token_sets(collections)
    return merged if family is None else merged.filter(family=family)


class _Source:
    """One vocabulary and the limits of a set, for every collection that is asked for."""

    def __init__(
        self, vocabulary: Vocabulary, min_size: int, max_share: float, cache: bool
    ) -> None:
        self.vocabulary = vocabulary
        self.min_size = min_size
        self.max_share = max_share
        self.cache = cache

    @cached_property
    def reading(self) -> Reading:
        return Reading(self.vocabulary)

    def collection(self, name: str) -> TokenSets:
        if name in DEFINED:
            if not self.cache:
                return self._built_in(name)
            what = (name, self.min_size, self.max_share)
            return cached(self.vocabulary, what, lambda: self._built_in(name))
        if name == SOUNDS:
            return self._assembled(sounds_drafts(self.reading))
        if name == NLTK:
            return self._assembled(nltk_drafts(self.reading))
        if name == DISCOVERED:
            raise TokenSetError(_IN_W_U)
        return self._assembled(drafts_of_file(Path(name), self.reading))

    def _built_in(self, name: str) -> TokenSets:
        return self._assembled(self._drafts(name))

    def _drafts(self, name: str) -> list[Draft]:
        drafts = list(resolve(DEFINED[name](), self.reading, library=default()))
        if name == DEFAULT:
            drafts += generated(self.reading)
            known = {draft.info.name: draft.ids for draft in drafts}
            meetings = resolve(crossed(), self.reading, known=known)
            drafts += set_apart(meetings, drafts, len(self.vocabulary))
        return drafts

    def _assembled(self, drafts: Iterable[Draft]) -> TokenSets:
        return assemble(drafts, self.vocabulary, min_size=self.min_size, max_share=self.max_share)


def drafts_of_file(path: Path, reading: Reading) -> Iterator[Draft]:
    """Return the sets of a file of one's own.

    Raises:
        TokenSetError: when there is none, or it is wrong, with the line.
    """
    if path.suffix not in _ENDINGS:
        raise TokenSetError(
            f"There is no collection {str(path)!r}.{did_you_mean(str(path), _built_in())} "
            f"Built in: {', '.join(_built_in())}. Files of your own end in {', '.join(_ENDINGS)}."
        )
    if not path.is_file():
        what = f"{path} is no plain file" if path.exists() else f"There is no file {path}"
        raise TokenSetError(f"{what}. Give a file, or a built-in collection.")
    if path.suffix == ".gmt":
        return read_gmt(path, reading.vocabulary)
    library = (*default(), *crossed())
    return resolve(read_definitions(path), reading, library=library, known=_Generated(reading))


class _Generated:
    """The sets that a vocabulary makes of itself, by name; made when one is asked for."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    @cached_property
    def _ids(self) -> dict[str, Ids]:
        return {draft.info.name: draft.ids for draft in generated(self.reading)}

    def __contains__(self, name: object) -> bool:
        return name in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __getitem__(self, name: str) -> Ids:
        return self._ids[name]


def _built_in() -> list[str]:
    return [*DEFINED, SOUNDS, NLTK, DISCOVERED]
