"""What enrichment costs, in units of the bare matrix product, and what others need for it.

GPT-2 small's size: 24,576 features × 50,257 tokens, d_model 768; heavy-tailed weights from a seed,
as in `benchmarks/stats.py`. Token sets: 64 of 175,000 and 1,000 of 2.7 million memberships, random
members, sizes spread over all magnitudes; and the whole default collection on GPT-2's vocabulary,
which must be there (`make inputs`). In whole runs every second feature writes one to three of the
sets, as those of a trained SAE do, so that there are pairs to read and labels to find.

    python benchmarks/enrichment.py direction    # z, log10 p and q of 24,576 × 1,000 pairs
    python benchmarks/enrichment.py job          # whole runs, written to disk, with everything
    python benchmarks/enrichment.py job --of default   # one of them
    python benchmarks/enrichment.py million      # a million features × 1,000 sets, in blocks
    python benchmarks/enrichment.py others       # gseapy, decoupler, blitzgsea, the tutorial

`others` needs `pip install 'unembed[bench]'`. Ratios are to the bare product in the same process
and round; the median round is printed. Peak memory is of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from stats import D, V, machine, product, product_in_blocks, weights

import unembed
from unembed.enrichment import DirectionTest, SecondMoment, direction_test
from unembed.enrichment.discovery_rate import DiscoveryRate, log10_q
from unembed.enrichment.effects import effects_of
from unembed.enrichment.settings import TseaOf
from unembed.sweep import Sweep


def high_water() -> int:
    """Return the most memory that this process has held, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


TILE = 512
CPU = unembed.SweepSettings(device="cpu")
"""What a GPU makes of it is another benchmark's (`gpu.py`)."""
SETS = {"64": (64, 175_575), "1000": (1000, 2_680_000)}
BLOCK = 24_576
BARE = high_water()
"""Before anything is made: the interpreter, torch and unembed."""
BUDGET_S = 60.0
"""How long each of the other tools may take."""


class Job(NamedTuple):
    """A whole run.

    Attributes:
        title: what it is called in the table.
        sets: of tokens; None for statistics alone.
        tsea: of which pairs.
    """

    title: str
    sets: str | None
    tsea: TseaOf = "kept"


JOBS = {
    "statistics": Job("none: statistics alone", None),
    "64": Job("64", "64"),
    "1000": Job("1,000", "1000"),
    "1000-all": Job("1,000, `--tsea all`", "1000", "all"),
    "default": Job("the whole default collection, 8,839", "default"),
    "default-all": Job("the same, `--tsea all`", "default", "all"),
}


def prepared(W_U: torch.Tensor, *, real: bool = False) -> unembed.Unembedding:
    """Return the unembedding; the vocabulary is GPT-2's where it is here, else numbered words.

    Args:
        W_U: its rows.
        real: whether it must be GPT-2's.
    """
    folder = Path(__file__).parents[1] / ".inputs" / "gpt2"
    if real and not folder.is_dir():
        sys.exit("The default collection is measured on GPT-2's vocabulary: `make inputs` first.")
    if folder.is_dir():
        vocabulary = unembed.load_vocabulary(folder)
    else:
        vocabulary = unembed.Vocabulary.from_texts([f" w{i}" for i in range(V)])
    return unembed.prepare_unembedding(W_U, vocabulary)


def token_sets(name: str, unembedding: unembed.Unembedding) -> unembed.TokenSets:
    """Return the token sets of a job."""
    if name == "default":
        return unembed.build_token_sets(unembedding.vocabulary)
    return random_sets(*SETS[name], unembedding)


def random_sets(
    count: int, memberships: int, unembedding: unembed.Unembedding
) -> unembed.TokenSets:
    """Return sets of random members, of sizes over all magnitudes."""
    random = np.random.default_rng(0)
    most = 0.45 * len(unembedding.vocabulary)
    sizes = np.exp(random.uniform(np.log(5), np.log(most), count))
    sizes = np.maximum(3, sizes * memberships / sizes.sum()).astype(int)
    ids = unembedding.token_ids
    return unembed.TokenSets.from_ids(
        {f"s{i}": random.choice(ids, size, replace=False) for i, size in enumerate(sizes)},
        unembedding.vocabulary,
    )


