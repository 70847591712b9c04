"""What the page says of cases is what the scripts that tried them wrote."""

from __future__ import annotations

import re

from scripts.document_robustness import DOCS, PAGE, written


def test_the_page_has_the_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page


def test_nothing_went_wrong() -> None:
    fuzz, kill = ((DOCS / "data" / f"{name}.md").read_text("utf-8") for name in ("fuzz", "kill"))
    rows = [
        line.split("|") for line in fuzz.splitlines() if re.match(r"\| [a-z_]+ \| [\d,]+ ", line)
    ]
    cases, faults = (sum(int(row[at].replace(",", "")) for row in rows) for at in (2, 5))
    assert cases >= 20_000
    assert faults == 0
    assert "of which 0 did not end with the same bytes" in kill
