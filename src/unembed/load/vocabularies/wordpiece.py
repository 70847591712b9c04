"""WordPiece: BERT's `vocab.txt`, one piece a line."""

from __future__ import annotations

from pathlib import Path

from unembed.errors import FormatError
from unembed.load.vocabularies import pieces
from unembed.load.vocabularies.files import lines_of
from unembed.load.vocabularies.tokens import Tokens


def read_vocab_txt(path: Path) -> Tokens:
    """Return the tokens of a `vocab.txt`: line n (from 0) is token n.

    A piece that begins a word has a space before it, a continuing one (`##ing`) has not (see
    `pieces.word_piece`). Names in brackets, `[CLS]`, are special: text never reaches them, since
    brackets are cut off; `[unused12]` is unused.

    Raises:
        FormatError: when the file is no text, or holds no continuing pieces: then it is another
            kind of list, whose ids may not be its lines.
    """
    lines = lines_of(path)
    if lines and not lines[-1]:
        lines.pop()
    if not any(line.startswith(pieces.CONTINUING) for line in lines):
        raise FormatError(
            f"{path} is no WordPiece vocabulary: none of its {len(lines):,} lines begins with "
            f"{pieces.CONTINUING!r}. Give the tokenizer.json of the model."
        )
    tokens = Tokens(f"{path.name}, WordPiece")
    for index, piece in enumerate(lines):
        special = is_bracketed(piece) or pieces.is_control(piece)
        tokens.add(index, piece, pieces.word_piece(piece), special=special, unused=not piece)
    return tokens


def is_bracketed(piece: str) -> bool:
    """Return whether a piece is a name in brackets, which BERT's tokenizer never makes of text.

    >>> is_bracketed("[CLS]"), is_bracketed("["), is_bracketed("[]")
    (True, False, False)
    """
    return len(piece) > 2 and piece[0] == "[" and piece[-1] == "]"
