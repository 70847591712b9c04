"""Draw the pictures of docs/gallery.md, each by the code that stands above it there.

    python scripts/draw_gallery.py [RUN [PART OF A PICTURE'S PATH]]

RUN is a run of the demo, `runs/demo` unless given. Needs the extra `plots`, Chrome or Chromium, and
for what moves Pillow, which the extra `bench` brings.
"""

from __future__ import annotations

import re
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from unembed import Run, plots
from unembed.plots.animation import stills

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gallery.md"
_PICTURE = re.compile(r"```python\n((?:(?!```).)*)```\s*!\[[^]]*\]\(([^)]+)\)", re.DOTALL)
_SCALE = {".png": 1.5, ".svg": 1}
_COLOURS, _PAUSE = 128, 1200
"""Of a picture that moves: how many colours, and for how many milliseconds a frame stays."""


def pictures(page: str) -> dict[str, str]:
    """Return the code of each picture of a page, by the picture's path."""
    return {path: code for code, path in _PICTURE.findall(page)}


def draw(run: Run, folder: Path, wanted: str = "") -> None:
    """Draw the pictures.

    Args:
        run: of the demo.
        folder: that the paths of pictures are relative to.
        wanted: only those whose path has this in it.
    """
    for path, code in pictures(PAGE.read_text()).items():
        if wanted not in path:
            continue
        names: dict[str, Any] = {"run": run, "plots": plots}
        exec(code, names)
        to = folder / path
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.suffix == ".gif":
            write_gif(names["figure"], to)
        else:
            names["figure"].write_image(to, scale=_SCALE[to.suffix])
        print(f"{path}  {to.stat().st_size / 1000:,.0f} kB")


def write_gif(figure: Any, to: Path) -> None:
    """Write a figure that moves, its frames in few colours, each for as long as it is played."""
    from PIL import Image

    images = [Image.open(BytesIO(still.to_image("png"))) for still in stills(figure)]
    few = (image.convert("RGB").quantize(_COLOURS, Image.Quantize.FASTOCTREE) for image in images)
    first, *others = few
    first.save(to, save_all=True, append_images=others, duration=_PAUSE, loop=0, optimize=True)


if __name__ == "__main__":
    opened = Run.open(sys.argv[1] if len(sys.argv) > 1 else ROOT / "runs" / "demo")
    draw(opened, PAGE.parent, *sys.argv[2:3])
