"""Write the table of `docs/dependencies.md`: packages and megabytes of each extra.

    python -m scripts.document_dependencies            # write it
    python -m scripts.document_dependencies --print    # print it

They are read from what is installed beside this interpreter, which must have the `dev` extra;
what is counted is what `pip install 'unembed[EXTRA]'` brings, and what of it the base has not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.marked import replaced

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "dependencies.md"
EXTRAS = (
    "gguf", "sentencepiece", "nltk", "plots", "explore", "ray", "fit", "steer", "mcp", "pandas",
)  # fmt: skip


@cache
def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def brought(name: str, extras: Iterable[str] = ()) -> set[str]:
    """Return the packages that installing one brings, by their canonical names, itself among them.

    Raises:
        SystemExit: when one of them is not installed here.
    """
    found: set[str] = set()
    waiting = [(canonicalize_name(name), frozenset(extras))]
    seen = set()
    while waiting:
        package, wanted = waiting.pop()
        if (package, wanted) in seen:
            continue
        seen.add((package, wanted))
        here = _installed(package)
        if here is None:
            raise SystemExit(f"{package} is not installed: pip install -e '.[dev]' first.")
        found.add(package)
        for text in here.requires or ():
            need = Requirement(text)
            told = [{"extra": extra} for extra in wanted] or [{"extra": ""}]
            if need.marker is None or any(need.marker.evaluate(each) for each in told):
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return found


@cache
def size(package: str) -> int:
    """Return the bytes of a package's files on disk, without what Python compiles of them."""
    here = _installed(package)
    if here is None:
        return 0
    paths = (Path(str(here.locate_file(file))) for file in here.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file() and path.suffix != ".pyc")


def table() -> str:
    """Return the table, in Markdown."""
    base = brought("unembed") - {"unembed"}
    lines = ["| install | packages | MB | beyond the base |", "|---|--:|--:|---|"]
    lines.append(f"| `unembed` | {len(base)} | {_megabytes(base):,} | |")
    for extra in EXTRAS:
        more = brought("unembed", [extra]) - {"unembed"}
        new = sorted(more - base)
        listed = ", ".join(new) or "nothing"
        lines.append(f"| `unembed[{extra}]` | +{len(new)} | +{_megabytes(new):,} | {listed} |")
    every = brought("unembed", EXTRAS) - {"unembed"}
    lines.append(f"| all of these | {len(every)} | {_megabytes(every):,} | |")
    largest = sorted(base, key=size, reverse=True)[:6]
    told = ", ".join(f"{name} {_megabytes([name]):,}" for name in largest)
    return "\n".join([*lines, "", f"The largest of the base, in MB: {told}.", ""])


def _megabytes(packages: Iterable[str]) -> int:
    return round(sum(size(each) for each in packages) / 1e6)


def main() -> None:
    """Write the table into the page, or print it."""
    if "--print" in sys.argv:
        print(table())
        return
    page = replaced(PAGE.read_text(encoding="utf-8"), "sizes", table())
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
