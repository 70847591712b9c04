"""End runs at any moment, let them go on, and hold their bytes against a run that nobody ended.

    python -m scripts.kill --kills 1000 --out docs/data/kill.md

A round ends a small run one to four times (`tests/kill`): by any signal, before any call that
touches a file, inside a write, on a full disk, or with another process that writes to the same
folder; takes away or damages finished files between, and changes how many threads compute. Then the
run may finish.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kill.rounds import Played

THREADS = 4


def main() -> int:
    """Return the exit status."""
    options = _options()
    names = ("OMP_NUM_THREADS", "POLARS_MAX_THREADS")
    os.environ.update(dict.fromkeys(names, f"{THREADS}"), OMP_WAIT_POLICY="PASSIVE")
    # they are read when torch and polars are imported
    from tests.kill.arrangement import HOWS, arrangement
    from tests.kill.rounds import Played, Table, little_room

    ways = [options.only] if options.only else HOWS
    played, started = Played(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unembed-kill-") as name:
        folder = Path(name)
        with little_room(folder / "small") as small:
            table = Table(folder, small)
            number = options.first
            while played.kills < options.kills:
                before = len(played.faults)
                table.play(number, arrangement(number, ways), played)
                for fault in played.faults[before:]:
                    print(fault, file=sys.stderr, flush=True)
                number += 1
                if played.rounds % 50 == 0:
                    print(f"{time.monotonic() - started:6.0f} s  {played.rounds:6,} rounds  "
                          f"{len(played.faults)} faults", file=sys.stderr, flush=True)  # fmt: skip
    if options.json:
        print(json.dumps({**vars(played), "kills": played.kills}))
    else:
        print("\n".join(played.faults[:20]))
        print(_table(played, time.monotonic() - started, small is not None))
    if options.out:
        text = _table(played, time.monotonic() - started, small is not None)
        options.out.write_text(text, encoding="utf-8")
    return int(bool(played.faults))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=100, help="attempts that are ended, in all")
    parser.add_argument("--first", type=int, default=0, help="the first round's number")
    parser.add_argument("--only", help="one way to end, such as shares; any, if not given")
    parser.add_argument("--json", action="store_true", help="print what happened as JSON")
    parser.add_argument("--out", type=Path, help="a file for the table")
    return parser.parse_args()


_WHAT = {
    "moment": "ended by a signal at any moment",
    "call": "ended by a signal before a call that touches a file",
    "byte": "ended inside a write",
    "full": "met a full disk",
    "two": "two at once, one of them ended",
    "shares": "three at once that make shares, one of them ended",
    "finished": "were done before they were ended",
    "then gone": "a finished file taken away between two attempts",
    "then cut": "a finished file cut short between two attempts",
    "then flipped": "one bit of a finished file flipped between two attempts",
    "named, then made anew": "damage named, and the run made anew with --overwrite",
}


def _table(played: Played, seconds: float, small: bool) -> str:
    lines = ["| attempts | |", "|---|--:|"]
    lines += [f"| {_WHAT[what]} | {played.ended.get(what, 0):,} |" for what in _WHAT]
    disk = "a small file system" if small else "a limit on the size of files"
    return "\n".join(
        [
            *lines,
            "",
            f"{played.kills:,} attempts ended at {played.rounds:,} runs, of which "
            f"{len(played.faults)} did not end with the same bytes "
            f"({seconds:,.0f} s; the full disk was {disk}).",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
