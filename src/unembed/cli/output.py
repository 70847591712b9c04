"""What commands print: tables for people, JSON and CSV for scripts. Nothing else prints.

Names, tokens and paths from outside stand in all of it. Whatever they hold, what reaches a terminal
are characters that can be seen: no code that retitles it, no byte that no stream can write, no
words in brackets that are taken for colours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.status import Status
from rich.text import Text

from unembed import questions
from unembed.strict_json import dumps
from unembed.visible import ACTING, visible

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

_LONGEST = 20_000
"""Characters of a text that is given as one; tables are made of many."""
_WIDE = 100_000
"""Columns where no terminal limits them: what is piped on is never cut."""

_FORMULA = r"(?s)^'*[=+\-@\t\r]."
_UNSEEN = r"[\p{C}\p{Zl}\p{Zp}]"


class _Console(Console):
    """A console that takes text as text, and writes none of it that cannot be seen.

    Texts are shown as they are laid out, so that columns fit; what a renderable made of them by
    itself is seen to once more as it is written.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """Return a text as it is shown; `how` as in rich, but for markup, which none has."""
        return super().render_str(
            visible(text[:_LONGEST], keep="\n"), **{**how, "markup": False, "highlight": False}
        )

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of what is drawn."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield segment._replace(text=visible(segment.text, keep="\n"))

    def status(self, status: RenderableType, **how: Any) -> Status:
        """Return what says what is being done; a text is taken as it is."""
        return super().status(Text(status) if isinstance(status, str) else status, **how)


def console() -> Console:
    """Return where tables go: as wide as the terminal, and where there is none, as they are."""
    found = _Console()
    return found if found.is_terminal else _Console(width=_WIDE)


def aside() -> Console:
    """Return where remarks go: standard error."""
    return _Console(stderr=True)


def print_line(text: str, *, to_stderr: bool = False) -> None:
    """Print text that other programs may read, such as a link, in lines that are never wrapped."""
    print(visible(text, keep="\n"), file=sys.stderr if to_stderr else sys.stdout)


def print_json(content: object) -> None:
    """Print content as JSON."""
    print(dumps(content, indent=2))


def print_csv(frame: pl.DataFrame) -> None:
    """Print a frame as CSV; lists become JSON inside their cell.

    A text that a spreadsheet would take for a formula has an apostrophe before it, and so has one
    that begins with apostrophes and such a text: who takes one away has the text again. Numbers,
    and cells of JSON, which begin with a bracket, are as they are.
    """
    import polars as pl

    flat = questions.flat(frame)
    for name in [name for name, kind in frame.schema.items() if kind == pl.String]:
        text = flat[name]
        if text.str.contains(_UNSEEN).any():
            text = text.map_elements(_seen, pl.String)
        formulas = text.str.contains(_FORMULA)
        if formulas.any():
            text = (pl.Series(["'"]) + text).zip_with(formulas, text)
        flat = flat.with_columns(text.alias(name))
    sys.stdout.write(flat.write_csv())


def _seen(text: str) -> str:
    return visible(text, keep="\n") if ACTING.search(text) else text


def print_frame(
    frame: pl.DataFrame,
    draw: Callable[[pl.DataFrame], Table],
    nothing: str,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print a frame: as JSON, as CSV, or as it is drawn.

    Args:
        frame: what was found.
        draw: returns it as a table, for people.
        nothing: what they read where nothing was found.
        as_json: one object a row.
        as_csv: lists become JSON inside their cell.
    """
    if as_json:
        print_json(frame.to_dicts())
    elif as_csv:
        print_csv(frame)
    else:
        console().print(draw(frame) if frame.height else nothing)


def say_error(error: BaseException | str, before: str = "Error:") -> None:
    """Print what went wrong on standard error, unwrapped, so that it can be copied."""
    aside().print(Text.assemble((before, "bold red"), " ", str(error)), soft_wrap=True)


@contextmanager
def stoppable(said: str, style: str | None = None) -> Iterator[None]:
    """Let Ctrl-C end a command with a word on standard error, and the status that shells give it.

    Args:
        said: what became of the work.
        style: that it is printed in.
    """
    try:
        yield
    except KeyboardInterrupt:
        aside().print(said, style=style)
        raise typer.Exit(130) from None
