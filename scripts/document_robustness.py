"""Write what `make fuzz`, `make kill` and the listed inputs came to into `docs/robustness.md`.

    python -m scripts.document_robustness

Each is a file in `docs/data`, which the script that tried them wrote.
"""

from __future__ import annotations

from pathlib import Path

from scripts.marked import replaced

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "robustness.md"
NAMES = ("listed", "fuzz", "fuzz_again", "kill")


def written(page: str) -> str:
    """Return the page with the tables as they are now."""
    for name in NAMES:
        table = (DOCS / "data" / f"{name}.md").read_text(encoding="utf-8").strip()
        page = replaced(page, name, f"{table}\n")
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
