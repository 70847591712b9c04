"""`unembed neuronpedia export`: features in Neuronpedia's field names."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unembed import questions
from unembed.cli.opened import open_run
from unembed.cli.options import Features, NeuronpediaIds, OverwriteFile, RunFolder, several
from unembed.cli.output import aside
from unembed.output_file import check_free, output_file
from unembed.outside.text import shown
from unembed.strict_json import dumps

if TYPE_CHECKING:
    from unembed.questions.neuronpedia import Upload


def export(
    path: RunFolder,
    features: Features = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Ending in .jsonl or .jsonl.gz, one feature a line; else a JSON list.",
        ),
    ] = Path("neuronpedia.json"),
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of either end.")] = 10,
    spelling: Annotated[
        Literal["text", "neuronpedia"],
        typer.Option(
            help="Tokens as text, or as Neuronpedia's pages spell them: ケ is ãĤ± where the "
            "tokenizer is byte-level."
        ),
    ] = "text",
    unit_norm: Annotated[
        bool,
        typer.Option(
            "--unit-norm",
            help="Logit weights of directions of length 1, as SAEDashboard computes them.",
        ),
    ] = False,
    upload: Annotated[
        bool,
        typer.Option(
            "--upload",
            help="Write bodies of POST /api/feature/upload-batch: at most 128 features each, with "
            "the texts that were fetched; features without any are left out.",
        ),
    ] = False,
    ids: NeuronpediaIds = None,
    overwrite: OverwriteFile = False,
) -> None:
    """Write labels, top logits and histograms with Neuronpedia's field names.

    Nothing is sent anywhere. Of some features, or of all whose bank is known there:

        unembed neuronpedia export runs/gpt2 sae.8/4467 -o labels.json
        unembed neuronpedia export runs/gpt2 --spelling neuronpedia -o labels.jsonl.gz

    Where the SAE does not say what it is called there, say it:

        unembed neuronpedia export runs/mine --neuronpedia sae.8=gpt2-small/8-res-jb -o labels.json
    """
    check_free(out, overwrite=overwrite)
    named = several(features) or []
    run = open_run(path, *named)
    sources = questions.neuronpedia.sources_of(run, ids or ())
    found = questions.neuronpedia.on_site(run, named, sources)
    how: dict[str, Any] = {"tokens": tokens, "spelling": spelling, "unit_norm": unit_norm}
    if upload:
        made = questions.neuronpedia.uploads(run, found, sources, **how)
        _write(out, made.bodies)
        _say_upload(out, made)
        return
    _write(out, questions.neuronpedia.exported(run, found, sources, **how))
    aside().print(f"Wrote {_features(found.height)} to {shown(out)}.")


def _say_upload(out: Path, made: Upload) -> None:
    bodies = len(made.bodies)
    said = f"Wrote {_features(made.features)} to {shown(out)}, as {bodies:,} "
    said += f"{'body' if bodies == 1 else 'bodies'} of at most 128."
    if made.without_text:
        said += (
            f" {_features(made.without_text)} left out: no text that they fire on was fetched, and "
            "Neuronpedia takes none without."
        )
    if made.shortened:
        said += f" {made.shortened:,} labels were cut to the 512 characters that it takes."
    aside().print(said)


def _features(count: int) -> str:
    return f"{count:,} feature{'s' if count != 1 else ''}"


def _write(path: Path, content: list[dict[str, object]]) -> None:
    name = path.name.removesuffix(".gz")
    if name.endswith(".jsonl"):
        text = "".join(f"{dumps(each)}\n" for each in content)
    else:
        text = dumps(content, indent=1)
    raw = text.encode()
    with output_file(path) as part:
        # without a time in it, so that equal features are equal files
        part.write_bytes(gzip.compress(raw, mtime=0) if path.name.endswith(".gz") else raw)
