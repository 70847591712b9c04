"""What a language model must offer, whatever format it lies in."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from jaxtyping import Float
from torch import Tensor

from unembed.errors import SourceError
from unembed.unembedding import FinalNorm
from unembed.vocabulary import Vocabulary


class RawUnembedding(NamedTuple):
    """The unembedding as a model stores it, before anything is folded.

    Attributes:
        W_U: [rows, d_model], one row a token.
        norm: the final norm.
        tied: whether W_U is the token embedding.
    """

    W_U: Float[Tensor, "rows d_model"]
    norm: FinalNorm
    tied: bool


class Model(Protocol):
    """A language model on disk or on a hub, of which only what is asked for is read."""

    @property
    def name(self) -> str:
        """The model, as a person names it."""

    @property
    def origin(self) -> dict[str, Any]:
        """Where it came from, with its revision, for a manifest."""

    @property
    def n_layers(self) -> int:
        """How many layers it has."""

    def vocabulary(self) -> Vocabulary:
        """Return the tokens of the tokenizer that lies with the model."""

    def unembedding(self) -> RawUnembedding:
        """Return the unembedding and the final norm."""

    def mlp_out(self, layer: int) -> Float[Tensor, "d_ff d_model"]:
        """Return the direction each MLP neuron of a layer writes, one a row."""


def check_layer(model: Model, layer: int) -> None:
    """Check that a model has a layer.

    Raises:
        SourceError: naming the layers there are.
    """
    if not 0 <= layer < model.n_layers:
        raise SourceError(
            f"{model.name} has no layer {layer}: its {model.n_layers} layers are "
            f"0 to {model.n_layers - 1}."
        )
