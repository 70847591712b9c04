"""Readers of vocabularies: one file of this folder for each format tokens are kept in."""

from __future__ import annotations

from unembed.errors import VocabularyError
from unembed.load.folder import Folder
from unembed.load.reference import Place
from unembed.load.vocabularies.gguf_tokens import read_gguf
from unembed.load.vocabularies.gpt2_files import read_gpt2_files
from unembed.load.vocabularies.tiktoken import read_tiktoken
from unembed.load.vocabularies.tokenizer_json import read_tokenizer_json
from unembed.vocabulary import Vocabulary

__all__ = ["read_vocabulary"]

_VOCAB_NAMES = ("vocab.json", "encoder.json")
_MERGES_NAMES = ("merges.txt", "vocab.bpe")
_KNOWN = (
    "tokenizer.json, vocab.json with merges.txt (or encoder.json with vocab.bpe), *.tiktoken, "
    "*.tiktoken.gz and *.gguf"
)


def read_vocabulary(place: Place) -> Vocabulary:
    """Return the vocabulary in a file, or in the folder of a model or tokenizer.

    Raises:
        VocabularyError: when no format that can be read is found there.
        FormatError: when a file is not what its name promises.
    """
    file = place.file or _find(place.folder)
    path = place.folder.fetch(file)
    if file in _VOCAB_NAMES:
        merges = next((name for name in _MERGES_NAMES if place.folder.has(name)), None)
        return read_gpt2_files(path, place.folder.fetch(merges) if merges else None)
    if file.endswith(".gguf"):
        return read_gguf(path)
    if file.endswith(".json"):
        return read_tokenizer_json(path)
    if file.endswith((".tiktoken", ".tiktoken.gz")):
        return read_tiktoken(path)
    raise VocabularyError(f"{place.name} is no vocabulary that can be read. Known: {_KNOWN}.")


def _find(folder: Folder) -> str:
    """Return the name of the file that holds a folder's vocabulary."""
    names = folder.names()
    for name in ("tokenizer.json", *_VOCAB_NAMES):
        if name in names:
            return name
    for name in names:
        if name.endswith((".tiktoken", ".tiktoken.gz")):
            return name
    raise VocabularyError(
        f"No vocabulary in {folder.name}. Known: {_KNOWN}. Name the tokenizer's file or folder "
        "(on the command line: --tokenizer)."
    )