def planted(
    W_dec: torch.Tensor, sets: unembed.TokenSets, unembedding: unembed.Unembedding
) -> torch.Tensor:
    """Return features of which every second one writes one to three token sets."""
    delta = effects_of(sets, unembedding).delta
    random = np.random.default_rng(0)
    rows = W_dec / W_dec.norm(dim=1, keepdim=True)
    for row in range(0, len(rows), 2):
        for chosen in random.choice(len(sets), random.integers(1, 4), replace=False):
            effect = delta[chosen] / np.linalg.norm(delta[chosen])
            rows[row] += torch.from_numpy(effect * random.choice([-1, 1]) * 1.5).float()
    return rows


def bank(rows: torch.Tensor) -> unembed.Features:
    """Return a bank of features."""
    return unembed.Features(rows, "sae", torch.arange(len(rows)).numpy())


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Parts:
    """Seconds of named parts of a job, a list of rounds each."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what is done within."""
        start = time.perf_counter()
        yield
        self.seconds.setdefault(name, []).append(time.perf_counter() - start)


def direction(features: int, rounds: int) -> None:
    """Print the parts of the direction test, in units of the product."""
    W_U, W_dec = weights(V, 1), weights(features, 2)
    sets = token_sets("1000", prepared(W_U))
    everything = bank(W_dec)
    direction_test(bank(W_dec[:64]), prepared(W_U), sets, device="cpu")  # compiles the kernels
    part = Parts()
    for _ in range(rounds):
        with part("product"):
            product(W_dec, W_U)
        fresh = prepared(W_U)
        with part("covariance of W_U"):
            _ = fresh.covariance
        with part("set means"):
            effects = effects_of(sets, fresh)
        with part("sweep made ready"):
            sweep = Sweep(fresh, CPU)
        with part("second moment of the bank"):
            moment = SecondMoment.of(everything)
        with part("sd of every set"):
            test = DirectionTest(sweep, effects, moment)
        z = np.empty((features, len(sets)), np.float32)
        with part("z"):
            for start in range(0, features, 2048):
                rows = sweep.standardised(W_dec[start : start + 2048])
                z[start : start + 2048] = test.z(rows.scaled)
        with part("tables of p"):
            _ = test.tails
        with part("log10 p"):
            log10_p = test.log10_p(z)
        with part("Benjamini-Hochberg"):
            rate = DiscoveryRate()
            rate.add(log10_p, test.testable)
            _ = 10 ** log10_q(log10_p, rate.curve())
    parts = part.seconds
    print(f"{machine()}\n{features:,} features x {len(sets):,} sets\n")
    print("| part | seconds | over the product |\n|---|---|---|")
    sums = {
        "**z, W_U's covariance and set means known**": [
            "second moment of the bank", "sd of every set", "z",
        ],
        "**z and every log10 p, with all set-up**": [
            name for name in parts if name not in ("product", "Benjamini-Hochberg")
        ],
    }  # fmt: skip
    for name, of in [*((name, [name]) for name in parts), *sums.items()]:
        rows = [sum(parts[each][i] for each in of) for i in range(rounds)]
        ratios = [row / whole for row, whole in zip(rows, parts["product"], strict=True)]
        print(f"| {name} | {statistics.median(rows):.2f} | {statistics.median(ratios):.3f} |")


def analysis(name: str, features: int) -> Callable[[], Path]:
    """Return a whole run of a job, on inputs that are loaded already."""
    wanted = JOBS[name]
    W_U, W_dec = weights(V, 1), weights(features, 2)
    whole, sets = prepared(W_U, real=wanted.sets == "default"), None
    if wanted.sets is not None:
        sets = token_sets(wanted.sets, whole)
        W_dec = planted(W_dec, sets, whole)
    settings = unembed.EnrichmentSettings(tsea=wanted.tsea)
    keep = tempfile.TemporaryDirectory()  # lives as long as what is returned

    def run(rows: torch.Tensor) -> Path:
        fresh = replace(whole)  # nothing that was computed before is reused
        folder = Path(tempfile.mkdtemp(dir=keep.name)) / "run"
        unembed.analyze(
            fresh, bank(rows), folder, token_sets=sets, settings=CPU, enrichment=settings
        )
        return folder

    run(W_dec[:TILE])  # compiles the kernels
    return lambda: run(W_dec)


