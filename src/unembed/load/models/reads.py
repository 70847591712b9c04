"""What a layer reads with, and the embedding that it reads: as a model stores them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from jaxtyping import Float
from torch import Tensor

from unembed.errors import ShapeError
from unembed.outside.row_reader import RowReader
from unembed.products import sums


class ReadNorm(NamedTuple):
    """The norm between the residual stream and what a sub-layer's input matrices read.

    What it divides by is one positive number a token, which no direction sees; its bias is one
    number a direction, which no token sees. The rest is a change of the directions (`read_by`).

    Attributes:
        kind: of the norm; `none` where the stream itself is read.
        gamma: [d_model] its weight, with its 1 where it is stored without; None where it has none.
        step: what `read_by` does, in words, for the manifest:
            `⊙ (1 + model.layers.5.pre_feedforward_layernorm.weight)`; empty where it does nothing.
    """

    kind: Literal["rmsnorm", "layernorm", "none"] = "none"
    gamma: Float[Tensor, " d_model"] | None = None
    step: str = ""

    def read_by(self, rows: Float[Tensor, "F d_model"]) -> Float[Tensor, "F d_model"]:
        """Return in float32 the directions of the stream that rows of an input matrix read.

        With h the stream and n(h) what the norm makes of it, rows @ n(h) is `read_by(rows)` @ h
        times one positive number a token (and plus the bias's share): rows ⊙ γ, and for a
        LayerNorm minus each row's mean over d_model, since the norm takes that direction out of
        the stream.

        Raises:
            ShapeError: when the rows are not as wide as the norm's weight.
        """
        read = rows.float()
        if self.gamma is not None:
            if self.gamma.shape != rows.shape[1:]:
                raise ShapeError(
                    f"The rows are {rows.shape[1]} wide, but the weight of the norm that they read "
                    f"through has shape {list(self.gamma.shape)}. They belong to different models."
                )
            read = read * self.gamma.float()
        if self.kind == "layernorm":
            means = sums(read.double().contiguous(), 1) / read.shape[1]
            read = read - means.float()[:, None]
        return read.contiguous()


THE_STREAM_ITSELF = ReadNorm()


def read_norm(
    kind: Literal["rmsnorm", "layernorm", "none"],
    gamma: Tensor | None = None,
    weight: str = "",
) -> ReadNorm:
    """Return a norm with what it does in words.

    Args:
        kind: of the norm.
        gamma: its weight.
        weight: the weight in words, `(1 + layers.5.norm.weight)`.
    """
    steps = [f"⊙ {weight}"] if gamma is not None else []
    if kind == "layernorm":
        steps.append("− each row's mean over d_model")
    return ReadNorm(kind, gamma, ", ".join(steps))


class MLPIn(NamedTuple):
    """The matrices that an MLP reads with, a row a neuron, in the order of its output matrix.

    Neuron i writes `act(gate[i] @ x) * (up[i] @ x)` times its output row, or `act(up[i] @ x)`
    where there is no gate, with x what `before_mlp` makes of the stream.

    Attributes:
        gate: [d_ff, d_model]; None where the MLP has no gate.
        up: [d_ff, d_model].
    """

    gate: Float[Tensor, "d_ff d_model"] | None
    up: Float[Tensor, "d_ff d_model"]


class RawEmbedding(NamedTuple):
    """The token embedding as a model stores it.

    What the model multiplies it by (Gemma's √d_model, Granite's `embedding_multiplier`) is one
    positive number for all tokens, and is left out; so is what is added for positions, which in
    mBART goes through the norm together with it.

    Attributes:
        W_E: [rows, d_model], one row a token; read when it is needed. Where the embedding is
            narrower than the stream (small OPTs), times the matrix that takes it there.
        name: of the tensor, with that matrix.
        norm_kind: of the norm that each embedding goes through before the first layer; `none`
            where there is none.
        norm_weight: [d_model] its weight; None where it has none.
        norm_bias: [d_model] its bias; None where it has none.
    """

    W_E: RowReader
    name: str
    norm_kind: Literal["rmsnorm", "layernorm", "none"] = "none"
    norm_weight: Float[Tensor, " d_model"] | None = None
    norm_bias: Float[Tensor, " d_model"] | None = None
