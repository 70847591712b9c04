"""Write what neurons read beside what they write into `docs/reads.md`.

    unembed run MODEL mlp:0,4,10,20,26,29 --side both -o RUN
    python -m scripts.document_sides RUN

MODEL is the GGUF file that the demo was made from.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

import unembed
from scripts.marked import replaced
from unembed import Run
from unembed.outside.text import shown
from unembed.questions.banks import by_depth
from unembed.questions.kinds import KINDS
from unembed.questions.sides import features_of_kind
from unembed.questions.summary import classes_of_banks

PAGE = Path(__file__).parents[1] / "docs" / "reads.md"
EXAMPLES = 8


def main(run: Path) -> None:
    """Write the table and the examples of a run."""
    opened = Run.open(run)
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in (("sides", table(opened)), ("examples", examples(opened))):
        text = replaced(text, name, "\n".join(lines))
    PAGE.write_text(text, encoding="utf-8")


def table(run: Run) -> Iterator[str]:
    """Yield the lines of the table by bank."""
    labelled = dict(classes_of_banks(run).select("bank", "labelled").iter_rows())
    kinds = " | ".join(KINDS)
    yield f"| layer | part | labelled: reads, writes | {kinds} | by chance | correlation |"
    yield "|---" * (len(KINDS) + 5) + "|"
    for row in unembed.sides_by_bank(run).iter_rows(named=True):
        counts = " | ".join(f"{row[kind]:,}" for kind in KINDS)
        yield (
            f"| {row['bank'].removeprefix('mlp.')} | {row['part']} | {labelled[row['reads']]:,}, "
            f"{labelled[row['bank']]:,} | {counts} | {row['by_chance']:.1f} | "
            f"{row['correlation']:+.2f} |".replace("-", "−")
        )


def examples(run: Run) -> Iterator[str]:
    """Yield the lines of what some neurons of the last layer read and write."""
    last = by_depth(run).filter(lens="logit")["bank"][-1]
    strongest = features_of_kind(run, "undoes", last)
    yield "| neuron | its up projection | its output |"
    yield "|---|---|---|"
    for row in strongest.head(EXAMPLES).iter_rows(named=True):
        yield f"| `{row['feature']}` | {said(row['label_read'])} | {said(row['label_written'])} |"


def said(label: str) -> str:
    """Return a label without its q, as a table has it."""
    return shown(label.rpartition("; q ")[0]).replace("|", "\\|")


if __name__ == "__main__":
    typer.run(main)
