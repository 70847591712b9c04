"""Draw the explorer's pictures in the docs, by the real command in a real browser.

    python scripts/draw_explorer.py [RUN]

RUN is a run of the demo, `runs/demo` unless given. Needs Chrome or Chromium, and the built page.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from unembed import Run

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "images" / "explorer"
PICTURES: dict[str, tuple[str, bool]] = {
    "overview": ("#/?colour=class", False),
    "feature": ("#/feature/mlp.20/1036", False),
    "feature-dark": ("#/feature/mlp.26/1329", True),
    "set": ("#/sets/pronouns_reflexive", False),
    "pair": ("#/pair/names:female/names:male", False),
    "token": ("#/token/7042", False),
    "layers": ("#/layers", False),
}
"""The address of each, and whether it is dark."""
SIZE = {"width": 1280, "height": 860}


def draw(page: Page, address: str, path: Path) -> None:
    """Draw one view when all it asked for has come.

    Args:
        page: of the browser.
        address: of the view.
        path: of the picture.
    """
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_selector("main [role=img]")
    page.wait_for_timeout(500)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
    print(f"{path.name}  {path.stat().st_size / 1000:,.0f} kB")


def main(run: Path) -> None:
    """Draw all of them."""
    explorer = Run.open(run).explore()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (place, dark) in PICTURES.items():
            scheme = "dark" if dark else "light"
            with browser.new_context(viewport=SIZE, color_scheme=scheme) as context:
                draw(context.new_page(), explorer.address + place, FOLDER / f"{name}.png")
        browser.close()
    explorer.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "runs" / "demo")
