"""Tables that a finished run was given: their columns are known, and their advice is right."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from tests.planted import Planted
from tests.publishing.given import give
from unembed import Run, check_run, questions
from unembed.errors import RunError
from unembed.questions import neuronpedia
from unembed.store.added import ADDED_COLUMNS, STEERING_COLUMNS, steering_path
from unembed.store.columns import check_columns, columns_of
from unembed.store.files import RunFiles
from unembed.store.shards import write_table
from unembed.store.steering import add_steering
from unembed.terminal import check

ADVICE = {
    "lens_check.parquet": "Remove it; `unembed lens check` makes it again",
    "steering/a.parquet": "Remove it; `unembed steer` makes it again",
    "neuronpedia/explanations/a.parquet": "fetch again: `unembed neuronpedia fetch`",
}


@pytest.fixture
def run(tiny: Planted, tmp_path: Path) -> Run:
    shutil.copytree(tiny.run.path, tmp_path / "run")
    found = Run.open(tmp_path / "run")
    give(found)
    return found


def ask(run: Run, table: str) -> Any:
    """What reads one of the tables."""
    if table.startswith("lens"):
        return questions.lens_check(run)
    return run.steering() if table.startswith("steering") else neuronpedia.beside_of(run, "a/1")


def test_columns_of_all_tables_are_known(run: Run) -> None:
    added = [path for path in RunFiles(run.manifest).added if (run.path / path).is_file()]
    assert len(added) == len(ADDED_COLUMNS)
    for path in (*RunFiles(run.manifest).tables, *added):
        if path.endswith(".parquet"):
            check_columns(run.path, path)


def test_a_table_that_no_run_has_is_said_in_words(run: Run) -> None:
    for path in ("other/a.parquet", "other.parquet"):
        (run.path / path).parent.mkdir(exist_ok=True)
        shutil.copy(run.path / steering_path("a"), run.path / path)
        with pytest.raises(RunError, match="No table of a run is called 'other"):
            check_columns(run.path, path)


@pytest.mark.parametrize("table", ADVICE)
def test_other_columns_are_refused(run: Run, table: str) -> None:
    found = pl.read_parquet(run.path / table)
    name = found.columns[-1]
    write_table(run.path / table, found.drop(name))
    with pytest.raises(RunError, match=f"it has no column '{name}'.*{ADVICE[table]}"):
        ask(run, table)


@pytest.mark.parametrize("table", ADVICE)
def test_what_is_damaged_is_made_again_by_what_made_it(run: Run, table: str) -> None:
    raw = bytearray((run.path / table).read_bytes())
    raw[60] ^= 1
    (run.path / table).write_bytes(raw)
    with pytest.raises(RunError, match=ADVICE[table]) as error:
        ask(run, table)
    assert "command that made the run" not in str(error.value)
    drawn = Console(width=200, record=True, file=io.StringIO())
    drawn.print(check.draw(run.path, check_run(run.path)))
    said = drawn.export_text()
    assert ADVICE[table] in said
    assert "command that made the run" not in said


def test_advice_for_both_where_both_are_damaged(run: Run) -> None:
    for table in ("tokens.parquet", "steering/a.parquet"):
        (run.path / table).write_bytes(b"")
    drawn = Console(width=200, record=True, file=io.StringIO())
    drawn.print(check.draw(run.path, check_run(run.path)))
    said = drawn.export_text()
    assert "The command that made the run" in said
    assert ADVICE["steering/a.parquet"] in said


def test_rows_of_another_run_do_not_become_this_runs(run: Run, plain: Planted) -> None:
    rows = run.steering()
    foreign = plain.run.path / "tokens.parquet"
    path = run.path / steering_path("a")
    shutil.copy(foreign, path)
    before = path.read_bytes()
    new = pl.DataFrame(schema=STEERING_COLUMNS)
    assert rows.height
    with pytest.raises(RunError, match=r"is not this run's.*another run"):
        add_steering(run.path, run.manifest, "a", new)
    assert path.read_bytes() == before


def test_a_bank_may_be_called_as_tables_of_nulls_are() -> None:
    assert columns_of("steering/a-directions.parquet") == STEERING_COLUMNS
