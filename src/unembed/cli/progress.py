"""Long work with a progress bar, and what Ctrl-C says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import progress as bars
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

import unembed
from unembed import questions, terminal
from unembed.cli.options import several
from unembed.cli.output import aside, stoppable
from unembed.errors import UnembedError
from unembed.outside.text import shown
from unembed.sweep.settings import AUTO
from unembed.tokensets.settings import DISCOVERED

if TYPE_CHECKING:
    from unembed import (
        DiscoverSettings,
        Features,
        Remaining,
        Run,
        Share,
        TokenSets,
        Unembedding,
    )
    from unembed.progress import Progress
    from unembed.sweep import SweepSettings

_WORTH_A_LOOK = 2**27
"""Logit weights of a run from which a first look is shown: some seconds, with token sets."""


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="dim")


def analyze_with_progress(
    unembedding: Unembedding,
    banks: Sequence[Features],
    out: Path,
    *,
    sets: str | None,
    family: Sequence[str] | None,
    settings: SweepSettings,
    share: Share | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Run | Remaining:
    """Return the finished run, or what is left of it when a share is done.

    Bars on standard error show each step's rate and the time left.

    Before them, where there is time to read it, stands a first look at the banks.

    Args:
        unembedding: the model's.
        banks: what is analysed.
        out: the run folder.
        sets: collections and files of token sets, or None for statistics alone.
        family: of the sets, only those families.
        settings: of the sweep.
        share: of the run, None for all of it.
        overwrite: throw away the files of another run in `out` first.
        **options: others of `analyze`.
    """
    from unembed.analysis.device import settled

    settings = settled(settings, out, overwrite=overwrite)
    console = aside()
    stays = f"What is finished stays in {shown(out)}; the same command goes on."
    with stoppable(f"Stopped. {stays}"):
        if console.is_terminal and (overwrite or not _is_finished(out)):
            _show_first_look(unembedding, banks, settings, console)
        token_sets = _built(sets, family, unembedding, console, settings.device) if sets else None
        if token_sets is not None and not len(token_sets):
            console.print(
                f"None of the {len(token_sets.set_aside):,} token sets of {sets!r} has enough "
                "tokens in this vocabulary: features are not tested.",
                style="yellow",
            )
            token_sets = None
        say_device(settings.device, console)
        with show_progress(console, _Rate()) as report:
            options |= {"token_sets": token_sets, "settings": settings, "progress": report}
            if share:
                return unembed.analyze_share(share, unembedding, banks, out, **options)
            return unembed.analyze(unembedding, banks, out, overwrite=overwrite, **options)


def _is_finished(out: Path) -> bool:
    try:
        unembed.Run.open(out)
    except UnembedError:
        return False
    return True


def _show_first_look(
    unembedding: Unembedding, banks: Sequence[Features], settings: SweepSettings, console: Console
) -> None:
    if sum(map(len, banks)) * unembedding.n_tokens < _WORTH_A_LOOK:
        return
    try:
        with console.status("Reading some features of each bank …"):
            look = questions.look_at_banks(unembedding, banks, settings)
    except UnembedError:
        return  # what cannot be analysed, the analysis says
    console.print(terminal.first_look.draw(look))


def discover_with_progress(
    unembedding: Unembedding, banks: Sequence[Features], settings: DiscoverSettings
) -> TokenSets:
    """Return the modules found, named after the default sets; a bar shows each step."""
    console = aside()
    with stoppable("Stopped; nothing was written."):
        known = _built("default", None, unembedding, console)
        with show_progress(console) as report:
            return unembed.discover(
                unembedding, banks, known=known, settings=settings, progress=report
            )


def _built(
    sets: str,
    family: Sequence[str] | None,
    unembedding: Unembedding,
    console: Console,
    device: str = AUTO,
) -> TokenSets:
    """Return collections and files of token sets; those found in W_U with a bar for each step."""
    names = several(sets) or []
    others = [name for name in names if name != DISCOVERED]
    found = []
    with console.status("Building the token sets …"):
        if others or not names:
            found.append(unembed.build_token_sets(unembedding.vocabulary, others))
    if DISCOVERED in names:
        found.append(
            named_modules_with_progress(unembedding, unembed.DiscoverSettings(device=device))
        )
    merged = found[0] if len(found) == 1 else unembed.merge_token_sets(found)
    return merged if family is None else merged.filter(family=family)


def named_modules_with_progress(unembedding: Unembedding, settings: DiscoverSettings) -> TokenSets:
    """Return the modules of W_U that have names of their own; a bar shows each step."""
    with stoppable("Stopped; nothing was written."), show_progress(aside()) as report:
        return unembed.discovered_sets(unembedding, settings=settings, progress=report)


def say_device(name: str, console: Console) -> None:
    """Say where the work is done, unless it is where it would be anyway."""
    if name != "cpu":
        from unembed.sweep.device import described

        console.print(f"On {described(name)}.", style="dim")


@contextmanager
def show_progress(console: Console, *extra: ProgressColumn) -> Iterator[Progress]:
    """Show a bar for each step, that what is yielded is told of."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        *extra,
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(shown(step), total=total)
            bar.update(tasks[step], completed=done)

        yield report
