"""How tokenizers spell bytes in their vocabularies, and how to read it back.

Two spellings cover nearly all language models: the byte-level alphabet of GPT-2 (Radford
et al. 2019, `bytes_to_unicode`), in which each byte is one printable character, and
SentencePiece (Kudo & Richardson 2018), in which `▁` is a space and `<0x0A>` a single byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from unembed.errors import VocabularyError

SENTENCEPIECE_SPACE = "\u2581"
_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_PLACEHOLDER = re.compile(r"<\|?(unused|reserved|extra)[_a-z]*[-_ ]?\d+\|?>|\[unused\d+\]")
_CONTROL = re.compile(
    r"<\|.*\|>|<｜.*｜>|</?(s|unk|pad|mask|bos|eos)>|\[(multimodal|PAD|UNK|MASK)\]"
)


def _byte_alphabet() -> dict[str, int]:
    """Return character → byte: printable Latin-1 stands for itself, the rest from U+0100 on."""
    itself = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(256) if byte not in set(itself)]
    alphabet = {chr(byte): byte for byte in itself}
    alphabet.update({chr(0x100 + index): byte for index, byte in enumerate(moved)})
    return alphabet


BYTE_OF_CHARACTER = _byte_alphabet()


def byte_level(piece: str) -> bytes:
    r"""Return the bytes of a byte-level piece; text outside the alphabet is taken as it is.

    >>> byte_level("Ġthe"), byte_level("Ċ")
    (b' the', b'\n')
    """
    try:
        return bytes(BYTE_OF_CHARACTER[character] for character in piece)
    except KeyError:
        return piece.encode()


def sentencepiece(piece: str) -> bytes:
    r"""Return the bytes of a SentencePiece piece.

    >>> sentencepiece("▁the"), sentencepiece("<0x0A>")
    (b' the', b'\n')
    """
    byte = _BYTE_PIECE.fullmatch(piece)
    if byte:
        return bytes([int(byte[1], 16)])
    return piece.replace(SENTENCEPIECE_SPACE, " ").encode()


def by_id(ids: Iterable[tuple[str, int]], place: object) -> dict[int, str]:
    """Return id → piece.

    Raises:
        VocabularyError: when two pieces have the same id.
    """
    piece_of_id: dict[int, str] = {}
    for piece, index in ids:
        first = piece_of_id.setdefault(index, piece)
        if first != piece:
            raise VocabularyError(
                f"{place}: the pieces {first!r} and {piece!r} have the same id {index}. An id "
                "stands for one token; the file is damaged, download it again."
            )
    return piece_of_id


def is_placeholder(name: str) -> bool:
    """Return whether a token's name says that nothing was ever trained on it.

    >>> is_placeholder("<unused12>"), is_placeholder("<|reserved_special_token_7|>")
    (True, True)
    """
    return _PLACEHOLDER.fullmatch(name) is not None


def is_control(name: str) -> bool:
    """Return whether a token's name is that of a control token.

    >>> is_control("<|endoftext|>"), is_control("</s>"), is_control("<div>")
    (True, True, False)
    """
    return _CONTROL.fullmatch(name) is not None
