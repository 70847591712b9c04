"""Properties of tokens: one number for each, as the direction test takes them beside sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.vocabulary import Vocabulary


def token_properties(vocabulary: Vocabulary) -> dict[str, npt.NDArray[np.float64]]:
    """Return what is known of how frequent and how long each token is: [V] values by name.

    - `log_rank_frequency`: −ln of a token's place in order of id, the first real token being 1. In
      most tokenizers ids ascend from frequent to rare, and a frequency falls as one over its rank
      (Zipf's law), so that this stands in for the logarithm of a token's frequency in the text that
      the tokenizer was made from. It holds no count of any corpus.
    - `length`: characters, a leading space not counted; bytes where they are no characters.

    Masked tokens have 0. What is made of these numbers is a Pearson correlation with a feature's
    logit weights: `effects_of(token_properties(vocabulary), unembedding)`.

    >>> found = token_properties(Vocabulary.from_texts([" the", "x", " of"], special=[1]))
    >>> found["log_rank_frequency"].round(2).tolist(), found["length"].tolist()
    ([-0.0, 0.0, -0.69], [3.0, 0.0, 2.0])
    """
    real = ~vocabulary.masked
    places = np.cumsum(real)
    frequency = np.where(real, -np.log(np.maximum(places, 1)), 0.0)
    length = np.where(real, _lengths(vocabulary), 0.0)
    return {"log_rank_frequency": frequency, "length": length}


def _lengths(vocabulary: Vocabulary) -> npt.NDArray[np.float64]:
    partial = vocabulary.partial_utf8.tolist()
    rows = zip(vocabulary.texts, vocabulary.token_bytes, partial, strict=True)
    counts = (len(raw) if part else len(text.removeprefix(" ")) for text, raw, part in rows)
    return np.fromiter(counts, np.float64, len(vocabulary))
