"""What the explorer costs with a million features: the server's memory and times, and the page's.

A run of 1,000,000 features × 300 token sets of GPT-2's vocabulary (50,257 tokens), made by the real
analysis of synthetic directions (d_model 64) in files; opened by the real command, asked every kind
of question, and looked at by a real browser that zooms, pans, filters and brushes.

    python benchmarks/explorer.py [--run FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Page, sync_playwright
from safetensors.torch import save_file
from serving import machine, resident, serving

import unembed

D, V, SETS, BANKS = 64, 50_257, 300, 4
VOCABULARY = Path(__file__).parents[1] / ".inputs" / "gpt2"
QUESTIONS = (
    "run.json", "columns/kurtosis.bin", "columns/class.bin", "rows/100.json",
    "features/{feature}.json", "features/{feature}/weights.f32", "features/{feature}/nearest.json",
    "sets.json", "sets/7.json", "sets/7/members.i32", "sets/7/z.f32", "sets/7/log10_q.f32",
    "sets/7/against/9.f32", "tokens/33.json", "tokens/33/weights.f32", "layers.json",
)  # fmt: skip


def build(folder: Path, features: int) -> Path:
    """Make model, SAEs and run below a folder; one feature in ten writes one of the sets."""
    random = torch.Generator().manual_seed(0)
    model = folder / "gpt2"
    shutil.copytree(VOCABULARY, model)
    config = {"model_type": "gpt2", "n_layer": BANKS, "tie_word_embeddings": True}
    (model / "config.json").write_text(json.dumps(config))
    sets = _sets(unembed.load_vocabulary(model))
    topics = 3 * torch.nn.functional.normalize(torch.randn(SETS, D, generator=random), dim=1)
    wte = torch.randn(V, D, generator=random)
    for number, name in enumerate(sets.names):
        wte[torch.tensor(sets[name]).long()] += topics[number]
    norm = {"ln_f.weight": torch.ones(D), "ln_f.bias": torch.zeros(D)}
    save_file({"wte.weight": wte, **norm}, model / "model.safetensors")
    for layer in range(BANKS):
        sae = folder / f"sae-{layer}"
        sae.mkdir()
        hook = {"hook_name": f"blocks.{layer}.hook_resid_pre", "hook_layer": layer}
        (sae / "cfg.json").write_text(json.dumps(hook))
        W_dec = torch.randn(features // BANKS, D, generator=random)
        W_dec[::10] += 2 * topics[torch.arange(len(W_dec[::10])) % SETS]
        save_file({"W_dec": W_dec}, sae / "sae_weights.safetensors")
    banks = [bank for at in range(BANKS) for bank in unembed.load_features(folder / f"sae-{at}")]
    settings = unembed.EnrichmentSettings(tsea="none")
    unembedding = unembed.load_unembedding(model)
    unembed.analyze(unembedding, banks, folder / "run", token_sets=sets, enrichment=settings)
    return folder / "run"


def _sets(vocabulary: unembed.Vocabulary) -> unembed.TokenSets:
    """Return the 300 curated sets next to 100 tokens in size."""
    curated = unembed.build_token_sets(vocabulary, family=["names", "grammar", "meaning"])
    sizes = dict(zip(curated.names, curated.sizes.tolist(), strict=True))
    return curated.select(sorted(sizes, key=lambda name: abs(sizes[name] - 100))[:SETS])


def ask(address: str, feature: str) -> Iterator[tuple[str, int, float, float]]:
    """Yield each question, its answer's bytes, and milliseconds of the first and a later time."""
    for question in QUESTIONS:
        path, times = question.format(feature=feature), []
        for _ in range(6):
            begin = time.perf_counter()
            with urllib.request.urlopen(f"{address}api/{path}") as answer:
                size = len(answer.read())
            times.append(1000 * (time.perf_counter() - begin))
        yield path, size, times[0], statistics.median(times[1:])


def look(address: str) -> dict[str, Any]:
    """Return what a browser sees: seconds to the first picture, milliseconds a frame, memory."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        begin = time.perf_counter()
        page.goto(address)
        page.wait_for_selector("[data-points]:not([data-points='0'])")
        found: dict[str, Any] = {"first picture, s": time.perf_counter() - begin}
        found["points"] = int(_attribute(page, "data-points"))
        box = page.locator("[data-points] canvas").first.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        found["zoom, ms a frame"] = _frames(page, lambda: page.mouse.wheel(0, -60))
        page.get_by_role("button", name="Pan").first.click()
        page.mouse.move(x, y)
        page.mouse.down()
        found["pan, ms a frame"] = _frames(page, _drags(page, x, y))
        page.mouse.up()
        heap = page.evaluate("performance.memory.usedJSHeapSize / 1e6")
        found["JavaScript heap, MB"] = heap
        begin = time.perf_counter()
        page.goto(f"{address}#/?class=prediction")
        page.wait_for_function(
            "before => +document.querySelector('[data-points]').dataset.points < before",
            arg=found["points"],
        )
        found["filter by class, s"] = time.perf_counter() - begin
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        found["browser, GB"] = resident(int(children[-1]))
        browser.close()
        return found


def _attribute(page: Page, name: str) -> str:
    value = page.locator(f"[{name}]").first.get_attribute(name)
    assert value is not None
    return value


def _drags(page: Page, x: float, y: float) -> Callable[[], None]:
    steps = iter(range(4, 10_000, 4))
    return lambda: page.mouse.move(x + next(steps), y)


def _frames(page: Page, act: Callable[[], None], count: int = 20) -> float:
    """Return the median of what drawing a frame takes while something is done again and again."""
    times = []
    for _ in range(count):
        act()
        page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        times.append(float(_attribute(page, "data-frame-ms")))
    return statistics.median(times)


def report(run: Path) -> None:
    """Print the tables of one run."""
    opened = unembed.Run.open(run)
    features = opened.manifest.features
    print(f"{machine()}, load average {os.getloadavg()[0]:.1f}; {features:,} features\n")
    with serving(run) as (address, pid, started):
        print("| question | answer, kB | first, ms | later, ms |\n|---|---|---|---|")
        for path, size, first, later in ask(address, f"{opened.banks[-1]}/77"):
            print(f"| `{path}` | {size / 1000:,.0f} | {first:.0f} | {later:.1f} |")
        found = {"server answers after, s": started, **look(address)}
        found["server, GB"] = resident(pid)
    print("\n| the page | |\n|---|---|")
    for name, value in found.items():
        print(f"| {name} | {value:,.0f} |" if value > 100 else f"| {name} | {value:.2f} |")


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=1_000_000)
    parser.add_argument("--run", type=Path, help="a run that is there, instead of making one")
    arguments = parser.parse_args()
    if arguments.run:
        report(arguments.run)
        return
    with tempfile.TemporaryDirectory() as folder:
        report(build(Path(folder), arguments.features))


if __name__ == "__main__":
    main()
