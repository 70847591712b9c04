"""The whole job on a GPU: the CPU's numbers, and what it costs over the bare product.

First a case of GPT-2's size, with tokens that tie and features that write nothing, and the demo,
whose weights are real, are read on both devices and held against each other; the exit status is 1
where a tolerance is not kept. Then, at three sizes, the bare float32 product (TF32 off) of all
features, with the weights on the device, and whole runs, written to disk, from weights on the host.
Runs with token sets are of the first features alone where the table says so, and are measured
against the product of as many.

    python benchmarks/gpu.py [--out benchmarks/gpu.md]
    python benchmarks/gpu.py --sizes gpt2 wide        # some of the sizes
    python benchmarks/gpu.py --device cpu --small     # tries the script itself, in a minute

It is made to take less than 8 minutes on one large card: what is not done by `--seconds` is
stopped, and the table says so. Every second feature writes one to three of the sets.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from enrichment import bank, planted, random_sets, timed
from stats import machine, weights

import unembed
from unembed import demo
from unembed.enrichment.settings import TseaOf
from unembed.sweep import Membership, Sweep, accelerator, cpu
from unembed.sweep.device import described
from unembed.sweep.settings import WEIGHTS
from unembed.sweep.tsea import accelerator as tsea_accelerator
from unembed.sweep.tsea import cpu as tsea_cpu

TILE, K, ROUNDS = 2048, 50, 3
TIED = 200
"""Tokens that have the row of another one."""
FLAT = (5, 700)
"""Features that write nothing."""


class Job(NamedTuple):
    """A whole run.

    Attributes:
        title: what it is called in the table.
        tsea: of which pairs; None for statistics alone.
        most: features that it is measured on, the first ones.
    """

    title: str
    tsea: TseaOf | None
    most: int


class Size(NamedTuple):
    """Features × tokens, in a model of some width, and how many token sets of how many tokens."""

    features: int
    tokens: int
    width: int
    sets: int = 1000
    memberships: int = 2_680_000

    @property
    def title(self) -> str:
        """As the tables have it."""
        return f"{self.features:,} × {self.tokens:,} × {self.width:,}"


class Demo(NamedTuple):
    """How much of the demo is read on both devices.

    Attributes:
        banks: which of them.
        most: features of each, the first ones.
        collection: of token sets.
        directions: random ones, of each bank: they cost more than so few features.
    """

    banks: Sequence[str]
    most: int
    collection: str
    directions: int


JOBS = (
    Job("statistics alone", None, 2**30),
    Job("token sets, as by default", "kept", 65_536),
    Job("the same, `--tsea all`", "all", 24_576),
)
SIZES = {
    "gpt2": Size(24_576, 50_257, 768),
    "million": Size(1_000_000, 50_257, 768),
    "wide": Size(131_072, 262_144, 2_304),
}
SMALL = {"gpt2": Size(300, 3000, 32, 40, 8000), "wide": Size(200, 5000, 48, 40, 8000)}
OF_DEMO = Demo(demo.FEATURES, 2**30, "default", unembed.EnrichmentSettings().directions)
OF_DEMO_SMALL = Demo((demo.FEATURES[0], "mlp:29"), 64, "post", 100)
CHECKED = Size(1024, 50_257, 768)
CHECKED_SMALL = Size(720, 3000, 32, 40, 8000)


class TimeUpError(Exception):
    """Raised within a run that there is no more time for."""


class Model(NamedTuple):
    """What is analysed."""

    unembedding: unembed.Unembedding
    sets: unembed.TokenSets
    W_dec: torch.Tensor


class Watch:
    """The time that is left, and how far a run came.

    Args:
        seconds: for everything.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.done = ""

    @property
    def is_up(self) -> bool:
        """Whether there is no time left."""
        return time.monotonic() > self._until

    def __call__(self, step: str, done: int, total: int) -> None:
        """Note the progress of a run, and end it where the time is up."""
        self.done = f"{step.lower()}, {done:,} of {total:,}"
        if self.is_up:
            raise TimeUpError


def model_of(size: Size, device: str, features: int) -> Model:
    """Return a model in which some tokens tie, its token sets, and so many features.

    Args:
        size: of the model.
        device: that draws the numbers, if it is a GPU: a billion of them take a minute elsewhere.
        features: how many.
    """
    device = device if torch.device(device).type == "cuda" else "cpu"
    W_U = weights(size.tokens, 1, size.width, device)
    W_U[-TIED:] = W_U[:TIED]
    texts = unembed.Vocabulary.from_texts([f" w{i}" for i in range(size.tokens)])
    unembedding = unembed.prepare_unembedding(W_U, texts)
    sets = random_sets(size.sets, size.memberships, unembedding)
    return Model(unembedding, sets, weights(features, 2, size.width, device))


