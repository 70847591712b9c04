"""What is said of the things that a run was made of: kept in its manifest, and read again from it.

A fact is what a person or a later question needs to know of weights without having them: what they
are called, how large they are, where they came from, and a hash of what they were.

Facts say which run it is, so that each field is one of two kinds. Identity is what decides the
bytes of the tables: inputs by their hashes, and settings. Information is all else, and is marked so
where the field is declared: where weights lay, what was computed from them, how the work was cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from unembed.errors import UnembedError
from unembed.lens import Lens
from unembed.outside.text import has_half

Part = Literal["encoder", "gate", "up", "in"]
"""Of a feature: what of it reads."""

Side = Literal["write", "read", "both"]
"""`write`: the directions that features write. `read`: those that they read. `both`."""
SIDES: tuple[Side, ...] = get_args(Side)

_COUNTS = "counts"


def counts(part: Callable[[Any], Any] | None) -> dict[str, Any]:
    """Return the metadata of a field of which a part is identity, or nothing: `INFORMATION`.

    Args:
        part: from the field's value to what of it counts; None where nothing does.
    """
    return {_COUNTS: part}


INFORMATION = counts(None)
"""The metadata of a field that says nothing of which run it is."""


def identity(kind: type | None, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of some facts is identity.

    Args:
        kind: the dataclass of the facts; None where all of them are.
        content: by the names of its fields; what the class does not know counts.
    """
    parts = {each.name: each.metadata.get(_COUNTS, _whole) for each in fields(kind)} if kind else {}
    found = {}
    for name, value in content.items():
        part = parts.get(name, _whole)
        if part is not None:
            found[name] = part(value)
    return found


def _whole(value: Any) -> Any:
    return value


def _without_origin(preparation: Any) -> Any:
    if not isinstance(preparation, dict):
        return preparation
    return {name: value for name, value in preparation.items() if name != "origin"}


def _part_of(reads: Any) -> Any:
    return reads["part"] if isinstance(reads, dict) else reads


@dataclass(frozen=True)
class UnembeddingFacts:
    """An unembedding, or the embedding that is read against likewise, as a run names it.

    Attributes:
        name_of_model: as references name it.
        d_model: the width of the residual stream.
        tokens: how many take part.
        vocabulary: its kind.
        lens: `logit` or `cosine`.
        preparation: every choice made on the way (`Unembedding.preparation`), and where tokens have
            rows that others have too, `identical_rows`, how many do.
        sha256: `Unembedding.digest`.
    """

    name_of_model: str = field(metadata=INFORMATION)
    d_model: int
    tokens: int
    vocabulary: str
    lens: Lens
    preparation: dict[str, Any] = field(metadata=counts(_without_origin))
    sha256: str

    @property
    def is_folded(self) -> bool:
        """Whether W_U was read with the final norm taken into it, as is the rule."""
        return self.preparation.get("folded") is not False


@dataclass(frozen=True)
class LensFacts:
    """A layer lens that a bank is read through, as a run names it (`layer_lens.LayerLens`).

    Attributes:
        name: what the bank's name ends with.
        kind: `jacobian`, `tuned`, or another word.
        layer: of which directions it takes to the last one; −1 for the embedding.
        bank: the bank's name without the lens.
        notes: what a reader must know, in sentences.
        details: what is known of its making.
        origin: where it came from.
        sha256: of its matrix.
    """

    name: str
    kind: str
    layer: int
    bank: str
    notes: list[str]
    details: dict[str, Any]
    origin: dict[str, Any]
    sha256: str


@dataclass(frozen=True)
class ReadFacts:
    """What a bank is of that features read, as a run names it (`Features.reads`).

    Attributes:
        part: `encoder`, of a dictionary; of an MLP neuron `gate` and `up`, or `in` where it has no
            gate.
        bank: the bank's name without its side, as the same features have it that write.
        notes: what a reader must know, in sentences.
    """

    part: Part
    bank: str
    notes: list[str]


@dataclass(frozen=True)
class BankFacts:
    """A bank of features, as a run names it.

    Attributes:
        name: of the bank.
        features: how many it has.
        hook: where they are written, where it is known.
        layer: likewise.
        neuronpedia: its `model/source` there, where it is known.
        origin: where the weights came from.
        sha256: `Features.digest`, of directions as they are at the last layer.
        lens: the layer lens that it is read through; None for the logit lens and the cosine. The
            directions say already that it is another bank.
        reads: what its directions are of, where they are what features read, held against the
            embedding; None where they are what features write.
    """

    name: str
    features: int
    hook: str | None
    layer: int | None
    neuronpedia: str | None
    origin: dict[str, Any] = field(metadata=INFORMATION)
    sha256: str
    lens: LensFacts | None = field(default=None, metadata=INFORMATION)
    reads: ReadFacts | None = field(default=None, metadata=counts(_part_of))

    def __post_init__(self) -> None:
        for text in (self.hook, self.neuronpedia):
            if text is not None and has_half(text):
                raise UnembedError(f"{text!r:.100} holds half of a character, and is no name")

    @property
    def kind(self) -> str:
        """The bank's name without its layer.

        >>> BankFacts("sae.8.width_16k", 9, None, 8, None, {}, "").kind
        'sae.width_16k'
        >>> BankFacts("clt.5→9", 9, None, 9, None, {}, "").kind
        'clt.5'
        """
        layer = re.escape(str(self.layer))
        before = "→" if "→" in self.name else r"\."  # that after the arrow is the one it writes to
        return re.sub(rf"{before}{layer}(?=\.|$)", "", self.name, count=1)

    @property
    def steps(self) -> list[str]:
        """What was done to its directions on their way to the residual stream, in words."""
        return list(self.origin.get("steps", ()))


@dataclass(frozen=True)
class NullFacts:
    """What random directions of a bank's null are like.

    Attributes:
        origin: the bank that they are drawn like, or `identity`.
        features: how many directions that was measured on.
        shrinkage: how much of the identity is mixed in, 0 to 1.
    """

    origin: str
    features: int
    shrinkage: float = field(metadata=INFORMATION)
