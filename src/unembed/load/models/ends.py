"""The two ends of a Hugging Face folder's residual stream: its embedding and its unembedding."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from unembed.load.models.checkpoint import Checkpoint
from unembed.load.models.config import ModelConfig
from unembed.load.models.model import RawEmbedding, RawUnembedding
from unembed.load.models.norms import Norms
from unembed.load.models.tying import tie_of
from unembed.outside.row_reader import RowReader
from unembed.products import product


class Ends:
    """What tokens are on their way in, and on their way out."""

    def __init__(self, config: ModelConfig, tensors: Checkpoint, norms: Norms) -> None:
        self._config = config
        self._tensors = tensors
        self._norms = norms

    def unembedding(self) -> RawUnembedding:
        """Return the unembedding and the final norm."""
        family = self._config.family
        tied, because = tie_of(self._config, self._tensors)
        W_U = self._tensors.rows(
            self._tensors.require(family.embedding if tied else (family.head,))
        )
        projection = self._projection(family.projection)
        if projection:
            W_U = _through(W_U, self._tensors.read(projection))
        constants = {}
        if self._has_logit_factors():
            constants = {f.label: self._config.number(f) for f in family.logit_factors}
        for value in constants.values():
            W_U = W_U.each(partial(_times, value))
        return RawUnembedding(W_U, self._norms.final(), tied, constants, because)

    def _has_logit_factors(self) -> bool:
        setting = self._config.family.logit_factors_if
        if setting is None:
            return True
        said = self._config.flag(setting)
        return self._config.ties is not False if said is None else said

    def embedding(self) -> RawEmbedding:
        """Return the token embedding, and the norm that it goes through, if it goes through one."""
        family = self._config.family
        name = self._tensors.require(family.embedding)
        W_E = self._tensors.rows(name)
        projection = self._projection(family.projection_in)
        if projection:
            W_E = _through(W_E, self._tensors.read(projection).T)
            name = f"{name} @ {projection}ᵀ"
        norm = family.embedding_norm
        if norm is None:
            return RawEmbedding(W_E, name)
        if norm.weight is None:
            return RawEmbedding(W_E, name, norm.kind)
        weight = self._tensors.read(self._tensors.require((norm.weight,))).float()
        found = self._tensors.find((norm.weight.removesuffix("weight") + "bias",))
        bias = self._tensors.read(found).float() if found else None
        return RawEmbedding(W_E, name, norm.kind, weight, bias)

    def _projection(self, stem: str | None) -> str | None:
        """Return the matrix between tokens and the residual stream, where that is wider."""
        if stem is None:
            return None
        inner, outer = (self._config.width(k) for k in ("word_embed_proj_dim", "hidden_size"))
        if inner in (None, outer) and self._tensors.find((stem,)) is None:
            return None
        return self._tensors.require((stem,))


def _through(rows: RowReader, matrix: Tensor) -> RowReader:
    return RowReader.of(product(rows.whole().float(), matrix.float()))


def _times(value: float, rows: Tensor) -> Tensor:
    return rows.float() * value
