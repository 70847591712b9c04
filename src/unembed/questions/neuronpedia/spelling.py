"""Tokens as Neuronpedia's pages spell them: by the tokenizer's own symbols, not as text.

A byte-level tokenizer writes each byte as a character (Radford et al. 2019), so that a token that
is no plain text, such as ケ, stands there as `ãĤ±`. SAEDashboard takes a token from the tokenizer's
vocabulary and turns ten of these spellings back: space, line break, tab, and some quotes and dashes
(`HTML_ANOMALIES` of its runner, 0.8.0). Of SentencePiece's vocabularies it turns none, so that a
space stays `▁`.
"""

from __future__ import annotations

from collections.abc import Iterable

from unembed.load.vocabularies.pieces import BYTE_OF_CHARACTER, SENTENCEPIECE_SPACE

_CHARACTER_OF_BYTE = {byte: character for character, byte in BYTE_OF_CHARACTER.items()}
_TURNED_BACK = {
    "âĢĶ": "—", "âĢĵ": "–", "âĢľ": "“", "âĢĿ": "”", "âĢĺ": "‘", "âĢĻ": "’", "âĢĭ": " ",
    "Ġ": " ", "Ċ": "\n", "ĉ": "\t",
}  # fmt: skip
_SENTENCEPIECE = ("SentencePiece", "GGUF, llama", "GGUF, t5", "GGUF, gemma4")
_BYTE_LEVEL = ("byte-level", "GGUF, gpt2", "tiktoken")


def spelt(tokens: Iterable[bytes], vocabulary: str) -> list[str]:
    r"""Return tokens as a dashboard spells them.

    >>> spelt([" the".encode(), "ケ".encode(), b"\n"], "tokenizer.json, byte-level BPE")
    [' the', 'ãĤ±', '\n']
    >>> spelt([" the".encode(), b"\n"], "tokenizer.model, SentencePiece")
    ['▁the', '<0x0A>']

    Args:
        tokens: the bytes that each writes.
        vocabulary: its kind, as a run's manifest says it. Of any other kind the text is taken.
    """
    if any(kind in vocabulary for kind in _SENTENCEPIECE):
        return [_sentencepiece(each) for each in tokens]
    if any(kind in vocabulary for kind in _BYTE_LEVEL):
        return [_byte_level(each) for each in tokens]
    return [each.decode("utf-8", "backslashreplace") for each in tokens]


def _byte_level(token: bytes) -> str:
    found = "".join(_CHARACTER_OF_BYTE[byte] for byte in token)
    for spelling, text in _TURNED_BACK.items():
        found = found.replace(spelling, text)
    return found


def _sentencepiece(token: bytes) -> str:
    """Return a piece: single bytes that are no printable text have a name of their own."""
    try:
        text = token.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if len(token) == 1 and not (text.isprintable() and text):
        return f"<0x{token[0]:02X}>"
    return text.replace(" ", SENTENCEPIECE_SPACE) or token.decode("utf-8", "backslashreplace")
