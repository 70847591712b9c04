"""The figures of docs/post-collection.md: the notebook's definitions on GPT-2's raw vocabulary.

They are said here anew, over `encoder.json` as it is, where `Ġ` stands for a space and each byte of
a letter beyond ASCII for a character.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.tokensets.test_post import sets
from tests.tokensets.vocabularies import PATHS

pytestmark = pytest.mark.inputs

PAGE = Path(__file__).parents[2] / "docs" / "post-collection.md"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@cache
def raw() -> dict[str, int]:
    if not PATHS["gpt2"].exists():
        pytest.skip("GPT-2's vocabulary is not in .inputs: run scripts/fetch_inputs.py")
    return dict(json.loads((PATHS["gpt2"] / "encoder.json").read_text()))


def ours(name: str) -> set[int]:
    return set(sets("gpt2")[f"post:{name}"].ids.tolist())


def of_length(n: int) -> Callable[[str], bool]:
    """Letters, digits and `_`, after any number of `Ġ` that may count among them."""

    def fits(token: str) -> bool:
        spaces = len(token) - len(token.lstrip("Ġ"))
        word = re.fullmatch(r"\w*", token) is not None
        return word and len(token) - spaces <= n <= len(token)

    return fits


def bare(token: str) -> str:
    return token.lstrip("Ġ")


THEIRS: dict[str, Callable[[str], bool]] = {
    "starts_with_space": lambda token: token[0] == "Ġ",
    "starts_with_capital": lambda token: "A" <= bare(token)[:1] <= "Z",
    "starts_with_lower": lambda token: "a" <= bare(token)[:1] <= "z",
    "all_digits": lambda token: bare(token).isdecimal(),
    "is_punctuation": lambda token: not any(re.match(r"[\w\s]", sign) for sign in token),
    "contains_close_bracket": lambda token: ")" in token,
    "contains_open_bracket": lambda token: "(" in token,
    "all_caps": lambda token: bare(token) != "" and set(bare(token)) <= set(LETTERS.upper()),
    **{
        f"{n}_digit{'s' * (n > 1)}": lambda token, n=n: (
            len(bare(token)) == n  # type: ignore[misc]
            and bare(token).isdecimal()
        )
        for n in range(1, 5)
    },
    **{f"length_{n}": of_length(n) for n in range(1, 6)},
}


@cache
def theirs(name: str) -> set[int]:
    return {number for token, number in raw().items() if THEIRS[name](token)}


def row(begins: str) -> list[str]:
    (found,) = (
        line for line in PAGE.read_text().splitlines() if line.startswith(f"| {begins}")
    )  # fmt: skip
    return [cell.strip() for cell in found.strip("|").split(" | ")]


def numbers(cell: str) -> list[int]:
    return [int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\d|\d", cell)]


def test_patterns_over_one_byte_letters_find_the_same() -> None:
    *_, there, here, why = row("starts with space")
    assert numbers(there) == [len(theirs("starts_with_space"))]
    assert numbers(here) == [len(ours("starts_with_space"))]
    assert numbers(why)[0] == len(theirs("starts_with_space") - ours("starts_with_space"))
    same = [
        "starts_with_capital", "starts_with_lower", "all_digits", "all_caps", "1_digit",
        "2_digits", "3_digits", "4_digits", "contains_close_bracket", "contains_open_bracket",
    ]  # fmt: skip
    assert all(theirs(name) == ours(name) for name in same)


def test_punctuation() -> None:
    *_, there, here, why = row("punctuation")
    assert numbers(there) == [len(theirs("is_punctuation"))]
    assert numbers(here) == [len(ours("is_punctuation"))]
    assert f"{len(theirs('is_punctuation') - ours('is_punctuation'))} of theirs" in why


def test_lengths() -> None:
    *_, there, here, _ = row("length 1 to 5")
    names = [f"length_{n}" for n in range(1, 6)]
    assert numbers(there) == [len(theirs(name)) for name in names]
    assert numbers(here) == [len(ours(name)) for name in names]
    the = raw()["Ġthe"]
    assert the in theirs("length_3") & theirs("length_4")


def test_first_letters() -> None:
    *_, there, here, _ = row("first letters")
    first = [bare(token).rstrip("Ġ") for token in raw()]
    assert numbers(there) == [sum(t.isalpha() and t[0].lower() in LETTERS for t in first)]
    assert numbers(here) == [sum(len(ours(f"letter_{letter}")) for letter in LETTERS)]


def test_sizes_of_ours() -> None:
    sizes = {name: len(draft.ids) for name, draft in sets("gpt2").items()}
    tags = [size for name, size in sizes.items() if name.startswith("post:pos_")]
    assert numbers(row("parts of speech")[3]) == [min(tags), max(tags)]
    for kind in ("s_names", "_names"):
        both = [sizes[f"post:{each}{kind}"] for each in ("boy", "girl")]
        assert numbers(row(f"`boy{kind}`")[3]) == both
    decades = [size for name, size in sizes.items() if re.fullmatch(r"post:\d{4}s", name)]
    assert numbers(row("decades")[3]) == [min(decades), max(decades)]
    kinds = {
        "lists": "colors emotions positive_words negative_words neuroscience_terms ologies "
                 "economics_terms jewish_last_names",
        "countries": "countries capital_cities spanish_words french_words",
    }  # fmt: skip
    for begins, listed in kinds.items():
        own = [sizes[f"post:{name}"] for name in listed.split()]
        assert numbers(row(begins)[3]) == [min(own), max(own)]
