"""Train a sparse autoencoder with SAELens' trainer on activations that were collected."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from sae_lens import (
    SAE,
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    JumpReLUTrainingSAE,
    JumpReLUTrainingSAEConfig,
    SAETrainer,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
    TrainingSAE,
)
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.sae import SAEMetadata
from torch import Tensor

from scripts.demo_sae import activations, density
from scripts.demo_sae.tokens import CONTEXT
from scripts.demo_sae.workspace import SAES, write_json


@dataclass(frozen=True)
class Settings:
    """What decides a trained SAE, besides the activations."""

    layer: int
    architecture: str
    l0: int
    """Features active at a token: exactly (TopK) or on average (BatchTopK, JumpReLU)."""
    features: int = 8_192
    epochs: float = 1.0
    batch: int = 1_024
    lr: float = 1e-3
    shards: int | None = None
    seed: int = 0

    @property
    def name(self) -> str:
        """Return the folder's name."""
        text = f"layer-{self.layer}-{self.architecture}-{self.l0}"
        return text if self.shards is None else f"{text}-of-{self.shards}-shards"


def train(settings: Settings) -> Path:
    """Train an SAE and return its folder, in SAELens' layout for inference.

    Two checkpoints on the way let a stopped training go on. Activations are scaled to a mean norm
    of √d_model; the scale is folded into the weights at the end, so the SAE reads the residual
    stream as it is.
    """
    folder = SAES / settings.name
    if (folder / "cfg.json").exists():
        return folder
    rows = activations.read(settings.layer, settings.shards)
    total = int(len(rows) * settings.epochs) // settings.batch * settings.batch
    torch.manual_seed(settings.seed)
    sae = untrained(settings, rows.shape[1], total // settings.batch)
    scale = rows.shape[1] ** 0.5 / mean_norm(rows)
    start_at_data(sae, rows, scale, settings.seed)
    checkpoints = folder / "checkpoints"
    trainer = SAETrainer(
        SAETrainerConfig(
            total_training_samples=total,
            train_batch_size_samples=settings.batch,
            lr=settings.lr,
            lr_end=settings.lr / 10,
            lr_warm_up_steps=100,
            lr_decay_steps=total // settings.batch // 3,
            autocast=True,
            dead_feature_window=100,
            feature_sampling_window=500,
            n_checkpoints=2,
            checkpoint_path=str(checkpoints),
        ),
        sae,
        batches(rows, settings, 0),
    )
    trainer.activation_scaler.scaling_factor = scale
    if done := sorted(checkpoints.glob("[0-9]*/trainer_state.pt"), key=samples_of):
        trainer.load_trainer_state(done[-1].parent)
        sae.load_weights_from_checkpoint(done[-1].parent)
        trainer.data_provider = batches(rows, settings, trainer.n_training_samples)
        trainer.checkpoint_thresholds = [
            at for at in trainer.checkpoint_thresholds if at > trainer.n_training_samples
        ]
    trainer.fit()
    save(sae, rows, settings, folder, total)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return folder


def untrained(settings: Settings, d_model: int, steps: int) -> TrainingSAE:
    """Return an SAE with random weights of one architecture."""
    common = {
        "d_in": d_model,
        "d_sae": settings.features,
        "normalize_activations": "expected_average_only_in",
        "metadata": SAEMetadata(
            model_name="HuggingFaceTB/SmolLM2-135M-Instruct",
            hook_name=f"blocks.{settings.layer}.hook_resid_post",
            context_size=CONTEXT,
            prepend_bos=False,
        ),
    }
    match settings.architecture:
        case "topk":
            return TopKTrainingSAE(TopKTrainingSAEConfig(**common, k=settings.l0))
        case "batchtopk":
            return BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(**common, k=settings.l0))
        case "jumprelu":
            return JumpReLUTrainingSAE(
                JumpReLUTrainingSAEConfig(
                    **common,
                    jumprelu_sparsity_loss_mode="quadratic",
                    target_l0=settings.l0,
                    jumprelu_init_threshold=0.3,
                    jumprelu_bandwidth=0.5,
                    l0_warm_up_steps=steps // 5,
                    pre_act_loss_coefficient=3e-6,
                )
            )
    raise SystemExit(f"Architectures: topk, batchtopk, jumprelu; found {settings.architecture!r}.")


@torch.no_grad()
def start_at_data(sae: TrainingSAE, rows: Tensor, scale: float, seed: int) -> None:
    """Start the decoder's bias at the mean, and each feature at one activation, centred.

    From random directions most features never fire, and a short training does not revive them:
    in trials of 390,000 tokens half of them stayed dead.
    """
    sae.b_dec.copy_(mean(rows) * scale)
    draw = torch.Generator().manual_seed(seed + 1)
    drawn = torch.randperm(len(rows), generator=draw)[: sae.cfg.d_sae]
    directions = torch.nn.functional.normalize(rows[drawn].float() * scale - sae.b_dec, dim=1)
    sae.W_dec.copy_(directions * sae.W_dec.norm(dim=1).mean())
    sae.W_enc.copy_(directions.T * sae.W_enc.norm(dim=0).mean())


def batches(rows: Tensor, settings: Settings, skip: int) -> Iterator[Tensor]:
    """Yield shuffled batches in float32, pass after pass, beginning `skip` rows on."""
    order = torch.Generator().manual_seed(settings.seed)
    while True:
        for ids in torch.randperm(len(rows), generator=order).split(settings.batch):
            if len(ids) < settings.batch:
                continue
            if skip > 0:
                skip -= settings.batch
                continue
            yield rows[ids].float()


def mean(rows: Tensor) -> Tensor:
    """Return the mean row, summed in float64."""
    return (sum(part.double().sum(0) for part in rows.split(65_536)) / len(rows)).float()


def mean_norm(rows: Tensor) -> float:
    """Return the mean Euclidean norm of the rows."""
    return sum(part.float().norm(dim=1).sum().item() for part in rows.split(65_536)) / len(rows)


def save(sae: TrainingSAE, rows: Tensor, settings: Settings, folder: Path, total: int) -> None:
    """Write the SAE for inference; `cfg.json` comes last, and says that all is there."""
    part = folder / "part"
    sae.save_inference_model(part)
    inference = SAE.load_from_disk(part)
    if settings.architecture == "jumprelu":
        inference.fold_W_dec_norm()  # The others are saved with unit rows.
        inference.save_model(part)
    (part / "sae_weights.safetensors").replace(folder / "sae_weights.safetensors")
    density.save(inference, rows, folder)
    write_json(folder / "training.json", asdict(settings) | {"training_tokens": total})
    (part / "cfg.json").replace(folder / "cfg.json")
    shutil.rmtree(part)


def samples_of(state: Path) -> int:
    """Return how many rows a checkpoint had seen."""
    return int(state.parent.name)
