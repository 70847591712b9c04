r"""Regular expressions from outside: Python's, matched in a process of their own, in limited time.

A pattern may take longer than anyone waits (`(a+)+b`, on a few dozen letters), and Python's
engine cannot be stopped from within. An engine that is linear in the text (RE2, Rust's) has no
lookaround and no references back, and reads `$`, `\w` and `\Z` otherwise: sets would hold other
tokens than they say. So the engine stays, and the process that it works in is ended.

`python -m unembed.outside.regex` would import the package; the process runs this text alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from unembed.errors import FormatError
from unembed.outside.limits import LONGEST_PATTERN, PATTERN_BYTES, PATTERN_SECONDS

_PATIENCE = 20
"""How many times the limit is waited for a process that has few processors to itself."""

_PROGRAM = """
import json, re, sys, warnings
warnings.simplefilter("ignore")
seconds, memory = float(sys.argv[1]), int(sys.argv[2])
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
except (ImportError, OSError, ValueError):
    pass
try:
    from signal import ITIMER_PROF, setitimer
    def limit(): setitimer(ITIMER_PROF, seconds)
except ImportError:
    from faulthandler import dump_traceback_later
    def limit(): dump_traceback_later(seconds, exit=True)
patterns, texts = json.load(sys.stdin)
for text, flags, which in patterns:
    limit()
    try:
        found = re.compile(text, flags).search
        told = [at for at, each in enumerate(texts[which]) if found(each)]
    except (re.error, OverflowError) as error:
        told = str(error)
    except (RecursionError, MemoryError):
        told = "it is nested too deep, or too large"
    print(json.dumps(told), flush=True)
"""
"""Reads patterns and lists of texts; writes, a line a pattern, where it matches or what is wrong.
A timer of the system ends it: Python sees no signal while it matches."""


@dataclass(frozen=True)
class Pattern:
    """A Python regular expression from outside, not compiled.

    Attributes:
        text: as it was written.
        any_case: whether case counts for nothing.
    """

    text: str
    any_case: bool = False

    @property
    def flags(self) -> int:
        """As `re` has them."""
        return int(re.IGNORECASE) if self.any_case else 0


@dataclass(frozen=True)
class Failure:
    """Why a pattern was not matched, in a clause."""

    why: str


def matches(
    patterns: Sequence[tuple[Pattern, str]], texts: dict[str, Sequence[str]]
) -> list[list[int] | Failure]:
    """Return, for each pattern, the places of the texts in which it finds a match, ascending.

    The first that takes too long ends it: those behind it are not there.

    Args:
        patterns: each with the name of the texts that it is searched in.
        texts: by name.

    Raises:
        FormatError: when Python cannot be started once more.
    """
    if not patterns:
        return []
    long = next((at for at, (each, _) in enumerate(patterns) if _is_long(each)), len(patterns))
    asked = json.dumps(
        [[(each.text, each.flags, of) for each, of in patterns[:long]], texts], ensure_ascii=True
    )
    found = [_answer(line) for line in _lines(asked, long)]
    if len(found) < long:
        memory = PATTERN_BYTES // 2**30
        found.append(Failure(f"it takes more than {PATTERN_SECONDS:g} seconds or {memory} GB"))
    elif long < len(patterns):
        length = len(patterns[long][0].text)
        found.append(Failure(f"it has {length:,} characters, more than {LONGEST_PATTERN:,}"))
    return found


def problems(patterns: Sequence[Pattern]) -> list[str | None]:
    """Return what is wrong with each pattern as Python reads it, None for nothing.

    What takes too long is wrong as well; patterns behind it are not looked at.
    """
    found = matches([(each, "none") for each in patterns], {"none": []})
    return [each.why if isinstance(each, Failure) else None for each in found]


def _is_long(pattern: Pattern) -> bool:
    return len(pattern.text) > LONGEST_PATTERN


def _answer(line: str) -> list[int] | Failure:
    told = json.loads(line)
    return Failure(told) if isinstance(told, str) else told


def _lines(asked: str, n_patterns: int) -> list[str]:
    """Return what the process says, one whole line a pattern, as far as it came."""
    limits = [str(PATTERN_SECONDS), str(PATTERN_BYTES)]
    try:
        with subprocess.Popen(
            [sys.executable or "python3", "-I", "-S", "-c", _PROGRAM, *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
        ) as process:
            try:
                told, _ = process.communicate(asked, PATTERN_SECONDS * (_PATIENCE + n_patterns))
            except BaseException as error:
                process.kill()
                told, _ = process.communicate()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
    except OSError as error:
        raise FormatError(
            f"Regular expressions are matched by another process of Python, and {sys.executable!r} "
            f"cannot be started: {error}."
        ) from error
    return [line for line in told.splitlines(keepends=True) if line.endswith("\n")]
