"""`SteerSettings`: what features are added with, and what they are held against."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unembed.errors import UnembedError
from unembed.fitting.settings import DTYPES
from unembed.sweep.settings import AUTO

MOST_TOKENS = 512


@dataclass(frozen=True)
class SteerSettings:
    """What features are added with, and what they are held against.

    A strength is a share of the length that the stream has behind the block, as a median over all
    positions but the first of each prompt.

    Attributes:
        strengths: that are measured.
        random: directions of the same length, drawn like the bank's.
        matched: random token sets of the same frequencies, for each set of a label.
        score_strength: of the output score: ten times the largest activation, as it is published,
            is about five lengths of the stream.
        texts: prompts, the first ones, that the model writes on behind.
        text_strengths: that it does so with.
        tokens: that it writes, at most.
        seed: decides which random directions and sets.
        dtype: what the model computes in.
        device: a torch device; `auto` is a GPU where torch sees one.

    Raises:
        UnembedError: when nothing could be told from it.
    """

    strengths: tuple[float, ...] = (0.1,)
    random: int = 8
    matched: int = 200
    score_strength: float = 5.0
    texts: int = 1
    text_strengths: tuple[float, ...] = (0.3, 1.0)
    tokens: int = 16
    seed: int = 0
    dtype: str = DTYPES[0]
    device: str = AUTO

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UnembedError(f"{self.dtype!r} is no dtype. Known: {', '.join(DTYPES)}.")
        for name in ("strengths", "text_strengths"):
            object.__setattr__(self, name, tuple(dict.fromkeys(map(float, getattr(self, name)))))
        if not self.strengths:
            raise UnembedError("No strength was given to add the features with, such as 0.1.")
        for each in (*self.strengths, *self.text_strengths, self.score_strength):
            if not 0 < each < math.inf:
                raise UnembedError(
                    f"A strength is above 0, in lengths of the stream, such as 0.1; {each:g} is "
                    "not. (What a feature does when it is taken away is nearly the opposite.)"
                )
        if self.random < 1 or self.matched < 1:
            raise UnembedError(
                "A feature is held against one random direction or more, and its sets against one "
                f"random set or more, not {self.random} and {self.matched}."
            )
        if self.texts < 0 or not 0 <= self.tokens <= MOST_TOKENS:
            raise UnembedError(
                f"Texts are of 0 to {MOST_TOKENS} tokens, behind 0 prompts or more; "
                f"{self.tokens} behind {self.texts} are not."
            )
