"""Readers of vocabularies: one file of this folder for each format tokens are kept in."""

from __future__ import annotations

from unembed.errors import VocabularyError, listed
from unembed.load.folder import Folder
from unembed.load.reference import Place
from unembed.load.tensors.gguf import are_parts
from unembed.load.vocabularies.added import add_tokens_beside, tokenizer_class
from unembed.load.vocabularies.gguf_tokens import read_gguf
from unembed.load.vocabularies.gpt2_files import read_gpt2_files
from unembed.load.vocabularies.sentencepiece import read_sentencepiece
from unembed.load.vocabularies.tekken import read_tekken
from unembed.load.vocabularies.tiktoken import is_tiktoken, read_tiktoken
from unembed.load.vocabularies.tokenizer_json import read_tokenizer_json
from unembed.load.vocabularies.tokens import Tokens
from unembed.load.vocabularies.wordpiece import read_vocab_txt
from unembed.vocabulary import Vocabulary

__all__ = ["read_vocabulary"]

_VOCAB_NAMES = ("vocab.json", "encoder.json")
_MERGES_NAMES = ("merges.txt", "vocab.bpe")
_TEKKEN = "tekken.json"
_PREFERRED = (
    "tokenizer.json", _TEKKEN, *_VOCAB_NAMES, "tokenizer.model", "spiece.model", "spm.model",
    "vocab.txt",
)  # fmt: skip
"""Where several lie in a folder, the first of these says the most."""
_ENDINGS = (".tiktoken", ".tiktoken.gz", ".gguf")
_KNOWN = (
    "tokenizer.json, tekken.json, vocab.json with merges.txt (or encoder.json with vocab.bpe), "
    "tokenizer.model, spiece.model, vocab.txt, *.tiktoken, *.tiktoken.gz and *.gguf"
)
_SHIFTED = ("pegasus", "xlmroberta", "camembert", "mbart", "nllb", "xglm", "barthez", "bartpho")
"""Tokenizers of `transformers` that number SentencePiece's pieces anew."""
_SHIFTED_NAME = "sentencepiece.bpe.model"


def read_vocabulary(place: Place) -> Vocabulary:
    """Return the vocabulary in a file, or in the folder of a model or tokenizer.

    Tokens that `added_tokens.json` or `tokenizer_config.json` beside it add are there too.

    Raises:
        VocabularyError: when no format that can be read is found there.
        FormatError: when a file is not what its name promises.
        MissingExtraError: when a format needs a package that is not installed.
    """
    file = place.file or _find(place.folder)
    if file.endswith(".gguf"):
        return read_gguf(place.folder.fetch(file))
    tokens = _read(place.folder, file)
    if file != _TEKKEN:
        add_tokens_beside(tokens, place.folder)
    return tokens.vocabulary()


def _read(folder: Folder, file: str) -> Tokens:
    path = folder.fetch(file)
    if file in _VOCAB_NAMES:
        merges = next((name for name in _MERGES_NAMES if folder.has(name)), None)
        return read_gpt2_files(path, folder.fetch(merges) if merges else None)
    if file == _TEKKEN:
        return read_tekken(path)
    if file.endswith(".json"):
        return read_tokenizer_json(path)
    if file.endswith((".tiktoken", ".tiktoken.gz")):
        return read_tiktoken(path)
    if file.endswith(".txt"):
        return read_vocab_txt(path)
    if ".model" in file or file.endswith(".spm"):
        if is_tiktoken(path):
            return read_tiktoken(path)
        _check_numbering(folder, file)
        return read_sentencepiece(path)
    raise VocabularyError(
        f"{folder.name}/{file} is no vocabulary that can be read. Known: {_KNOWN}."
    )


def _check_numbering(folder: Folder, file: str) -> None:
    """Check that a SentencePiece model's ids are those of the language model.

    Raises:
        VocabularyError: when they are not.
    """
    reader = tokenizer_class(folder)
    shifted = file == _SHIFTED_NAME or reader.lower().startswith(_SHIFTED)
    if shifted or any(folder.has(name) for name in _VOCAB_NAMES):
        why = "vocab.json says which" if not shifted else f"as {reader or 'such tokenizers'} do"
        raise VocabularyError(
            f"{folder.name}/{file} holds pieces that the model has under other ids ({why}). Give "
            "the model's tokenizer.json, or its vocab.json."
        )


def _find(folder: Folder) -> str:
    """Return the name of the file that holds a folder's vocabulary.

    Raises:
        VocabularyError: when there is none, or several that may differ.
    """
    names = folder.names()
    for name in (*_PREFERRED, _SHIFTED_NAME):
        if name in names:
            return name
    for ending in _ENDINGS:
        found = [name for name in names if name.endswith(ending)]
        if len(found) == 1 or are_parts(found):  # the first part has the tokens
            return found[0]
        if found:
            raise VocabularyError(
                f"{folder.name} holds {len(found)} vocabularies, {listed(found, most=6)}. Name "
                "one of them (on the command line: --tokenizer)."
            )
    raise VocabularyError(
        f"No vocabulary in {folder.name}. Known: {_KNOWN}. Name the tokenizer's file or folder "
        "(on the command line: --tokenizer)."
    )
