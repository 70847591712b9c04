"""Draw the pictures of docs/gallery.md, each by the code that stands above it there.

    python scripts/draw_gallery.py [RUN]

RUN is a run of the demo, `runs/demo` unless given. Needs the extra `plots`, and Chrome or Chromium.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from unembed import Run, plots

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gallery.md"
_PICTURE = re.compile(r"```python\n((?:(?!```).)*)```\s*!\[[^]]*\]\(([^)]+)\)", re.DOTALL)
_SCALE = {".png": 1.5, ".svg": 1}


def pictures(page: str) -> dict[str, str]:
    """Return the code of each picture of a page, by the picture's path."""
    return {path: code for code, path in _PICTURE.findall(page)}


def draw(run: Run, folder: Path) -> None:
    """Draw all pictures.

    Args:
        run: of the demo.
        folder: that the paths of pictures are relative to.
    """
    for path, code in pictures(PAGE.read_text()).items():
        names = {"run": run, "plots": plots}
        exec(code, names)
        to = folder / path
        to.parent.mkdir(parents=True, exist_ok=True)
        names["figure"].write_image(to, scale=_SCALE[to.suffix])
        print(f"{path}  {to.stat().st_size / 1000:,.0f} kB")


if __name__ == "__main__":
    draw(Run.open(sys.argv[1] if len(sys.argv) > 1 else ROOT / "runs" / "demo"), PAGE.parent)
