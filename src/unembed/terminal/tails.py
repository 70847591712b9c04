"""What is said of a feature's tails: how few tokens make one heavy, and the words at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from unembed.numerals import power
from unembed.outside.text import quoted

_SIDES = {"top": ("right", "green"), "bottom": ("left", "red")}


def shortest(facts: dict[str, Any], tokens: Mapping[str, Sequence[str]]) -> list[Text]:
    """Return a line for each tail that few tokens make: which they are.

    Args:
        facts: of a feature, with `tail_tokens_top` and `tail_tokens_bottom`.
        tokens: at its top, and at its bottom, the outermost first.
    """
    lines = []
    for end, (side, style) in _SIDES.items():
        count = facts[f"tail_tokens_{end}"]
        if count is not None:
            these = "this token" if count == 1 else f"these {count} tokens"
            listed = " ".join(map(quoted, tokens[end][:count]))
            said = f"without {these} the {side} tail is ordinary: "
            lines.append(_line(said).append(listed, style))
    return lines


def own_words(facts: dict[str, Any]) -> list[Text]:
    """Return a line for each end that was asked for words which belong together.

    Args:
        facts: of a feature, with `words_top`, `log10_p_words_top`, and so of the bottom.
    """
    lines = []
    for end, (_, style) in _SIDES.items():
        chance = facts[f"log10_p_words_{end}"]
        if chance is not None:
            of_random = f"random directions: p {power(chance)}"
            words = " ".join(map(quoted, facts[f"words_{end}"] or ()))
            line = _line(f"words at the {end} that belong together ({of_random}): ")
            lines.append(line.append(words or "none", style if words else ""))
    return lines


def _line(said: str) -> Text:
    return Text(said, overflow="ellipsis", no_wrap=True)
