"""Flip bits of a run, one at a time: each is found, or harmless.

    python scripts/flip_bits.py RUN [--each 1] [--every-bit] [--seed 0]

In a copy of the run, one bit of every byte of every file is flipped in turn (of every so many,
by `--each`; which bit, is drawn, or all eight one after the other), and the file is read and
checked as a run's are:

- `read`: whoever reads the file is told that it is damaged;
- `check`: so is who checks the run;
- `harmless`: what is read is what was written;
- `SILENT`: it is not, and nobody is told. There must be none, and the exit status says so.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from unembed import Run
from unembed.errors import UnembedError
from unembed.store import examine
from unembed.store.arrays import read_array
from unembed.store.files import RunFiles
from unembed.store.manifest import MANIFEST, Manifest
from unembed.store.shards import read_table

Places = Callable[[int], Iterable[int]]


def flipped(
    run: Path, places: Places, seed: int = 0, *, every_bit: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield file and outcome of every flip; the run is as it was behind the last.

    Args:
        run: a run folder that may be written to.
        places: the bytes to flip a bit of, of a file of so many.
        seed: decides which bit.
        every_bit: flip all eight of a byte, one after the other.
    """
    drawn = random.Random(seed)
    manifest = Manifest.load(run)
    for file in (MANIFEST, *RunFiles(manifest).tables):
        path = run / file
        raw, wanted = path.read_bytes(), _content(path)
        for place in places(len(raw)):
            for bit in range(8) if every_bit else [drawn.randrange(8)]:
                damaged = bytearray(raw)
                damaged[place] ^= 1 << bit
                path.write_bytes(damaged)
                yield file, _outcome(run, file, manifest, wanted)
        path.write_bytes(raw)


def _content(path: Path) -> Any:
    """Return what a run takes from a file."""
    if path.name == MANIFEST:
        return Run.open(path.parent).manifest.content
    return np.array(read_array(path)) if path.suffix == ".npy" else read_table(path)


def _outcome(run: Path, file: str, manifest: Manifest, wanted: Any) -> str:
    try:
        found = _content(run / file)
    except UnembedError:
        checked = file == MANIFEST or examine.examined(run, file, manifest).verdict == "damaged"
        return "read, check" if checked else "read"
    if file == MANIFEST:
        return "harmless" if found == wanted else "SILENT"
    equal = np.array_equal(found, wanted) if file.endswith(".npy") else found.equals(wanted)
    return "harmless" if equal else "SILENT"


def main() -> None:
    """Flip, count and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("--every-bit", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        shutil.copytree(asked.run, run)
        found = flipped(
            run, lambda size: range(0, size, asked.each), asked.seed, every_bit=asked.every_bit
        )
        for file, outcome in found:
            counts[_kind(file), outcome] += 1
    for (kind, outcome), count in sorted(counts.items()):
        print(f"{kind:24}{outcome:12}{count:>12,}")
    print(f"{'all':36}{sum(counts.values()):>12,}")
    sys.exit(any(outcome == "SILENT" for _, outcome in counts))


def _kind(file: str) -> str:
    return file.rpartition("/")[0] or file


if __name__ == "__main__":
    main()
