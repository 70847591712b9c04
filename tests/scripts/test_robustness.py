"""What the page says of cases is what the scripts that tried them wrote."""

from __future__ import annotations

import re

from scripts.document_robustness import DOCS, PAGE, written


def test_the_page_has_the_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page


def said(name: str) -> str:
    return (DOCS / "data" / f"{name}.md").read_text("utf-8")


def counts(name: str) -> dict[str, tuple[int, int]]:
    """Cases and faults of each reader."""
    rows = [line.split("|") for line in said(name).splitlines()]
    return {
        row[1].strip(): (int(row[2].replace(",", "")), int(row[5].replace(",", "")))
        for row in rows
        if len(row) > 5 and re.fullmatch(r" [\d,]+ ", row[2])
    }


def test_a_million_cases_and_what_was_mended_after_them() -> None:
    first, again = counts("fuzz"), counts("fuzz_again")
    assert sum(cases for cases, _ in first.values()) >= 1_000_000
    assert {reader for reader, (_, faults) in first.items() if faults} == set(again)
    for reader, (cases, faults) in again.items():
        assert cases >= first[reader][0]
        assert faults == 0


def test_no_run_was_lost() -> None:
    assert "of which 0 did not end with the same bytes" in said("kill")