def size_of(folder: Path) -> float:
    """Return what a folder's files take, in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def job(features: int, rounds: int, names: Sequence[str]) -> None:
    """Print what whole runs cost, and their memory."""
    print(f"{machine()}\n{features:,} features x {V:,} tokens, everything written\n")
    print("| token sets | pairs that pass | over torch's product (min-max) | over ours | peak, GB "
          "| run, MB |\n|---|---|---|---|---|---|", flush=True)  # fmt: skip
    W_U, W_dec = weights(V, 1), weights(features, 2)
    for name in names:
        work = analysis(name, features)
        part, folder = Parts(), Path()
        product(W_dec, W_U)
        for _ in range(rounds):
            with part("product"):
                product(W_dec, W_U)
            with part("ours"):
                product_in_blocks(W_dec, W_U)
            with part("run"):
                folder = work()
        ratios, over_ours = (
            [a / b for a, b in zip(part.seconds["run"], part.seconds[bare], strict=True)]
            for bare in ("product", "ours")
        )
        run = unembed.Run.open(folder)
        passing = f"{run.enrichment().height:,}" if run.has_enrichment else "–"
        print(
            f"| {JOBS[name].title} | {passing} | **{statistics.median(ratios):.2f}** "
            f"({min(ratios):.2f}–{max(ratios):.2f}) | **{statistics.median(over_ours):.2f}** "
            f"| {memory(name, features):.2f} "
            f"| {size_of(folder):,.0f} |",
            flush=True,
        )
        if run.has_enrichment:
            with part("a feature"):
                run.enrichment("sae/77")
            with part("a set"):
                run.enrichment(token_set=run.tested_sets["name"][5])
            asked = {what: f"{part.seconds[what][0]:.2f} s" for what in ("a feature", "a set")}
            bare = [f"{statistics.median(part.seconds[each]):.1f}" for each in ("product", "ours")]
            print(f"torch's product {bare[0]} s, ours {bare[1]}; {asked}", file=sys.stderr)


def memory(name: str, features: int) -> float:
    """Return the peak memory of a run in a process of its own, in GB."""
    command = [sys.executable, __file__, "job", "--memory-of", name, "--features", str(features)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1])["gb"])


def measure_memory(name: str, features: int) -> None:
    """Print the peak memory of this process beyond the interpreter and torch."""
    analysis(name, features)()
    print(json.dumps({"gb": (high_water() - BARE) / 1e9}))


def million(features: int, rounds: int) -> None:
    """Print what a million features cost, block by block, z and log10 p of each thrown away."""
    W_U, W_dec = weights(V, 1), weights(BLOCK, 2)
    unembedding = prepared(W_U)
    sets = token_sets("1000", unembedding)
    test = DirectionTest(
        Sweep(unembedding, CPU), effects_of(sets, unembedding), SecondMoment.of(bank(W_dec))
    )
    test.log10_p(test.z(W_dec[:8]))
    rate, spent, z_spent = DiscoveryRate(), 0.0, 0.0
    blocks = -(-1_000_000 // BLOCK)
    for block in range(blocks):
        rows = W_dec if block == 0 else W_dec[:, torch.randperm(D)]
        for start in range(0, BLOCK, 2048):
            began = time.perf_counter()
            z = test.z(test.sweep.standardised(rows[start : start + 2048]).scaled)
            z_spent += time.perf_counter() - began
            rate.add(test.log10_p(z), test.testable)
            spent += time.perf_counter() - began
    bare = timed(lambda: product(W_dec, W_U)) * blocks
    print(f"{machine()}\n{blocks * BLOCK:,} features x {len(sets):,} sets: {rate.pairs:,} pairs")
    print(
        f"z {z_spent:.1f} s ({z_spent / bare:.3f} of the product), with log10 p and the counts "
        f"for q {spent:.1f} s ({spent / bare:.3f})"
    )


def others(features: int, rounds: int) -> None:
    """Print what other tools take for one feature and set, and the smallest p they can give."""
    W_U, W_dec = weights(V, 1), weights(4096, 2)
    unembedding = prepared(W_U)
    sets = token_sets("64", unembedding)
    print(f"{machine()}\n{len(sets)} sets; as many features as a minute allows\n")
    print("| tool | features | seconds a feature and set | smallest p |\n|---|---|---|---|")

    def line(tool: str, done: int, seconds: float, smallest: str) -> None:
        print(f"| {tool} | {done:,} | {seconds / done / len(sets):.2e} | {smallest} |", flush=True)

    test = bank(W_dec)
    direction_test(bank(W_dec[:8]), unembedding, sets, device="cpu")
    line(
        "unembed, direction test (z, p, q)", len(W_dec),
        timed(lambda: direction_test(test, unembedding, sets, device="cpu")), "no limit (log10)",
    )  # fmt: skip
    work = analysis("64", 4096)
    line("unembed, everything, written", 4096, timed(work), "no limit (log10)")

    for tool, score, smallest in contenders(unembedding, sets):
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < BUDGET_S and done < 4096:
            score((W_dec[done : done + 1] @ unembedding.W_U.T)[0])
            done += 1
        line(tool, done, time.perf_counter() - start, smallest)


def contenders(
    unembedding: unembed.Unembedding, sets: unembed.TokenSets
) -> list[tuple[str, Callable[[torch.Tensor], object], str]]:
    """Return the other tools: name, what scores one feature's logit weights, smallest p."""
    names = [str(i) for i in range(unembedding.n_tokens)]
    row_of = {int(token): row for row, token in enumerate(unembedding.token_ids)}
    members = {name: [names[row_of[int(i)]] for i in sets[name]] for name in sets}
    rows = {name: torch.tensor([row_of[int(i)] for i in sets[name]]) for name in sets}
    found: list[tuple[str, Callable[[torch.Tensor], object], str]] = []

    def tutorial(logits: torch.Tensor) -> list[float]:
        """The notebook's score from its definition: unsigned, unweighted, set by set."""
        order = logits.argsort(descending=True)
        scores = []
        for chosen in rows.values():
            hit = torch.isin(order, chosen)
            running = torch.where(hit, 1 / len(chosen), -1 / (len(order) - len(chosen))).cumsum(0)
            scores.append(float(running.abs().max()))
        return scores

    found.append(("the tutorial's scoring", tutorial, "none"))
    try:
        import gseapy
        import pandas as pd

        def prerank(logits: torch.Tensor) -> object:
            ranking = pd.DataFrame({"token": names, "weight": logits.numpy()})
            return gseapy.prerank(
                rnk=ranking, gene_sets=members, permutation_num=1000, min_size=1,
                max_size=unembedding.n_tokens, weight=0, outdir=None, seed=0, threads=2,
                no_plot=True,
            ).res2d  # fmt: skip

        found.append((f"gseapy {gseapy.__version__}, 1,000 permutations", prerank, "0, or 1e-3"))
    except ImportError:
        print("gseapy is not installed", file=sys.stderr)
    try:
        import decoupler
        import pandas as pd

        net = pd.DataFrame(
            [(name, token) for name, tokens in members.items() for token in tokens],
            columns=["source", "target"],
        )

        def gsea(logits: torch.Tensor) -> object:
            data = pd.DataFrame([logits.numpy()], index=["feature"], columns=names)
            return decoupler.mt.gsea(data, net, tmin=1, times=1000, verbose=False)

        found.append((f"decoupler {decoupler.__version__}, 1,000 permutations", gsea, "1e-3"))
    except ImportError:
        print("decoupler is not installed", file=sys.stderr)
    try:
        import blitzgsea
        import pandas as pd

        def blitz(logits: torch.Tensor) -> object:
            signature = pd.DataFrame({0: names, 1: logits.numpy()})
            return blitzgsea.gsea(
                signature, members, min_size=1, max_size=unembedding.n_tokens, seed=0,
                processes=2, verbose=False,
            )  # fmt: skip

        found.append(("blitzgsea, a gamma fitted to 2,000 permutations", blitz, "fitted"))
    except ImportError:
        print("blitzgsea is not installed", file=sys.stderr)
    return found


def main() -> None:
    """Run one part of the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = {"direction": direction, "million": million, "others": others}
    parser.add_argument("part", choices=[*parts, "job"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--features", type=int, default=24_576)
    parser.add_argument("--of", choices=JOBS, nargs="*", help="which jobs; all, if not said")
    parser.add_argument("--memory-of", choices=JOBS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        measure_memory(arguments.memory_of, arguments.features)
    elif arguments.part == "job":
        job(arguments.features, arguments.rounds, arguments.of or list(JOBS))
    else:
        parts[arguments.part](arguments.features, arguments.rounds)


if __name__ == "__main__":
    main()
