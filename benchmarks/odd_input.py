"""What other tools do with odd input: the table in docs/enrichment.md.

Each case is a process of its own, since some do not come back. Needs `pip install
'unembed[bench]'`.

    python benchmarks/odd_input.py
"""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import torch

N = 2000
PATIENCE_S = 60
TOOLS = ("tutorial", "gseapy", "decoupler", "blitzgsea")
CASES = (
    "a good set", "no member", "one member", "all but one", "all tokens", "a member twice",
    "a member that is no token", "equal weights", "a NaN weight", "an infinite weight",
)  # fmt: skip


def made(case: str) -> tuple[np.ndarray, list[str]]:
    """Return weights of tokens "0" … and the members of a set that is at the top."""
    random = np.random.default_rng(0)
    weights = np.sort(random.standard_normal(N))[::-1].copy()
    members = [str(i) for i in range(0, 100, 5)]
    if case == "no member":
        members = []
    elif case == "one member":
        members = ["7"]
    elif case == "all but one":
        members = [str(i) for i in range(1, N)]
    elif case == "all tokens":
        members = [str(i) for i in range(N)]
    elif case == "a member twice":
        members = [*members, "0", "0", "0", "5", "5"]
    elif case == "a member that is no token":
        members = [*members, "99999"]
    elif case == "equal weights":
        weights[:] = 1
    elif case == "a NaN weight":
        weights[50] = np.nan
    elif case == "an infinite weight":
        weights[0] = np.inf
    return weights, members


def tutorial(weights: np.ndarray, members: list[str]) -> str:
    """Score by the notebook's definition."""
    order = torch.from_numpy(weights).argsort(descending=True)
    hit = torch.isin(order, torch.tensor([int(name) for name in members], dtype=torch.long))
    running = torch.where(hit, 1 / hit.sum(), -1 / (~hit).sum())
    return f"ES {float(running.cumsum(0).abs().max()):.3f}"


def gseapy(weights: np.ndarray, members: list[str]) -> str:
    """Score by gseapy.prerank, unweighted, 1,000 permutations."""
    import gseapy as tool
    import pandas as pd

    ranking = pd.DataFrame({"token": [str(i) for i in range(N)], "weight": weights})
    found = tool.prerank(
        rnk=ranking, gene_sets={"set": members, "other": [str(i) for i in range(300, 340)]},
        permutation_num=1000, min_size=1, max_size=N + 10, weight=0, outdir=None, seed=0,
        threads=1, no_plot=True,
    ).res2d  # fmt: skip
    row = found[found["Term"] == "set"]
    if row.empty:
        return "left out silently"
    return f"ES {float(row['ES'].iloc[0]):.3f}, p {float(row['NOM p-val'].iloc[0]):.3g}"


def decoupler(weights: np.ndarray, members: list[str]) -> str:
    """Score by decoupler's gsea, 1,000 permutations."""
    import decoupler as tool
    import pandas as pd

    data = pd.DataFrame([weights], index=["feature"], columns=[str(i) for i in range(N)])
    pairs = [("set", name) for name in members] + [("other", str(i)) for i in range(300, 340)]
    net = pd.DataFrame(pairs, columns=["source", "target"])
    scores, p = tool.mt.gsea(data, net, tmin=0, times=1000, verbose=False)
    if "set" not in scores:
        return "left out silently"
    return f"score {float(scores['set'].iloc[0]):.3f}, p {float(p['set'].iloc[0]):.3g}"


def blitzgsea(weights: np.ndarray, members: list[str]) -> str:
    """Score by blitzgsea, 2,000 permutations."""
    import blitzgsea as tool
    import pandas as pd

    signature = pd.DataFrame({0: [str(i) for i in range(N)], 1: weights})
    sets = {"set": members, "other": [str(i) for i in range(300, 340)]}
    found = tool.gsea(signature, sets, min_size=0, max_size=N + 10, seed=0, processes=2)
    if "set" not in found.index:
        return "left out silently"
    row = found.loc["set"]
    return f"ES {float(row['es']):.3f}, p {float(row['pval']):.3g}"


def outcome(tool: str, case: str) -> str:
    """Return what a tool does with a case, in a process of its own."""
    command = [sys.executable, __file__, tool, case]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return f"not back after {PATIENCE_S} s"
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        return lines[-1]
    said = done.stderr.strip().splitlines() or ["no message"]
    last = next((line for line in reversed(said) if "Error" in line), said[-1])
    kind = "panics" if "panic" in done.stderr.lower() else "error"
    return f"{kind}: {last[:90]}" if done.returncode > 0 else f"killed ({-done.returncode})"


def main() -> None:
    """Print the table, or one cell of it."""
    if len(sys.argv) == 3:
        warnings.simplefilter("ignore")
        print(globals()[sys.argv[1]](*made(sys.argv[2])))
        return
    print(f"| the set, or the weights | {' | '.join(TOOLS)} |")
    print("|---|" + "---|" * len(TOOLS))
    for case in CASES:
        print(f"| {case} | {' | '.join(outcome(tool, case) for tool in TOOLS)} |", flush=True)


if __name__ == "__main__":
    main()
