"""Fit the demo's Jacobian lens: its prompts, and the file that ships.

    python -m scripts.fit_demo_lens check
    python -m scripts.fit_demo_lens fit .demo_lens --layers 0-28 --prompts 0-15
    python -m scripts.fit_demo_lens fit .demo_lens --layers 10-28 --prompts 16-31
    python -m scripts.fit_demo_lens bundle .demo_lens FILE --layers 10,20,26

The model is the GGUF file that the demo's weights were taken from. A prompt is 128 tokens of one
document, from the beginning of a line on: State of the Union addresses, *Moby Dick*, Django's
documentation, its source code, WordNet's entries and fortunes take turns, two prompts each, so that
the even and the odd prompts have as many of each kind. Which document and which line, the prompt's
number decides. Each prompt's Jacobians are a file of their own: what is stopped goes on, several
processes (one thread each) may share the prompts, and what is there can be bundled at any time.

What `unembed lens fit` does in 150 s of a processor a prompt, down to layer 10, the equations of
this one family do in 60 (`scripts/llama_backward.py`, in bfloat16); `check` compares the two.
"""

from __future__ import annotations

import random
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import torch
import typer
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from scripts.demo_sae import text
from scripts.demo_sae.workspace import GGUF
from scripts.llama_backward import llama_jacobians
from unembed.fitting.halves import Halves
from unembed.fitting.lens_files import write_lens
from unembed.fitting.model import Opened, open_causal_model
from unembed.fitting.stability import measure
from unembed.load import load_model
from unembed.load.reference import resolve
from unembed.store.atomic import write_atomically
from unembed.version import __version__

TOKENS = 128
SKIP = 16
BATCH = 8
WORDS = 12
"""Characters of a document that are cut, a token wanted: more than any text's tokens have."""


def django_code(archive: Path) -> Iterator[str]:
    """Yield the modules of Django."""
    with tarfile.open(archive) as files:
        for member in sorted(files.getmembers(), key=lambda member: member.name):
            if re.search(r"^[^/]+/django/.*\.py$", member.name) and (
                file := files.extractfile(member)
            ):
                yield file.read().decode("utf-8")


KINDS: dict[str, tuple[str, str, Callable[[Path], Iterator[str]]]] = {
    **text.SOURCES,
    "django-code": ("pypi", "django==5.2", django_code),
}


@cache
def documents(kind: str) -> list[str]:
    """Return the documents of a kind, of some length."""
    registry, package, read = KINDS[kind]
    return [each for each in read(text.download(registry, package)) if len(each) > 1_000]


def prompt(opened: Opened, number: int) -> tuple[str, torch.Tensor]:
    """Return what kind of text a prompt is, and its tokens."""
    kind = sorted(KINDS)[number // 2 % len(KINDS)]
    draw = random.Random(f"prompt {number}")
    while True:
        document = draw.choice(documents(kind))
        starts = [0, *(match.end() for match in re.finditer(r"\n+", document))]
        part = document[draw.choice(starts) :][: WORDS * TOKENS]
        ids = opened.tokenizer(part, add_special_tokens=False).input_ids
        if len(ids) > TOKENS:  # one more, so that the last token is none that was cut
            return kind, torch.tensor(ids[:TOKENS])


app = typer.Typer(pretty_exceptions_enable=False)


def several(numbers: str) -> list[int]:
    """Return numbers from `0,2-5`."""
    found = []
    for part in numbers.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def opened() -> Opened:
    """Return the model in float32, on one thread."""
    torch.set_num_threads(1)
    return open_causal_model(resolve(GGUF), dtype=torch.float32, device=torch.device("cpu"))


@app.command()
def fit(folder: Path, layers: str = "10-28", prompts: str = "0-31") -> None:
    """Write the Jacobians of prompts that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    model = opened()
    for number in several(prompts):
        path = folder / f"{number:03}.safetensors"
        if path.exists():
            continue
        kind, ids = prompt(model, number)
        clock = time.time(), time.process_time()
        found = llama_jacobians(model.blocks.model, ids, several(layers), skip=SKIP, batch=BATCH)
        tensors = {f"J.{layer}": J for layer, J in found.items()}
        write_atomically(path, lambda part, tensors=tensors: save_file(tensors, part))
        print(
            f"prompt {number} ({kind}): {time.time() - clock[0]:.0f} s, of one processor "
            f"{time.process_time() - clock[1]:.0f} s",
            flush=True,
        )


@app.command()
def bundle(folder: Path, out: Path, layers: str = "10,20,26") -> None:
    """Write the lens of all prompts that are there, in pairs of an even and an odd one."""
    model = load_model(GGUF)
    J, stability, counts = {}, {}, {}
    for layer in several(layers):
        halves = Halves.empty([layer], 576, torch.float32)
        for path in _in_pairs(folder, f"J.{layer}"):
            halves.add({layer: load_file(path)[f"J.{layer}"]})
        J[layer], counts[layer] = halves.mean(layer), halves.done
        stability |= measure(halves, (layer,), model, lambda done, total: None)
    for layer, each in stability.items():
        print(layer, counts[layer], each, flush=True)
    said = {
        "model": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "weights": GGUF.name,
        "architecture": "LlamaForCausalLM",
        "n_layers": 30,
        "capture_point": "block_output",
        "target_layer": 29,
        "n_prompts": min(counts.values()),
        "prompts_by_layer": {str(layer): count for layer, count in counts.items()},
        "text": "documents of six kinds in turn, two prompts of each: text_sources",
        "text_sources": {kind: package for kind, (_, package, _) in sorted(KINDS.items())},
        "tokens": TOKENS,
        "skip": SKIP,
        "dtype": "bfloat16 products, float32 sums",
        "written_by": f"unembed {__version__}, scripts/fit_demo_lens.py",
        "stability": {str(layer): each.as_json() for layer, each in stability.items()},
    }
    write_lens(out, J, said)


def _in_pairs(folder: Path, tensor: str) -> list[Path]:
    """Return the files of the prompts that have a tensor and whose neighbour has it, in order."""
    there = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            if tensor in file.keys():  # noqa: SIM118
                there[int(path.stem)] = path
    return [path for number, path in there.items() if number ^ 1 in there]


@app.command()
def check(number: int = 0, layers: str = "0,10,20,28", rows: int = 8) -> None:
    """Compare some rows of J with those that automatic differentiation makes, in float32."""
    model = opened()
    _, ids = prompt(model, number)
    last = len(model.blocks) - 1
    with model.blocks.streams([*several(layers), last]) as streams, torch.enable_grad():
        model.blocks.run(ids[None].expand(rows, -1))
        cotangent = torch.zeros_like(streams[last])
        for row in range(rows):
            cotangent[row, SKIP:-1, row] = 1
        sources = [streams[layer] for layer in several(layers)]
        gradients = torch.autograd.grad(streams[last], sources, cotangent)
    for dtype in (torch.float32, torch.bfloat16):
        found = llama_jacobians(
            model.blocks.model, ids, several(layers), skip=SKIP, batch=rows, dtype=dtype, rows=rows
        )
        for layer, gradient in zip(several(layers), gradients, strict=True):
            expected = gradient[:, SKIP:-1].mean(1)
            error = float((found[layer] - expected).norm() / expected.norm())
            print(f"layer {layer}, products in {dtype}: {error:.1e} of ‖J‖")


if __name__ == "__main__":
    app()
