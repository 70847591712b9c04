"""Which token a word that is no single token begins with."""

from __future__ import annotations

from functools import cached_property

from unembed.errors import TokenSetError
from unembed.tokensets.cutting import Cutter
from unembed.tokensets.reading import Space
from unembed.vocabulary import Vocabulary


class FirstToken:
    """Cuts words by byte-pair encoding and returns their first token."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    @cached_property
    def _cut(self) -> Cutter:
        return Cutter(self.vocabulary)

    def __call__(self, word: str, space: Space = "any") -> int:
        """Return the first token of a word, after a space unless that is forbidden.

        Raises:
            TokenSetError: when the vocabulary is of no BPE tokenizer, or has no token for the
                word's first bytes.
        """
        self._check()
        text = word if space == "forbidden" else f" {word}"
        first = self._cut(text)[0]
        if first not in self._cut.ids:
            raise TokenSetError(f"No token of {self.vocabulary!r} writes the start of {text!r}.")
        return self._cut.ids[first]

    def _check(self) -> None:
        if not self._cut.is_bpe:
            raise TokenSetError(
                f"'first_token' needs to cut words as the tokenizer does, and that is known of BPE "
                f"vocabularies only; this one is {self.vocabulary.kind}. Use 'skip'."
            )
