"""Parts of phrases: counts, bands, marks, sounds and names of people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unembed.explanation.phrases.meaning import NAMES
from unembed.explanation.phrases.spelling import MARKS

_COUNTS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
)  # fmt: skip


def mark(character: str) -> str:
    """Return what a mark is called; the mark itself where it has no name."""
    return MARKS.get(character, f"“{character}”")


def counted(what: str) -> Callable[[str], str]:
    """Return how tokens of so many characters or bytes are said."""

    def phrase(count: str) -> str:
        number, _, more = count.partition("_")
        if not _is_number(number):
            return f"tokens of {spaced(count)} {what}s"
        many = _COUNTS[int(number)] if int(number) < len(_COUNTS) else number
        phrased = f"tokens of {many} {what}{'' if number == '1' else 's'}"
        return f"{phrased} {spaced(more)}" if more else phrased

    return phrase


def ranked(span: str) -> str:
    """Return how a band of ids is said.

    >>> ranked("0-250"), ranked("1000-2000")
    ('the first 250 tokens of the vocabulary', 'tokens 1,000 to 2,000 of the vocabulary')
    """
    edges = span.split("-")
    if len(edges) != 2 or not all(map(_is_number, edges)):
        return f"tokens {spaced(span)} of the vocabulary"
    start, stop = (f"{int(edge):,}" for edge in edges)
    if start == "0":
        return f"the first {stop} tokens of the vocabulary"
    return f"tokens {start} to {stop} of the vocabulary"


def sound(name: str) -> str:
    """Return how a sound is said.

    >>> sound("ch_of_cheese")
    '“ch” of “cheese”'
    """
    letters, _, word = name.partition("_of_")
    return f"“{letters}” of “{word}”" if word else f"“{letters}”"


def names_of(kind: str) -> str:
    """Return how a set of names is said.

    >>> names_of("female_1940s"), names_of("top_male")
    ('women’s names from 1940 to 1959', 'the most frequent men’s names')
    """
    of, _, years = kind.partition("_")
    if of in NAMES and len(years) == 5 and _is_number(years[:4]):
        return f"{NAMES[of]} from {years[:4]} to {int(years[:4]) + 19}"
    return NAMES.get(kind, f"{spaced(kind)} names")


def title(name: str) -> str:
    """Return a name with its first letters raised."""
    return spaced(name).title()


def all_of(words: Sequence[str]) -> str:
    """Return words in a row.

    >>> all_of(["-able"]), all_of(["-ize", "-ise", "-ify"])
    ('-able', '-ize, -ise and -ify')
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def spaced(name: str) -> str:
    """Return a name's words."""
    return name.replace("_", " ")


def _is_number(text: str) -> bool:
    """Whether a text is a number of a few digits: sets of one's own are called what one likes."""
    return text.isascii() and text.isdecimal() and len(text) < 10
