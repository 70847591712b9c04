"""The norms of a Hugging Face folder: the final one, and those between stream and sub-layers."""

from __future__ import annotations

from torch import Tensor

from unembed.errors import FormatError
from unembed.load.models.checkpoint import Checkpoint
from unembed.load.models.config import ModelConfig
from unembed.load.models.families import NormKind, PreNorm
from unembed.load.models.reads import THE_STREAM_ITSELF, ReadNorm, read_norm
from unembed.unembedding import NO_NORM, FinalNorm


class Norms:
    """The norms of a model, by what its family says of them."""

    def __init__(self, config: ModelConfig, tensors: Checkpoint) -> None:
        self._config = config
        self._tensors = tensors

    @property
    def kind(self) -> NormKind:
        """The kind of all of them, which in some families a setting decides."""
        key = self._config.family.rms_if
        return "rmsnorm" if key and self._config.text.says(key) else self._config.family.norm_kind

    @property
    def is_post_norm(self) -> bool:
        """Whether a setting puts the norms after the sub-layers, and leaves out the final one."""
        setting = self._config.family.norm_setting
        return setting is not None and self._config.flag(setting) is False

    @property
    def _is_removed(self) -> bool:
        setting = self._config.family.norm_removed
        return setting is not None and self._config.flag(setting) is True

    def final(self) -> FinalNorm:
        """Return the norm between the residual stream and W_U."""
        family, kind = self._config.family, self.kind
        if kind == "none" or self.is_post_norm or self._is_removed:
            return NO_NORM
        if family.norm is None:
            return FinalNorm(kind)
        weight = self._tensors.read(self._tensors.require((family.norm,)))
        return FinalNorm(kind, weight, plus_one=family.plus_one)

    def gamma(self, stem: str, layer: int) -> tuple[Tensor, str]:
        """Return a norm's weight, with its 1, and what it is in words."""
        name = self._tensors.require((stem,), layer)
        weight = self._tensors.read(name).float()
        return (weight + 1, f"(1 + {name})") if self._config.family.plus_one else (weight, name)

    def read(self, norms: tuple[PreNorm, ...] | None, layer: int) -> ReadNorm:
        """Return the first of some norms that config.json says is read through.

        Args:
            norms: none where the stream itself is read; None where that is not known.
            layer: counted from 0.

        Raises:
            FormatError: when it is not known which it is, or it is not in the checkpoint.
        """
        if not norms and norms is not None:
            return THE_STREAM_ITSELF
        for norm in norms or ():
            if all(map(self._config.holds, norm.when)):
                gamma = () if norm.weight is None else self.gamma(norm.weight, layer)
                return read_norm(self.kind, *gamma)
        said = sorted({when.key for norm in norms or () for when in norm.when})
        raise FormatError(
            f"Which norm the MLPs of {self._tensors.folder.name} read the stream through is not "
            f"known of models of type {self._config.model_type}"
            + (f" with such {', '.join(said)} together" if said else "")
            + ". What they write is: leave out what they read."
        )
