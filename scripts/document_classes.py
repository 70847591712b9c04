"""Write how our classes compare with those that others published into `docs/explanations.md`.

    python -m scripts.document_classes [RUN [COSINES]]

RUN is a run of the demo, `runs/demo` unless given, and COSINES one of the same features with the
lens `cosine`; unless given, it is made, in a few seconds.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

import unembed
from scripts.marked import replaced
from unembed import Run
from unembed.demo import FEATURES, MODEL
from unembed.questions import published_classes

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanations.md"

SHAPED = ("prediction", "suppression", "two-sided")
OURS = {"prediction": "the right tail", "suppression": "the left tail", "partition": "no tail"}
RULES = {
    "prediction": {
        "post": "the post's words, as we read them: skewness and kurtosis",
        "signed_kurtosis": "kurtosis, and skewness above 0",
        "universal": "universal neurons: kurtosis of cosines > 10, skewness ≥ 0",
    },
    "suppression": {
        "post": "the post's words: splits the vocabulary, and leans to the left",
        "signed_kurtosis": "kurtosis, and skewness below 0",
        "universal": "universal neurons: kurtosis of cosines > 10, skewness < 0",
    },
    "partition": {
        "post": "the post's words: splits the vocabulary, and does not",
        "universal": "universal neurons: variance of cosines > 0.005",
        "universal_by_width": "the same for this width: > 5.12 / d_model = 0.0089",
    },
}
"""How each class is told, by the column of `published_classes` that tells it."""


def cut_offs(run: Run, cosines: Run) -> str:
    """Return the table of features with tails by bank: ours, and by fixed cut-offs."""
    of_cosines = cosines.features.select("feature", pl.col("kurtosis").alias("of_cosines"))
    assert run.explanations is not None
    labelled = run.features.with_columns(run.explanations.labelled).filter(lens="logit")
    features = labelled.join(of_cosines, on="feature", maintain_order="left")
    shaped = pl.col("class").is_in(SHAPED)
    counts = features.group_by("bank", maintain_order=True).agg(
        pl.len(), shaped.sum(), (shaped & pl.col("labelled")).sum().alias("named"),
        (pl.col("of_cosines") > 10).sum(), (pl.col("skewness") > 3).sum(),
    )  # fmt: skip
    heads = ("bank", "features", "ours", "of them with a label", "kurtosis of cosines > 10",
             "skewness > 3")  # fmt: skip
    return table(heads, counts.iter_rows())


def rules(run: Run, cosines: Run) -> str:
    """Return the table of classes by rule: how many features of each bank, and which are ours."""
    found = published_classes(run, cosines)
    return table(("class", "by", *run.banks, "of them ours"), _rows(run, found))


def _rows(run: Run, found: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    for name, told in RULES.items():
        ours = [name] if name == "partition" else [name, "two-sided"]
        is_ours = pl.col("class").is_in(ours)
        counts = _by_bank(run, found.filter(is_ours))
        yield f"**{name}**", f"ours: {OURS[name]}", *counts, sum(counts)
        for column, rule in told.items():
            theirs = found.filter(pl.col(column) == name)
            yield "", rule, *_by_bank(run, theirs), theirs.filter(is_ours).height


def _by_bank(run: Run, features: pl.DataFrame) -> list[int]:
    return [features.filter(bank=bank).height for bank in run.banks]


def table(heads: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> str:
    """Return a table of Markdown, whole numbers with commas."""
    cells = ([f"{x:,}" if isinstance(x, int) else str(x) for x in row] for row in rows)
    head, *body = (f"| {' | '.join(line)} |" for line in [heads, *cells])
    return "\n".join([head, f"|{'---|' * len(heads)}", *body]) + "\n"


def written(page: str, run: Run, cosines: Run) -> str:
    """Return the page with the tables as they are now."""
    page = replaced(page, "cut-offs", cut_offs(run, cosines))
    return replaced(page, "rules", rules(run, cosines))


def of_cosines(folder: Path) -> Run:
    """Return a run of the demo's features with the lens `cosine`, made in a folder."""
    unembedding = unembed.load_unembedding(MODEL, lens="cosine")
    banks = [bank for each in FEATURES for bank in unembed.load_features(each, model=MODEL)]
    return unembed.analyze(unembedding, banks, folder, token_sets=None)


if __name__ == "__main__":
    run = Run.open(sys.argv[1] if len(sys.argv) > 1 else ROOT / "runs" / "demo")
    with tempfile.TemporaryDirectory() as made:
        cosines = Run.open(sys.argv[2]) if len(sys.argv) > 2 else of_cosines(Path(made) / "run")
        page = written(PAGE.read_text(encoding="utf-8"), run, cosines)
    PAGE.write_text(page, encoding="utf-8")
