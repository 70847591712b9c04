"""SentencePiece models (`tokenizer.model`, `spiece.model`): Unigram and BPE."""

from __future__ import annotations

from pathlib import Path

from unembed.errors import FormatError, MissingExtraError
from unembed.load.vocabularies import pieces
from unembed.load.vocabularies.tokens import Tokens
from unembed.outside.files import read_bytes
from unembed.outside.limits import VOCABULARY_BYTES


def read_sentencepiece(path: Path) -> Tokens:
    """Return the tokens of a SentencePiece model.

    Control tokens and the unknown one are special, unused ones are unused, byte pieces write
    their byte. Among the others, those that were defined by hand stand as text too, unless they
    are named like control tokens (`<|…|>`, `<mask>`).

    Raises:
        FormatError: when the file is damaged, or no such model.
        MissingExtraError: when the `sentencepiece` package is not installed.
    """
    try:
        from sentencepiece import SentencePieceProcessor
    except ImportError as error:
        raise MissingExtraError(
            "Reading a SentencePiece model needs the sentencepiece package: "
            "pip install 'unembed[sentencepiece]'. A tokenizer.json needs no package."
        ) from error
    try:
        model = SentencePieceProcessor(model_proto=read_bytes(path, VOCABULARY_BYTES))
    except (RuntimeError, ValueError) as error:
        raise FormatError(
            f"{path} cannot be read as a SentencePiece model: {error}. Download it again."
        ) from error
    tokens = Tokens(f"{path.name}, SentencePiece", pieces.sentencepiece)
    for index in range(model.get_piece_size()):
        try:
            piece = model.id_to_piece(index)
        except UnicodeDecodeError as error:
            raise FormatError(
                f"{path} is damaged: its piece {index} is no text. Download it again."
            ) from error
        special = (
            model.is_control(index) or model.is_unknown(index) or pieces.is_control_text(piece)
        )
        raw = pieces.sentencepiece(piece) if model.is_byte(index) else pieces.spaced(piece)
        tokens.add(index, piece, raw, special=special, unused=model.is_unused(index))
    return tokens
