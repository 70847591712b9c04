"""`Vocabulary`: what each token id stands for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from unembed.errors import VocabularyError
from unembed.outside.limits import LARGEST_ID, MOST_UNUSED_IDS
from unembed.outside.text import shown

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The V tokens of a tokenizer: id → raw bytes, text and flags.

    Tokenizers write a leading space as `Ġ`, `▁` or a plain space. Here it is always the
    byte 0x20, so that one pattern serves every tokenizer.

    Attributes:
        token_bytes: the bytes each token writes, by id. Special tokens hold the UTF-8 of
            their name (`<|endoftext|>`), unused ids hold `b""`.
        special: [V] tokens that control the model and never stand for text.
        unused: [V] ids without a token: padding and reserved rows.
        kind: where the tokens came from, such as `"tokenizer.json, byte-level BPE"`.

    Raises:
        VocabularyError: when the flags are not one a token.
    """

    token_bytes: tuple[bytes, ...]
    special: BoolArray
    unused: BoolArray
    kind: str

    def __post_init__(self) -> None:
        for name in ("special", "unused"):
            found = getattr(self, name).shape
            if found != (len(self),):
                raise VocabularyError(
                    f"The vocabulary has {len(self)} tokens, but its flag '{name}' has shape "
                    f"{found}. Give one flag for each token."
                )

    def __len__(self) -> int:
        return len(self.token_bytes)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} tokens, {shown(self.kind)})"

    @cached_property
    def texts(self) -> tuple[str, ...]:
        r"""The text of each token; bytes that are no UTF-8 of their own read as `\xe2`."""
        return tuple(raw.decode("utf-8", errors="backslashreplace") for raw in self.token_bytes)

    @cached_property
    def partial_utf8(self) -> BoolArray:
        """[V] tokens whose bytes are only a part of some character."""
        return np.fromiter((not _is_utf8(raw) for raw in self.token_bytes), np.bool_, len(self))

    @property
    def masked(self) -> BoolArray:
        """[V] tokens that take part in nothing: special and unused ones."""
        return self.special | self.unused

    @cached_property
    def digest(self) -> str:
        """A hash of every token's bytes and flags, for the manifest of a run."""
        tokens = (
            part for raw in self.token_bytes for part in (len(raw).to_bytes(4, "little"), raw)
        )
        content = hashlib.sha256(b"".join(tokens))
        content.update(self.special.tobytes())
        content.update(self.unused.tobytes())
        return content.hexdigest()

    def resized(self, rows: int) -> Vocabulary:
        """Return the vocabulary with unused ids appended until it has `rows` tokens.

        Models pad W_U to a round number of rows (Pythia: 50,304 rows, 50,277 tokens). Ids
        at the end that stand for no token may also be dropped, but never a real token.

        Raises:
            VocabularyError: when a real token would lose its row.
        """
        missing = rows - len(self)
        if missing >= 0:
            return Vocabulary(
                token_bytes=self.token_bytes + (b"",) * missing,
                special=np.append(self.special, np.zeros(missing, np.bool_)),
                unused=np.append(self.unused, np.ones(missing, np.bool_)),
                kind=self.kind,
            )
        beyond = np.flatnonzero(~self.masked[rows:]) + rows
        if beyond.size:
            raise VocabularyError(
                f"The vocabulary has {len(self):,} tokens but W_U has only {rows:,} rows: "
                f"token {beyond[0]} ({self.texts[beyond[0]]!r}) has no row. The tokenizer and "
                "the model do not belong together; give the tokenizer of this model."
            )
        return Vocabulary(
            self.token_bytes[:rows], self.special[:rows], self.unused[:rows], self.kind
        )

    @classmethod
    def from_texts(cls, texts: Sequence[str], *, special: Iterable[int] = ()) -> Vocabulary:
        """Return the vocabulary whose token i writes `texts[i]`.

        Args:
            texts: the decoded text of each token, with plain leading spaces.
            special: ids of the tokens to mask.

        Raises:
            VocabularyError: for no texts, half characters, or ids that are no token's.
        """
        pieces: dict[int, bytes] = {}
        for index, text in enumerate(texts):
            try:
                pieces[index] = text.encode()
            except (AttributeError, UnicodeEncodeError) as error:
                raise VocabularyError(
                    f"The text of token {index} is {shown(repr(text), most=60)}, which is no text, "
                    "or half of a character."
                ) from error
        return cls.from_ids(pieces, special=special, kind="texts")

    @classmethod
    def from_ids(
        cls,
        pieces: dict[int, bytes],
        *,
        special: Iterable[int] = (),
        unused: Iterable[int] = (),
        kind: str,
    ) -> Vocabulary:
        """Return the vocabulary with `pieces[id]` bytes; ids that are left out are unused.

        Raises:
            VocabularyError: for an empty vocabulary, negative ids, or flags on unknown ids.
        """
        if not pieces:
            raise VocabularyError("The vocabulary is empty: no token was found in it.")
        if min(pieces) < 0:
            raise VocabularyError(f"Token ids start at 0, but found id {min(pieces)}.")
        size = max(pieces) + 1
        if size - 1 > LARGEST_ID or size - len(pieces) > MOST_UNUSED_IDS:
            raise VocabularyError(
                f"A token has the id {size - 1:,}, but no vocabulary has ids beyond "
                f"{LARGEST_ID:,}, or leaves out more than {MOST_UNUSED_IDS:,}: there are "
                f"{len(pieces):,} tokens. The file is damaged; download it again."
            )
        token_bytes = [b""] * size
        missing = np.ones(size, np.bool_)
        for index, raw in pieces.items():
            token_bytes[index] = raw
            missing[index] = False
        return cls(
            token_bytes=tuple(token_bytes),
            special=_flags("special", special, size),
            unused=_flags("unused", unused, size) | missing,
            kind=kind,
        )


def _flags(name: str, ids: Iterable[int], size: int) -> BoolArray:
    """Return [V] flags of ids, which are taken one by one: there may be any number of them."""
    flags = np.zeros(size, np.bool_)
    for index in ids:
        if not isinstance(index, int | np.integer) or not 0 <= index < size:
            raise VocabularyError(
                f"The id {shown(index, most=40)} is marked {name}, but ids are whole numbers from "
                f"0 to {size - 1:,}."
            )
        flags[index] = True
    return flags


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
