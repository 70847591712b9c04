"""How long work says how far it is: one kind of report everywhere, of what is done so far."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told the step, how much of it is done so far, and how much it is in all."""
Report = Callable[[int, int], None]
"""Told the same of one step."""


def silent(step: str, done: int, total: int) -> None:
    """Say nothing."""


def report_of(progress: Progress, step: str) -> Report:
    """Return the report of one step."""
    return lambda done, total: progress(step, done, total)


def report_within(report: Report, before: int, total: int) -> Report:
    """Return the report of a stretch of a step, with what of the step was done before it."""
    return lambda done, _: report(before + done, total)
