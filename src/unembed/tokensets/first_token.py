"""Which token a word that is no single token begins with."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

from unembed.errors import TokenSetError
from unembed.tokensets.reading import Space
from unembed.vocabulary import Vocabulary

_BYTE_LEVEL = ("byte-level", "gpt2", "tiktoken")


class FirstToken:
    """Cuts words by byte-pair encoding (Sennrich et al. 2016) and returns their first token.

    In BPE vocabularies the ids ascend in the order in which pairs were merged (GPT-2, Llama,
    Gemma, Qwen and tiktoken alike), so the pair whose token has the least id is merged first.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def __call__(self, word: str, space: Space = "any") -> int:
        """Return the first token of a word, after a space unless that is forbidden.

        Raises:
            TokenSetError: when the vocabulary is of no BPE tokenizer, or has no token for the
                word's first bytes.
        """
        self._check()
        text = word if space == "forbidden" else f" {word}"
        parts = self._symbols(text)
        while len(parts) > 1:
            ranks = [self._ids.get(left + right, self._never) for left, right in pairwise(parts)]
            best = min(ranks)
            if best == self._never:
                break
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        if parts[0] not in self._ids:
            raise TokenSetError(f"No token of {self.vocabulary!r} writes the start of {text!r}.")
        return self._ids[parts[0]]

    @cached_property
    def _ids(self) -> dict[bytes, int]:
        """Bytes → the token that writes them; the last such one, a piece before a lone byte."""
        vocabulary = self.vocabulary
        return {
            raw: token
            for token, raw in enumerate(vocabulary.token_bytes)
            if not vocabulary.masked[token]
        }

    @property
    def _never(self) -> int:
        return len(self.vocabulary)

    def _symbols(self, text: str) -> list[bytes]:
        """Return what merging starts from: bytes, or in SentencePiece's style characters."""
        if any(known in self.vocabulary.kind for known in _BYTE_LEVEL):
            return [bytes([byte]) for byte in text.encode()]
        characters = [character.encode() for character in text]
        return [
            part
            for raw in characters
            for part in ([raw] if raw in self._ids else [bytes([byte]) for byte in raw])
        ]

    def _check(self) -> None:
        kind = self.vocabulary.kind
        if not any(known in kind for known in ("BPE", "llama", *_BYTE_LEVEL)):
            raise TokenSetError(
                f"'first_token' needs to cut words as the tokenizer does, and that is known of BPE "
                f"vocabularies only; this one is {kind}. Use 'skip'."
            )