def run(
    model: Model,
    banks: unembed.Features | Sequence[unembed.Features],
    folder: Path,
    device: str,
    tsea: TseaOf | None,
    watch: Watch | None = None,
    directions: int = OF_DEMO.directions,
) -> unembed.Run:
    """Return a whole run, of which nothing was computed before."""
    testing = tsea and unembed.EnrichmentSettings(tsea=tsea, directions=directions)
    return unembed.analyze(
        replace(model.unembedding), banks, folder,
        token_sets=None if tsea is None else model.sets,
        settings=unembed.SweepSettings(top_k=K, device=device),
        enrichment=testing,
        progress=watch or (lambda step, done, total: None),
    )  # fmt: skip


def wait_for(device: str) -> None:
    """Wait until a GPU has done what it was asked for."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def product(W_dec: torch.Tensor, W_U: torch.Tensor, device: str) -> list[float]:
    """Return the seconds of each round of the bare product, tile by tile into one buffer."""
    tiles = torch.split(W_dec.to(device), TILE)
    W_U = W_U.to(device)
    out = torch.empty(TILE, len(W_U), device=device)

    def multiply() -> None:
        for tile in tiles:
            torch.matmul(tile, W_U.T, out=out[: len(tile)])
        wait_for(device)

    multiply()
    return [timed(multiply) for _ in range(ROUNDS)]


Check = tuple[str, float, float]
"""What was compared, the largest difference, and what is allowed."""


def check_readers(model: Model, device: str) -> Iterator[Check]:
    """Yield what the readers make of the same z on both devices, as it is and with many ties."""
    sweep = Sweep(model.unembedding, unembed.SweepSettings(device=device))
    n = model.unembedding.n_tokens
    members = Membership(n, model.sets.indptr, model.sets.ids)  # no token is masked
    tile = next(iter(sweep.tiles(model.W_dec[:512])))
    for kind, there in (("z", tile.z), ("z to one decimal", tile.z.round(decimals=1))):
        z = there.cpu().numpy()
        one, other = cpu.read_tile(z, K), accelerator.read_tile(there, K)
        same = [(a != b).sum() for a, b in zip(one[1:], other[1:], strict=True)]
        yield f"{kind}: counts of bins, and tokens and z at both ends, that differ", sum(same), 0
        few, some = z[:32], there[:32]
        row, token_set = np.nonzero(np.random.default_rng(0).random((32, len(members))) < 0.05)
        for weight in WEIGHTS:
            a, b = (
                reader.read_tile(rows, members, weight)
                for reader, rows in ((tsea_cpu, few), (tsea_accelerator, some))
            )
            pairs = tsea_accelerator.read_pairs(some, row, token_set, members, weight)
            of_pairs = a.es[row, token_set]
            yield f"{kind}: AUROC", _apart(a.auroc, b.auroc), 0
            if weight == "none":
                yield f"{kind}: ES of every set", _apart(a.es, b.es), 0
                yield f"{kind}: ES of pairs", _apart(of_pairs, pairs.es), 0
                yield f"{kind}: where ES is reached", _apart(a.peak, b.peak), 0
                continue
            # a sum that turns as far up as down may have either sign, by its last digit
            es = f"{kind}: ES, `{weight}`"
            yield f"{es}, of every set, without sign", _apart(abs(a.es), abs(b.es)), 1e-9
            yield f"{es}, of pairs, without sign", _apart(abs(of_pairs), abs(pairs.es)), 1e-9
            yield f"{es}, share of other signs", (a.es * b.es < 0).mean(), 1e-3


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max(initial=0))


def check_planted(model: Model, device: str, tsea: TseaOf) -> Iterator[Check]:
    """Yield what whole runs say on both devices of features that write what is known."""
    rows = planted(model.W_dec, model.sets, model.unembedding)
    rows[list(FLAT)] = 0
    return check_runs(model, [bank(rows)], device, tsea, len(FLAT))


def check_demo(device: str, part: Demo) -> Iterator[Check]:
    """Yield what whole runs of the demo say on both devices: of real features and token sets."""
    unembedding = unembed.load_unembedding(demo.MODEL)
    banks = [
        replace(
            each, W_dec=each.W_dec[: part.most], indices=each.indices[: part.most],
            log10_density=None,
        )
        for each in unembed.load_features(list(part.banks), model=demo.MODEL)
    ]  # fmt: skip
    sets = unembed.build_token_sets(unembedding.vocabulary, part.collection)
    model = Model(unembedding, sets, banks[0].W_dec)
    return check_runs(model, banks, device, "kept", 0, part.directions)


def check_runs(
    model: Model,
    banks: Sequence[unembed.Features],
    device: str,
    tsea: TseaOf,
    flat: int,
    directions: int = OF_DEMO.directions,
) -> Iterator[Check]:
    """Yield what whole runs say on both devices, whose products differ in their last digits."""
    with tempfile.TemporaryDirectory() as folder:
        a, b, again = (
            run(model, banks, Path(folder) / name, where, tsea, directions=directions)
            for name, where in (("cpu", "cpu"), ("device", device), ("again", device))
        )
        files = [path.relative_to(b.path) for path in b.path.rglob("*") if path.is_file()]
        yield "files that differ when it is done again", sum(
            (b.path / file).read_bytes() != (again.path / file).read_bytes() for file in files
        ), 0  # fmt: skip
        alive = pl.col("class") != "flat"
        one, other = (each.features.filter(alive) for each in (a, b))
        yield "features that write nothing, less those planted", abs(
            sum(map(len, banks)) - len(other) - flat
        ), 0  # fmt: skip
        if len(one) != len(other):
            return
        for name in ("std", "kurtosis", "max", "min"):
            left, right = one[name].to_numpy(), other[name].to_numpy()
            yield f"{name}, relative", _apart(left / right, np.ones(len(left))), 2e-5
        yield "skewness", _apart(one["skewness"].to_numpy(), other["skewness"].to_numpy()), 1e-5
        for end in ("top", "bottom"):
            ids = [np.stack(frame[f"{end}_ids"].to_list()) for frame in (one, other)]
            yield f"share of {end} tokens in another place", (ids[0] != ids[1]).mean(), 1e-3
        keys = ["feature", "token_set"]
        pairs = [each.enrichment().sort(keys) for each in (a, b)]
        both = pairs[0].join(pairs[1], on=keys, suffix="_there")
        yield "share of pairs in one run alone", 1 - 2 * len(both) / sum(map(len, pairs)), 1e-3
        for name, allowed in (
            ("z", 1e-3), ("log10_q", 2e-2), ("es", 1e-3), ("auroc", 1e-4),
        ):  # fmt: skip
            left, right = both[name].to_numpy(), both[f"{name}_there"].to_numpy()
            yield f"{name} of {len(both):,} pairs", _apart(left, right), allowed
        for name in ("class", "label"):
            yield f"share of another {name}", (one[name] != other[name]).mean(), 2e-3


def check(size: Size, of_demo: Demo, device: str, say: Callable[[str], None]) -> bool:
    """Say how far both devices are apart, and return whether that is as near as it should be."""
    model = model_of(size, device, size.features)
    say(f"\nThe CPU's numbers, {size.title}, {size.sets:,} sets; and of the demo\n")
    say("| | largest difference | allowed | |\n|---|---|---|---|")
    kept = True
    checks = [("readers", check_readers(model, device))]
    checks += [(f"`--tsea {tsea}`", check_planted(model, device, tsea)) for tsea in ("kept", "all")]
    checks += [("the demo", check_demo(device, of_demo))]
    for part, found in checks:
        for what, apart, allowed in found:
            kept &= bool(apart <= allowed)
            said = "" if apart <= allowed else "**too far**"
            say(f"| {part}: {what} | {apart:.2g} | {allowed:g} | {said} |")
    return kept


def measure(size: Size, device: str, watch: Watch, say: Callable[[str], None]) -> None:
    """Say what whole runs cost over the bare product."""
    if watch.is_up:
        say(f"\n{size.title}: no time was left")
        return
    model = model_of(size, device, size.features)
    bare = sorted(product(model.W_dec, model.unembedding.W_U, device))
    say(f"\n{size.title}: product {bare[0]:.3f}–{bare[-1]:.3f} s, {size.sets:,} token sets\n")
    say("| run | features | seconds | over their product | pairs | on the device, GB |")
    say("|---|---|---|---|---|---|")
    each = bare[ROUNDS // 2] / size.features
    for job in JOBS:
        rows = model.W_dec[: job.most]
        if job.tsea is not None:
            rows = planted(rows, model.sets, model.unembedding)
        if torch.device(device).type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            try:
                finished = run(model, bank(rows), Path(folder) / "run", device, job.tsea, watch)
            except TimeUpError:
                say(f"| {job.title} | {len(rows):,} | no time: {watch.done} | | | |")
                continue
            seconds = time.perf_counter() - start
            pairs = f"{len(finished.enrichment()):,}" if finished.has_enrichment else "–"
        over = seconds / (each * len(rows))
        say(
            f"| {job.title} | {len(rows):,} | {seconds:.1f} | **{over:.1f}** | {pairs} "
            f"| {_peak(device)} |"
        )


def _peak(device: str) -> str:
    if torch.device(device).type != "cuda":
        return "–"
    return f"{torch.cuda.max_memory_allocated(device) / 1e9:.1f}"


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark, print its tables, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sizes", choices=SIZES, nargs="*", help="which of them; all, if not said")
    parser.add_argument("--small", action="store_true", help="small sizes, to try the script")
    parser.add_argument("--seconds", type=float, default=420, help="when to stop")
    parser.add_argument("--out", type=Path, help="where the tables are written, too")
    arguments = parser.parse_args(given)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        print(text, flush=True)
        if arguments.out:
            arguments.out.write_text("\n".join([*said, ""]), encoding="utf-8")

    torch.set_float32_matmul_precision("highest")  # no TF32, in the bare product either
    device, watch = unembed.SweepSettings(device=arguments.device).device, Watch(arguments.seconds)
    say(f"{described(device)}; {machine()}")
    sizes, checked, of_demo = SIZES, CHECKED, OF_DEMO
    if arguments.small:
        sizes, checked, of_demo = SMALL, CHECKED_SMALL, OF_DEMO_SMALL
    kept = check(checked, of_demo, device, say)
    for name in arguments.sizes or sizes:
        measure(sizes[name], device, watch, say)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
