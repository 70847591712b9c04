"""What float32 products lose under a caller's settings, plain and through `unembed.products`.

    python benchmarks/precision.py

Errors are relative to float64, the largest over the product. Only torch and NumPy are needed beside
the checkout, so that it can be run where nothing is installed. A processor with AMX (or other
bfloat16 products) and an NVIDIA GPU are where the settings do something.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from unembed.products import product

ROWS, WIDTH, COLUMNS = 512, 1024, 4096


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Let float32 products be made of narrower numbers, as a caller may."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def settings(device: str) -> dict[str, Callable[[], object]]:
    """Return what a caller may have set, by how it is written."""
    return {
        "nothing": nullcontext,
        'set_float32_matmul_precision("high")': lambda: precision("high"),
        'set_float32_matmul_precision("medium")': lambda: precision("medium"),
        "autocast, bfloat16": lambda: torch.autocast(device, torch.bfloat16),
    }


def main() -> None:
    """Print a table for each device that there is."""
    flags = Path("/proc/cpuinfo")
    amx = flags.is_file() and "amx_bf16" in flags.read_text()
    print(f"torch {torch.__version__}, {platform.processor() or platform.machine()}, AMX: {amx}")
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        name = torch.cuda.get_device_name() if device == "cuda" else "processor"
        random = torch.Generator().manual_seed(0)
        a = torch.randn(ROWS, WIDTH, generator=random).to(device)
        b = torch.randn(WIDTH, COLUMNS, generator=random).to(device)
        exact = a.double() @ b.double()
        print(f"\n{name}\n\n| setting | plain `a @ b` | `product(a, b)` |\n|---|---|---|")
        for label, loose in settings(device).items():
            with loose():  # type: ignore[attr-defined]
                found = a @ b, product(a, b)
            errors = [float((each.double() - exact).abs().max() / exact.abs().max())
                      for each in found]  # fmt: skip
            print(f"| {label} | {errors[0]:.1e} | {errors[1]:.1e} |")


if __name__ == "__main__":
    main()
