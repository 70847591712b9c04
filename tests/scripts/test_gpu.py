"""The benchmark of GPUs, tried at a small size on a device that is not there."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.pretend import DEVICE, pretended
from unembed.sweep import accelerator

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return pytest.importorskip("gpu")


@pytest.mark.slow
def test_it_says_what_it_measured(gpu: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "gpu.md"
    with pretended():
        given = ["--device", DEVICE, "--small", "--sizes", "gpt2", "--out", str(out)]
        assert gpu.main([*given, "--seconds", "3600"]) == 0  # a busy machine is not what is tried
    text = out.read_text(encoding="utf-8")
    assert text.startswith(f"{DEVICE}; ")
    assert "too far" not in text
    for part in ("z of", "es of"):  # nothing is compared where no pair is kept
        (line,) = (each for each in text.splitlines() if each.startswith(f"| the demo: {part} "))
        assert int(line.split()[5].replace(",", "")) > 20, "pairs of the demo"
    for job in gpu.JOBS:
        (row,) = (line for line in text.splitlines() if line.startswith(f"| {job.title} |"))
        assert float(row.split("|")[4].strip(" *")) > 0, "over the product"


def test_other_numbers_are_too_far(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    model = gpu.model_of(gpu.CHECKED_SMALL, "cpu", 200)
    with pretended():
        for wrong in (False, True):
            if wrong:
                monkeypatch.setattr(accelerator, "OFFSET", 102.0)
            checks = list(gpu.check_readers(model, DEVICE))
            assert any(apart > allowed for _, apart, allowed in checks) == wrong


def test_a_run_ends_when_the_time_is_up(gpu: ModuleType, tmp_path: Path) -> None:
    model, watch = gpu.model_of(gpu.SMALL["gpt2"], "cpu", 200), gpu.Watch(0)
    with pytest.raises(gpu.TimeUpError):
        gpu.run(model, gpu.bank(model.W_dec), tmp_path / "run", "cpu", None, watch)
    assert watch.done == "features, 0 of 200"
    said: list[str] = []
    gpu.measure(gpu.SMALL["gpt2"], "cpu", watch, said.append)
    assert said == ["\n300 × 3,000 × 32: no time was left"]


def test_the_page_quotes_the_record(gpu: ModuleType) -> None:
    """docs/benchmarks.md has every run of benchmarks/gpu.md, and no other."""
    record = (BENCHMARKS / "gpu.md").read_text(encoding="utf-8")
    page = (BENCHMARKS.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert "too far" not in record
    titles = tuple(f"| {job.title} |" for job in gpu.JOBS)
    expected = [
        f"| {size.title} {line}"
        for size in gpu.SIZES.values()
        for line in record.split(f"\n{size.title}: product ")[1].split("\n\n")[1].splitlines()
        if line.startswith(titles)
    ]
    quoted = [line for line in page.splitlines() if any(title in line for title in titles)]
    assert quoted == expected
