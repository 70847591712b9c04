"""`manifest.json`: what a run was made of, and which tables it has therefore."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from unembed import sealed
from unembed.addresses import is_bank_name
from unembed.disk import told
from unembed.enrichment.settings import TseaOf
from unembed.errors import RunError
from unembed.explanation import ExplanationSettings
from unembed.facts import (
    INFORMATION,
    BankFacts,
    LensFacts,
    NullFacts,
    ReadFacts,
    UnembeddingFacts,
    counts,
    identity,
)
from unembed.lens import EMBEDDING
from unembed.outside.text import HALF
from unembed.store.typed import check_depth, facts_of, rows, table
from unembed.sweep import SweepSettings, Weight
from unembed.version import __version__

if TYPE_CHECKING:
    from unembed.features import Features
    from unembed.unembedding import Unembedding

MANIFEST = "manifest.json"
SCHEMA_VERSION = 4
"""Of runs that are made now, of what features write alone. Since 2, what identity is stands by the
fields (`facts.counts`); since 3, TSEA is read of chosen pairs, z may be kept as what it is the
product of, and pairs are counted shard by shard; since 4, features are tested before their sets
are, and what a test rests on is checked."""
_WITH_READS = 5
"""The schema of runs that hold banks of what features read, too; otherwise the same."""
MADE = (SCHEMA_VERSION, _WITH_READS)
"""Of runs that this version makes."""
SCHEMAS = (1, 2, 3, *MADE)
"""Of runs that are read."""
_CHOSEN_PAIRS = 3
"""The schema since which TSEA is read of chosen pairs."""
_FEATURES_FIRST = 4
"""The schema since which features are tested first."""
SHARD_FEATURES = 4096
"""Features in a shard, the least that is lost when a run is stopped."""
FEATURES = "features"

_LARGEST = 2**31 - 1
"""Positions of features, of sets and of tokens are kept in 32 bits."""
_MOST_SHARDS = 99_999
"""Tables of features in a run, whose names number them with five digits."""
_MOST_BYTES = 16 * 2**20
"""Of a manifest: a run of ten thousand banks needs less."""
_SHA256 = re.compile("[0-9a-f]{64}")
_RANGES = {
    "d_model": (1, _LARGEST), "tokens": (1, _LARGEST), "features": (1, _LARGEST),
    "layer": (-_LARGEST, _LARGEST), "top_k": (1, _LARGEST), "tile": (1, 2**63 - 1),
    "shard": (1, _LARGEST), "token_sets": (0, _LARGEST), "memberships": (0, 2**63 - 1),
    "directions": (0, _LARGEST), "max_q": (0, 1), "shrinkage": (0, 1),
}  # fmt: skip
"""The least and the most of the numbers in a manifest."""
_OF_NULLS = {**_RANGES, "features": (0, _LARGEST)}
"""Directions alike in every dimension are measured on no feature."""
SEAL = "seal"
"""A hash of all else that the manifest says, in the order of its keys; no part of what it says."""

_WHEREABOUTS = ("origin", "name_of_model")
"""What was no identity in schema 1, of whatever part it is a field."""


class Shard(NamedTuple):
    """A stretch of one bank's features.

    Attributes:
        bank: the bank's position in the run.
        start, stop: positions of its features in the bank.
        path: the table of its features, relative to the run folder.
    """

    bank: int
    start: int
    stop: int
    path: str

    @property
    def features(self) -> int:
        """How many there are."""
        return self.stop - self.start


@dataclass(frozen=True)
class SettingsFacts:
    """How the sweep was cut up, and what it kept (`SweepSettings`).

    Attributes:
        top_k: tokens kept at either end of each feature.
        tile: features in a tile; information.
        device: that it ran on; its kind, such as `cuda` of `cuda:1`, is identity.
        shard: features in a shard.
    """

    top_k: int
    tile: int = field(metadata=INFORMATION)
    device: str = field(metadata=counts(lambda device: str(device).partition(":")[0]))
    shard: int


@dataclass(frozen=True)
class EnrichmentFacts:
    """How features were tested against token sets.

    Attributes:
        token_sets: how many were tested.
        memberships: tokens of all of them together.
        sha256: a hash of them.
        nulls: what the random directions of each bank are like, in the order of the banks.
        max_q: pairs with q up to this are kept in full.
        directions: random ones of each bank.
        seed: decides them.
        tsea: of which pairs enrichment scores were read; in runs of schema 1 and 2, of all or none.
        weight: what a hit adds to them.
        explanation: how features were classed and labelled, None in runs that did not yet.
    """

    token_sets: int
    memberships: int
    sha256: str
    nulls: tuple[NullFacts, ...]
    max_q: float
    directions: int
    seed: int
    tsea: TseaOf = "all"
    weight: Weight = "none"
    explanation: ExplanationSettings | None = None


@dataclass(frozen=True)
class Manifest:
    """What a run was made of: everything that its tables depend on.

    Two runs of equal digests have byte-identical tables, made on one machine. Hashes are of the
    weights as they were used, so that a changed file is noticed whatever it is called.

    Attributes:
        schema_version: of the tables.
        unembed_version: that made the run.
        unembedding: that features were read against.
        embedding: that what features read was held against; None where there is none of it.
        banks: of features, in order.
        settings: of the sweep.
        enrichment: how features were tested, None for statistics alone.
        content: all of it as JSON has it, without its seal.
        is_sealed: whether it carries a hash of itself, and its tables of themselves therefore;
            those of runs made by earlier versions do not.
    """

    schema_version: int
    unembed_version: str
    unembedding: UnembeddingFacts
    banks: tuple[BankFacts, ...]
    settings: SettingsFacts
    enrichment: EnrichmentFacts | None
    content: Mapping[str, Any] = field(repr=False, compare=False)
    is_sealed: bool = field(default=True, compare=False)
    embedding: UnembeddingFacts | None = None

    @classmethod
    def of(
        cls,
        unembedding: Unembedding,
        banks: Sequence[Features],
        settings: SweepSettings,
        enrichment: Mapping[str, Any] | None = None,
    ) -> Manifest:
        """Return the manifest of a run that is about to be made."""
        embedding = unembedding.embedding if any(bank.reads for bank in banks) else None
        content = {
            "schema_version": SCHEMA_VERSION if embedding is None else _WITH_READS,
            "unembed_version": __version__,
            "unembedding": asdict(unembedding.facts),
            **({} if embedding is None else {"embedding": asdict(embedding.facts)}),
            "banks": [_said_of(bank.facts) for bank in banks],
            "settings": {**asdict(settings), "shard": SHARD_FEATURES},
            **({"enrichment": enrichment} if enrichment else {}),
        }
        return cls._read(json.loads(json.dumps(content)))

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Return the manifest of a run folder.

        Raises:
            RunError: when the folder is no run, or of a schema this version does not read, or its
                manifest says other things than were written.
        """
        path = folder / MANIFEST
        raw = _raw(folder)
        try:
            content = table(json.loads(raw), "it")
            check_depth(content)
            version = content["schema_version"]
        except RecursionError as error:
            raise _damaged(path, "its values are nested too deep") from error
        except (ValueError, KeyError) as error:
            said = f"it has no {error}" if isinstance(error, KeyError) else error
            raise _damaged(path, said) from error
        if type(version) is not int or version not in SCHEMAS:
            raise RunError(
                f"{folder} has schema version {_short(version)}; this unembed reads "
                f"{', '.join(map(str, SCHEMAS[:-1]))} and {SCHEMAS[-1]}. Nothing in it was "
                "touched. Make the run again in another folder, or use the version of unembed that "
                f"made it ({_short(content.get('unembed_version'))})."
            )
        said = content.pop(SEAL, None)
        lost = said is None and any(map(_is_hash, content.values()))  # its name is what is damaged
        if lost or (said is not None and said != _seal_of(content)):
            raise RunError(
                f"{path} is damaged: its values are not those that were written, by the hash it "
                "carries. Put the run's own file back, or make the run again. Where it was changed "
                f"by hand, and is meant as it is, take {SEAL!r} out of it."
            )
        try:
            return replace(cls._read(content), is_sealed=said is not None)
        except ValueError as error:
            raise _damaged(path, error) from error

    @classmethod
    def _read(cls, content: Mapping[str, Any]) -> Manifest:
        for part in ("unembedding", "banks", "settings"):
            if not content.get(part):
                raise ValueError(f"it has no {part!r}")
        version, enrichment = content.get("unembed_version", "?"), content.get("enrichment")
        if not isinstance(version, str):
            raise ValueError("unembed_version should be text")
        banks, embedding = enumerate(rows(content["banks"], "banks")), content.get("embedding")
        found = cls(
            content["schema_version"],
            version,
            facts_of(UnembeddingFacts, content["unembedding"], "unembedding", _RANGES),
            tuple(_bank_facts(bank, f"banks[{i}]") for i, bank in banks),
            facts_of(SettingsFacts, content["settings"], "settings", _RANGES),
            None if enrichment is None else _enrichment_facts(enrichment),
            content,
            embedding=None
            if embedding is None
            else facts_of(UnembeddingFacts, embedding, "embedding", _RANGES),
        )
        found._check()
        return found

    def _check(self) -> None:
        """Check what fields say of each other, and that every name can be a file's.

        Raises:
            ValueError: naming what is wrong.
        """
        for at, name in enumerate(self.names):
            if not is_bank_name(name):
                raise ValueError(f"banks[{at}].name is {_short(ascii(name))}, and no bank's name")
        if (self.embedding is not None) != any(bank.reads for bank in self.banks):
            raise ValueError("it should name an embedding where banks are of what features read")
        hashes = {"unembedding": self.unembedding.sha256}
        hashes |= {"embedding": self.embedding.sha256} if self.embedding else {}
        hashes |= {f"banks[{at}]": bank.sha256 for at, bank in enumerate(self.banks)}
        for place, found in hashes.items():
            if not _SHA256.fullmatch(found):
                raise ValueError(f"{place}.sha256 is {_short(ascii(found))}, and no such hash")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"two banks are named {twice[0]!r}")
        shards = sum(-(-bank.features // self.settings.shard) for bank in self.banks)
        if shards > _MOST_SHARDS:
            raise ValueError(
                f"its banks come to {shards:,} tables of features, and may to {_MOST_SHARDS:,}"
            )
        if self.enrichment and len(self.enrichment.nulls) != len(self.banks):
            raise ValueError(
                f"enrichment.nulls has {len(self.enrichment.nulls)} rows, for {len(self.banks)} "
                "banks"
            )

    def with_content(self, content: Mapping[str, Any]) -> Manifest:
        """Return the manifest that says something else, of the same run.

        Args:
            content: as `content`; what is identity must be what it was.

        Raises:
            ValueError: when it is no manifest, or another run's.
        """
        found = replace(self._read(content), is_sealed=self.is_sealed)
        if found.digest != self.digest:
            raise ValueError("it would be another run's")
        return found

    def dump(self) -> str:
        """Return the text of `manifest.json`, sealed unless it was read without a seal."""
        seal = {SEAL: _seal_of(self.content)} if self.is_sealed else {}
        content = {**self.content, **seal}
        return _dumps(content, indent=2) + "\n"

    @cached_property
    def digest(self) -> str:
        """A hash of which run it is: of its identity, not of what is information.

        Two runs of the same weights and settings have the same, wherever the weights lay and
        however the work was cut up. That of schema 1 is of its tile and of shrinkages, too.
        """
        content = _dumps(self._identity, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def _identity(self) -> Any:
        of_schema_1 = self.schema_version == 1
        return (_without_whereabouts if of_schema_1 else _identity)(self.content)

    def bank(self, name: str) -> BankFacts:
        """Return what is said of a bank of the run."""
        return self.banks[self.names.index(name)]

    @property
    def names(self) -> list[str]:
        """The names of the banks, in order."""
        return [bank.name for bank in self.banks]

    def lens_of(self, bank: BankFacts) -> str:
        """Return the lens that a bank of the run is read through."""
        if bank.reads:
            return EMBEDDING
        return bank.lens.name if bank.lens else self.unembedding.lens

    @property
    def sides(self) -> list[bool]:
        """Whether banks are of what features write (False), and of what they read (True)."""
        return sorted({bank.reads is not None for bank in self.banks})

    def against(self, bank: BankFacts) -> UnembeddingFacts:
        """Return what a bank of the run is held against: the unembedding, or the embedding."""
        if bank.reads is None:
            return self.unembedding
        assert self.embedding is not None  # was checked when it was read
        return self.embedding

    @property
    def lenses(self) -> list[str]:
        """The lenses that banks are read through, in order."""
        return list(dict.fromkeys(map(self.lens_of, self.banks)))

    @property
    def is_explained(self) -> bool:
        """Whether features have a class and a label."""
        return self.enrichment is not None and self.enrichment.explanation is not None

    @property
    def z_is_factored(self) -> bool:
        """Whether z is kept as directions and effects: smaller for more sets than dimensions."""
        tested = self.enrichment
        return (
            self.schema_version >= _CHOSEN_PAIRS
            and tested is not None
            and tested.token_sets > self.unembedding.d_model
        )

    @property
    def arrays(self) -> tuple[str, ...]:
        """What each shard has as arrays, of the kinds in `store.enrichment.ARRAYS`."""
        if self.enrichment is None:
            return ()
        every = self.schema_version >= _CHOSEN_PAIRS and self.enrichment.tsea == "all"
        return ("directions" if self.z_is_factored else "z", *(("es", "auroc") if every else ()))

    @property
    def pairs_are_counted_by_shard(self) -> bool:
        """Whether each shard has the counts of its pairs' log10 p, or each bank."""
        return self.enrichment is not None and self.schema_version >= _CHOSEN_PAIRS

    @property
    def features_are_tested(self) -> bool:
        """Whether features have a q of their own, and the tests of a bank were checked."""
        return self.enrichment is not None and self.schema_version >= _FEATURES_FIRST

    @property
    def claims_are_counted(self) -> bool:
        """Whether what the classical null claims was counted in every shard, over all pairs."""
        tested = self.enrichment
        return tested is not None and (self.schema_version < _CHOSEN_PAIRS or tested.tsea == "all")

    @property
    def claims_are_sampled(self) -> bool:
        """Whether it was asked of a sample of features of each bank."""
        tested = self.enrichment
        return tested is not None and tested.tsea == "kept" and tested.weight != "magnitude"

    @property
    def features(self) -> int:
        """How many features there are in all banks."""
        return sum(bank.features for bank in self.banks)

    @cached_property
    def first_rows(self) -> dict[str, int]:
        """The row in the run of each bank's first feature, by the bank's name."""
        starts = accumulate((bank.features for bank in self.banks), initial=0)
        return dict(zip(self.names, starts, strict=False))

    def shards(self, bank: str | None = None) -> Iterator[Shard]:
        """Yield every shard of the run, or of one bank, in order."""
        size = self.settings.shard
        for position, facts in enumerate(self.banks):
            if bank is not None and facts.name != bank:
                continue
            for number, start in enumerate(range(0, facts.features, size)):
                stop = min(start + size, facts.features)
                path = f"{FEATURES}/{facts.name}-{number:05d}.parquet"
                yield Shard(position, start, stop, path)

    def differences(self, new: Manifest) -> list[str]:
        """Return where another manifest is of another run, as `settings.top_k (20, now 10)`.

        What is information is left out of account, so that there is none between equal digests.
        """
        if self.schema_version not in MADE and self.schema_version != new.schema_version:
            return [f"schema_version ({self.schema_version}, now {new.schema_version})"]
        return _differences(self._identity, new._identity)


def _dumps(content: Any, **layout: Any) -> str:
    """Return JSON that UTF-8 has: half of a character, as for a path's byte, is escaped."""
    text = json.dumps(content, ensure_ascii=False, **layout)
    return HALF.sub(lambda half: json.dumps(half[0])[1:-1], text)


def _raw(folder: Path) -> bytes:
    """Return the bytes of the manifest in a folder.

    Raises:
        RunError: when there is none, or it is larger than any, or the disk does not give it.
    """
    path = folder / MANIFEST
    with told(path, "cannot be read", RunError):
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            found = None
        if found is None or not stat.S_ISREG(found.st_mode):
            raise _no_run(folder)
        if found.st_size > _MOST_BYTES:
            raise _damaged(path, f"it has {found.st_size:,} bytes, and may have {_MOST_BYTES:,}")
        return path.read_bytes()


def _no_run(folder: Path) -> RunError:
    name, why = str(folder), f"it holds no {MANIFEST}"
    if not folder.is_dir():
        is_there = os.path.lexists(folder)
        name, why = ("RUN", "it is no folder") if is_there else (name, "it is not there")
    return RunError(
        f"{folder} is no run: {why}. Make one with `unembed run MODEL FEATURES -o {name}`, or "
        "`unembed demo`."
    )


def _damaged(path: Path, said: object) -> RunError:
    return RunError(
        f"{path} is damaged, or is no manifest of a run: {said}. Nothing was touched. Choose "
        "another folder; or, where the run is yours, move this file away and give the command "
        "that made the run again: it takes on the tables that are its own. Make the run again "
        "where none is left."
    )


def _said_of(bank: BankFacts) -> dict[str, Any]:
    """Return what is written of a bank; of a lens and of what it reads only where there is that."""
    said = asdict(bank)
    for part in ("lens", "reads"):
        if said[part] is None:
            del said[part]
    return said


def _bank_facts(content: Any, at: str) -> BankFacts:
    given = table(content, at)
    lens, reads = (
        None if given.get(name) is None else facts_of(kind, given[name], f"{at}.{name}", _RANGES)
        for name, kind in (("lens", LensFacts), ("reads", ReadFacts))
    )
    return facts_of(BankFacts, content, at, _RANGES, lens=lens, reads=reads)


def _enrichment_facts(content: Any) -> EnrichmentFacts:
    at = "enrichment"
    given = table(content, at)
    if "nulls" not in given:
        raise ValueError(f"{at} has no 'nulls'")
    nulls = enumerate(rows(given["nulls"], f"{at}.nulls"))
    said = given.get("explanation")
    explanation = None
    if said is not None:
        explanation = facts_of(ExplanationSettings, said, f"{at}.explanation", _RANGES)
    if isinstance(given.get("tsea"), bool):  # as schemas 1 and 2 say it
        given = {**given, "tsea": "all" if given["tsea"] else "none"}
    return facts_of(
        EnrichmentFacts,
        given,
        at,
        _RANGES,
        nulls=tuple(facts_of(NullFacts, null, f"{at}.nulls[{i}]", _OF_NULLS) for i, null in nulls),
        explanation=explanation,
    )


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(sealed.METHOD)


def _seal_of(content: Mapping[str, Any]) -> str:
    """Return a hash of a manifest's values, however they are set out."""
    text = _dumps(content, sort_keys=True, separators=(",", ":"))
    return sealed.hash_of(text.encode())


_PARTS: Mapping[str, type] = {
    "unembedding": UnembeddingFacts, "embedding": UnembeddingFacts, "banks": BankFacts,
    "settings": SettingsFacts, "enrichment": EnrichmentFacts, "nulls": NullFacts,
    "explanation": ExplanationSettings,
}  # fmt: skip
"""What is said in the parts of a manifest, by their names."""


def _identity(content: Any, kind: type | None = None) -> Any:
    """Return what of a manifest, or of a part of it, says which run it is."""
    if isinstance(content, list):
        return [_identity(each, kind) for each in content]
    if not isinstance(content, dict):
        return content
    found = identity(kind, content)
    return {
        name: _identity(value, _PARTS[name]) if name in _PARTS else value
        for name, value in found.items()
    }


def _without_whereabouts(value: Any) -> Any:
    """Return a manifest of schema 1, or a part of it, without where weights lay."""
    if isinstance(value, dict):
        kept = (key for key in value if key not in _WHEREABOUTS)
        return {key: _without_whereabouts(value[key]) for key in kept}
    return [_without_whereabouts(each) for each in value] if isinstance(value, list) else value


def _differences(old: Any, new: Any, at: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in {**old, **new}
            for line in _differences(old.get(key), new.get(key), f"{at}.{key}".lstrip("."))
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = zip(old, new, strict=True)
        return [line for i, (a, b) in enumerate(pairs) for line in _differences(a, b, f"{at}[{i}]")]
    return [] if old == new else [f"{at} ({_short(old)}, now {_short(new)})"]


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} of them"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
