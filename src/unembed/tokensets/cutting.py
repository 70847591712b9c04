"""How a tokenizer cuts a word into tokens, told from its vocabulary alone."""

from __future__ import annotations

from collections.abc import Sequence

from unembed.vocabulary import Vocabulary

_BYTE_LEVEL = ("byte-level", "gpt2", "tiktoken")
_BPE = ("BPE", "llama", *_BYTE_LEVEL)


class Cutter:
    """Cuts texts without white space inside as a vocabulary's tokenizer does.

    - **BPE** (Sennrich et al. 2016): ids ascend in the order in which pairs were merged (GPT-2,
      Llama, Gemma, Qwen and tiktoken alike), so the pair whose token has the least id is merged
      first. Of the lexicon's words that GPT-2, Qwen3, Gemma 3 and Llama 2 split, every one is cut
      as their own tokenizers cut it.
    - **WordPiece**: the longest token first, from the left, which is its own rule.
    - Others (Unigram, plain texts) say nothing of how they cut: the longest token first as well,
      which has the first two tokens of three words in four right for a Unigram of 32,000 tokens.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        kind = vocabulary.kind
        self.is_bpe = any(known in kind for known in _BPE)
        self._of_bytes = any(known in kind for known in _BYTE_LEVEL)
        self._never = len(vocabulary)
        masked = vocabulary.masked.tolist()
        # Of tokens that write the same bytes the last counts: a piece, before a lone byte.
        self.ids: dict[bytes, int] = {
            raw: token for token, raw in enumerate(vocabulary.token_bytes) if not masked[token]
        }

    def __call__(self, text: str) -> list[bytes]:
        """Return what each token of a text writes; bytes that no token writes stay as they are."""
        return self._merged(text) if self.is_bpe else self._longest_first(text)

    def _merged(self, text: str) -> list[bytes]:
        parts, known, never = self._symbols(text), self.ids.get, self._never
        while len(parts) > 1:
            best, at = never, 0
            for left in range(len(parts) - 1):
                rank = known(parts[left] + parts[left + 1], never)
                if rank < best:
                    best, at = rank, left
            if best == never:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts

    def _symbols(self, text: str) -> list[bytes]:
        """Return what merging starts from: bytes, or in SentencePiece's style characters."""
        if self._of_bytes:
            return _bytes(text.encode())
        characters = [character.encode() for character in text]
        return [part for raw in characters for part in ([raw] if raw in self.ids else _bytes(raw))]

    def _longest_first(self, text: str) -> list[bytes]:
        raw, parts, start = text.encode(), list[bytes](), 0
        while start < len(raw):
            ends = range(len(raw), start, -1)
            stop = next((end for end in ends if raw[start:end] in self.ids), start + 1)
            parts.append(raw[start:stop])
            start = stop
        return parts


def _bytes(raw: Sequence[int]) -> list[bytes]:
    return [bytes([byte]) for byte in raw]
