"""`fit_lens`: a model's own Jacobian lens, from a text to a file, going on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unembed.errors import UnembedError
from unembed.fitting.about import about, identity_of
from unembed.fitting.blocks import Blocks
from unembed.fitting.checkpoint import checkpoint_of
from unembed.fitting.lens_files import check_ending, write_lens
from unembed.fitting.memory import Memory, memory_of
from unembed.fitting.model import Opened, open_causal_model
from unembed.fitting.prompts import prompts_in
from unembed.fitting.sample import sampled_prompts
from unembed.fitting.settings import SAMPLE, FitSettings
from unembed.fitting.stability import Stability, measure
from unembed.fitting.summing import summed
from unembed.load import load_model
from unembed.load.models.open import model_place
from unembed.output_file import check_free
from unembed.products import strictly
from unembed.progress import Progress, report_of, silent
from unembed.sweep.device import device_named


@dataclass(frozen=True)
class FittedLens:
    """A Jacobian lens that was fitted.

    Attributes:
        paths: of its files.
        J: by layer, [of h_final, of h_layer].
        n_prompts: that it is the mean over.
        stability: by layer, how far two halves of the prompts agree; empty for one prompt.
        metadata: what the files say of it.
    """

    paths: tuple[Path, ...]
    J: dict[int, Tensor] = field(repr=False)
    n_prompts: int
    stability: dict[int, Stability] = field(repr=False)
    metadata: dict[str, Any] = field(repr=False)


def fit_lens(
    model: str | Path,
    out: str | Path | Sequence[str | Path],
    *,
    text: str | Path = SAMPLE,
    settings: FitSettings | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
    before: Callable[[Memory], object] = lambda memory: None,
) -> FittedLens:
    """Return a model's Jacobian lens, fitted on a text and written to a file.

    J_l = E[∂h_final/∂h_l] says what a direction that is written behind block l has become, on
    average, at the end of the blocks (see `unembed.fitting.jacobian`). What is stopped goes on from
    the last prompt that was kept, beside the file, and gives the same lens.

    Args:
        model: a folder, a repository of the hub, or a GGUF file, that `transformers` can run.
        out: a `.safetensors` or a `.pt` file, or several.
        text: a text file, documents in `.jsonl`, or `sample`: what the model writes itself.
        settings: of the fit.
        overwrite: replace files that are there, and what another fit left that was stopped.
        progress: told of each step.
        before: told, before the first prompt, how much memory the fit takes.

    Raises:
        MissingExtraError: when the extra `fit` is not installed.
        UnembedError: when the model, the text or a file is not what it must be.
    """
    settings = settings or FitSettings()
    device = device_named(settings.device)
    # What a caller allows torch, or has set, changes no result.
    with strictly(device.type), torch.inference_mode(False), torch.device("cpu"):
        return _fit(model, out, text, settings, device, overwrite, progress, before)


def _fit(
    model: str | Path,
    out: str | Path | Sequence[str | Path],
    text: str | Path,
    settings: FitSettings,
    device: torch.device,
    overwrite: bool,
    progress: Progress,
    before: Callable[[Memory], object],
) -> FittedLens:
    paths = tuple(map(Path, [out] if isinstance(out, str | Path) else out))
    _check_out(paths, overwrite)
    dtype = getattr(torch, settings.dtype)
    to_read = load_model(model)
    opened = open_causal_model(model_place(model), dtype=dtype, device=device)
    blocks = opened.blocks
    layers, batch = settings.layers_of(len(blocks)), settings.rows(device.type)
    prompts = _prompts(opened, text, settings, progress)
    before(memory_of(blocks, prompts[0], layers, min(batch, blocks.d_model)))
    said = about(opened, layers, prompts, _told(text, settings), settings)
    halves = summed(
        blocks, prompts, layers,
        skip=settings.skip, batch=batch, path=checkpoint_of(paths[0]), identity=identity_of(said),
        overwrite=overwrite, report=report_of(progress, "Rows of J"),
    )  # fmt: skip
    report = report_of(progress, "Layers of both halves compared")
    stability = measure(halves, layers, to_read, report)
    said["stability"] = {str(layer): each.as_json() for layer, each in stability.items()}
    J = {layer: halves.mean(layer) for layer in layers}
    for path in paths:
        write_lens(path, J, said)
    checkpoint_of(paths[0]).unlink(missing_ok=True)
    return FittedLens(paths, J, halves.done, stability, said)


def _check_out(paths: Sequence[Path], overwrite: bool) -> None:
    if not paths:
        raise UnembedError("No file was given that the lens should be written to.")
    for path in paths:
        check_ending(path)
        check_free(path, overwrite=overwrite)


def _prompts(
    opened: Opened, text: str | Path, settings: FitSettings, progress: Progress
) -> list[Tensor]:
    _check_length(opened.blocks, settings.tokens)
    if str(text) == SAMPLE:
        return sampled_prompts(
            opened.blocks, opened.tokenizer, count=settings.prompts, tokens=settings.tokens,
            seed=settings.seed, report=report_of(progress, "Prompts that the model writes"),
        )  # fmt: skip
    return prompts_in(Path(text), opened.tokenizer, count=settings.prompts, tokens=settings.tokens)


def _check_length(blocks: Blocks, tokens: int) -> None:
    most = getattr(blocks.config, "max_position_embeddings", None)
    if isinstance(most, int) and 0 < most < tokens:
        raise UnembedError(
            f"The model takes up to {most:,} tokens, not prompts of {tokens:,}. Give --tokens "
            f"{most}, or fewer."
        )


def _told(text: str | Path, settings: FitSettings) -> str:
    if str(text) == SAMPLE:
        return f"sampled from the model itself at temperature 1, seed {settings.seed}"
    return Path(text).name
