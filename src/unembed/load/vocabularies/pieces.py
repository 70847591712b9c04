"""How tokenizers spell bytes in their vocabularies, and how to read it back.

Two spellings cover nearly all generative models: the byte-level alphabet of GPT-2 (Radford
et al. 2019, `bytes_to_unicode`), in which each byte is one printable character, and
SentencePiece (Kudo & Richardson 2018), in which `▁` is a space and `<0x0A>` a single byte.
WordPiece (BERT, Devlin et al. 2019) splits text into words first, and marks the pieces that
do not begin one: `##ing`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from unembed.errors import FormatError, VocabularyError

SENTENCEPIECE_SPACE = "\u2581"
_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_PLACEHOLDER = re.compile(
    r"<\|?(unused|reserved|extra|dummy|placeholder)[_a-z]*[-_ ]?\d+\|?>|<SPECIAL_\d+>"
    r"|\[(unused|PAD|UNUSED_TOKEN_)\d+\]|<?madeupword\d+>?"
)
_CONTROL = re.compile(
    r"<\|.*\|>|<｜.*｜>|</?(s|unk|pad|mask|bos|eos|cls|sep)>"
    r"|\[(multimodal|PAD|UNK|MASK|CLS|SEP|BOS|EOS)\]"
)
_ALSO_HTML = ("<s>", "</s>")
CONTINUING = "##"


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
    return spaced(piece)


def is_byte(piece: str) -> bool:
    """Return whether a SentencePiece piece stands for a single byte, such as `<0x0A>`."""
    return _BYTE_PIECE.fullmatch(piece) is not None


def spaced(piece: str) -> bytes:
    """Return the bytes of a SentencePiece piece that is not a single byte."""
    return piece.replace(SENTENCEPIECE_SPACE, " ").encode()


def word_piece(piece: str, prefix: str = CONTINUING) -> bytes:
    r"""Return the bytes of a WordPiece: one that begins a word has a space before it.

    The tokenizer cuts words at white space, and at every mark and Chinese character, which are
    words of their own wherever they stand: that they have no prefix says nothing of a space.

    >>> word_piece("the"), word_piece("##ing"), word_piece(",")
    (b' the', b'ing', b',')
    """
    if prefix and piece != prefix and piece.startswith(prefix):
        return piece.removeprefix(prefix).encode()
    return (piece if all(map(_stands_alone, piece)) else f" {piece}").encode()


def _stands_alone(character: str) -> bool:
    """Whether BERT's tokenizer cuts before and after a character, space or not."""
    if character.isascii():
        return not character.isalnum()
    if unicodedata.category(character)[0] == "P":
        return True
    return any(first <= ord(character) <= last for first, last in _CHINESE)


_CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip
"""Blocks of Unicode that BERT's tokenizer splits into single characters; kana is not of them."""


def python_bytes(piece: str) -> bytes:
    r"""Return the bytes of a piece that is written as in a Python bytes literal (RWKV in GGUF).

    >>> python_bytes(r"\xe2\n'a")
    b"\xe2\n'a"

    Raises:
        ValueError: when it is not.
    """
    return _ESCAPE.sub(_unescaped, piece).encode("latin-1")


_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_BY_LETTER = {"n": "\n", "t": "\t", "r": "\r"}


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    return chr(int(code[1:], 16)) if len(code) == 3 else _BY_LETTER.get(code, code)


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
    """Return whether a token's name is that of a control token, wherever it stands.

    >>> is_control("<|endoftext|>"), is_control("</s>"), is_control("<div>")
    (True, True, False)
    """
    return _CONTROL.fullmatch(name) is not None


def is_control_text(name: str) -> bool:
    """Return whether text that is added to a vocabulary, but not said to be special, controls.

    Gemma's `<s>` and `</s>` are HTML's, and not marked; Llama's and Mistral's are marked.

    >>> is_control_text("<|im_start|>"), is_control_text("<s>")
    (True, False)
    """
    return name not in _ALSO_HTML and is_control(name)


def marks_ends(place: object, mark: str) -> FormatError:
    """Return the error for pieces that say where words end, and not where they begin."""
    return FormatError(
        f"{place} marks where words end ({mark!r}), as old tokenizers do: whether a piece begins a "
        "word, which token sets and labels rest on, cannot be told from it. Give W_U with a "
        "vocabulary of your own: unembed.prepare_unembedding(W_U, Vocabulary.from_texts(…))."
    )
