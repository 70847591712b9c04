"""Regular expressions from outside: Python's meaning, and an end to every one of them."""

from __future__ import annotations

import re
import time

import pytest

from unembed.outside.regex import Failure, Pattern, matches, problems

TEXTS = ["May", "may", "12", "a-a", "ßß", "x\n", "", "\u0661\u0662", "a" * 40]

ENDLESS = ["(a+)+b", "(a|aa)+$b", "(.*a){30}b", r"^(\w+\s?)*\d$"]
"""On forty letters, each takes longer than the universe has been there, or nearly."""


@pytest.mark.parametrize("text", [r"^\d+$", r"\w$", r"(.)\1", r"(?=.*a)(?=.*-)", r"x\Z", "MAY", ""])
@pytest.mark.parametrize("any_case", [False, True])
def test_they_mean_what_python_says(text: str, any_case: bool) -> None:
    expected = re.compile(text, re.IGNORECASE if any_case else 0)
    (found,) = matches([(Pattern(text, any_case), "texts")], {"texts": TEXTS})
    assert found == [at for at, each in enumerate(TEXTS) if expected.search(each)]


def test_those_that_never_end_are_stopped_and_the_others_answered() -> None:
    start = time.process_time()
    asked = [Pattern("May"), *map(Pattern, ENDLESS[:1]), Pattern("may")]
    found = matches([(each, "texts") for each in asked], {"texts": TEXTS})
    assert found[0] == [0]
    assert isinstance(found[1], Failure)
    assert "more than 1.5 seconds" in found[1].why
    assert len(found) == 2
    assert time.process_time() - start < 1  # nothing of it is computed here


def test_what_is_no_pattern_or_too_large_a_one() -> None:
    found = problems(
        [Pattern("a+"), Pattern("("), Pattern("(" * 2000 + ")" * 2000), Pattern("a{99999999999}")]
    )
    assert found[0] is None
    assert all(found[1:])
    assert problems([Pattern("a" * 10_001)]) == ["it has 10,001 characters, more than 10,000"]
    # the case of all of Unicode is folded for each, which takes Python a tenth of a second
    slow = "".join(f"[{chr(at)}-\U0010ffff]" for at in range(0x4E00, 0x4E00 + 1_500))
    assert "seconds" in str(problems([Pattern(slow, any_case=True)])[0])
