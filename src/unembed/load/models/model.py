"""What a language model must offer, whatever format it lies in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal, NamedTuple, Protocol

from jaxtyping import Float
from torch import Tensor

from unembed.errors import SourceError
from unembed.load.models.reads import MLPIn as MLPIn
from unembed.load.models.reads import RawEmbedding as RawEmbedding
from unembed.load.models.reads import ReadNorm as ReadNorm
from unembed.outside.row_reader import RowReader
from unembed.unembedding import FinalNorm
from unembed.vocabulary import Vocabulary

Expert = int | Literal["shared"]
"""One of a layer's routed experts, or the one that every token goes through."""


class RawUnembedding(NamedTuple):
    """The unembedding as a model stores it, before anything is folded.

    Attributes:
        W_U: [rows, d_model], one row a token, times the constants that follow it in the model;
            read when it is prepared.
        norm: the final norm.
        tied: whether W_U is the token embedding.
        constants: what W_U was multiplied by, for the manifest: `{"logit_scale": 0.0625}`.
        tied_because: how that was decided, where the model does not say so itself.
    """

    W_U: RowReader
    norm: FinalNorm
    tied: bool
    constants: dict[str, float] = {}  # noqa: RUF012 - never written to
    tied_because: str = ""


class Passage(NamedTuple):
    """What a sub-layer's output goes through before it is added to the residual stream.

    Attributes:
        gamma: [d_model] the weight of the norm after the sub-layer, with its 1 where it is
            stored without; None where the model has no such norm. (The norm's own division is
            one positive number a token, which no direction sees.)
        factor: what the model multiplies the output by (Granite's `residual_multiplier`).
        norm_steps: the norm in words, for the manifest:
            `("⊙ (1 + model.layers.5.post_feedforward_layernorm.weight)",)`.
        factor_steps: the factor in words, `("× residual_multiplier (0.22)",)`.
    """

    gamma: Float[Tensor, " d_model"] | None = None
    factor: float = 1.0
    norm_steps: tuple[str, ...] = ()
    factor_steps: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[str, ...]:
        """All of it in words."""
        return self.norm_steps + self.factor_steps

    def norm_alone(self) -> Passage:
        """Return the passage without its factor."""
        return self._replace(factor=1.0, factor_steps=())

    def factor_alone(self) -> Passage:
        """Return the passage without its norm."""
        return self._replace(gamma=None, norm_steps=())


def passage_through(
    norms: Iterable[tuple[Tensor, str]], factors: Iterable[tuple[str, float]]
) -> Passage:
    """Return the passage through norms, and then factors.

    Args:
        norms: the weight of each, with its 1, and its step in words.
        factors: what each is called, and its value.
    """
    gamma: Tensor | None = None
    factor, norm_steps, factor_steps = 1.0, [], []
    for weight, step in norms:
        gamma = weight if gamma is None else gamma * weight
        norm_steps.append(step)
    for label, value in factors:
        factor *= value
        factor_steps.append(f"× {label} ({value:g})")
    return Passage(gamma, factor, tuple(norm_steps), tuple(factor_steps))


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

    @property
    def d_model(self) -> int:
        """The width of the residual stream, by the shapes of its tensors."""

    def vocabulary(self) -> Vocabulary:
        """Return the tokens of the tokenizer that lies with the model."""

    def unembedding(self) -> RawUnembedding:
        """Return the unembedding and the final norm."""

    def embedding(self) -> RawEmbedding:
        """Return the token embedding as it enters the residual stream, but for one factor.

        Whether it stays there as it is `check_followed` says.
        """

    def n_experts(self, layer: int) -> int:
        """Return how many routed experts a layer's MLP has; 0 where it is a single MLP."""

    def mlp_out(self, layer: int, expert: Expert | None = None) -> Float[Tensor, "d_ff d_model"]:
        """Return the MLP's output matrix, a row a neuron: what each writes before `after_mlp`.

        Args:
            layer: counted from 0.
            expert: which of a mixture of experts; None for a layer with a single MLP.

        Raises:
            SourceError: when there is no such layer or expert, or the layer has experts and
                none was named, or no MLP.
            FormatError: when the layer's experts are not as many as the model says.
        """

    def mlp_in(self, layer: int, expert: Expert | None = None) -> MLPIn:
        """Return the matrices an MLP reads with: row i is of the neuron of row i of `mlp_out`.

        They read what `before_mlp` makes of the residual stream.

        Args:
            layer: counted from 0.
            expert: which of a mixture of experts; None for a layer with a single MLP.

        Raises:
            SourceError: as `mlp_out`; and when the stream does not stay as it is.
            FormatError: when the matrices do not fit those that write, or are not known.
        """

    def before_mlp(self, layer: int, expert: Expert | None = None) -> ReadNorm:
        """Return the norm that a layer's MLP reads the residual stream through.

        Args:
            layer: counted from 0.
            expert: one of a mixture of experts, where those that are routed may have a norm of
                their own; None for the module called `mlp`.

        Raises:
            SourceError: as `mlp_in`.
            FormatError: when the norm is not there, or not known.
        """

    def n_heads(self, layer: int) -> int:
        """Return how many attention (query) heads a layer has."""

    def attention_out(self, layer: int) -> Float[Tensor, "heads_x_d_head d_model"]:
        """Return W_O with one row for each entry of the heads' outputs (z), heads in order.

        Raises:
            SourceError: when there is no such layer, or it has no attention.
        """

    def after_mlp(self, layer: int, expert: Expert | None = None) -> Passage:
        """Return what a layer's MLP output goes through before it joins the residual stream.

        Args:
            layer: counted from 0.
            expert: one of a mixture of experts, where each may have a norm of its own; None for
                the module called `mlp` (in Gemma 4 the shared expert's).

        Raises:
            SourceError: when what it writes has no direction of its own there.
        """

    @property
    def factors_inside_mlp(self) -> bool:
        """Whether the factor of `after_mlp` is a part of the MLP's own module (Falcon-H1).

        What the module puts out is then multiplied already; its output matrix's rows are not.
        """

    def after_attention(self, layer: int) -> Passage:
        """Return what a layer's attention output goes through before it joins the stream.

        Raises:
            SourceError: when what it writes has no direction of its own there.
        """

    def norm_behind_attention(self, layer: int) -> bool:
        """Return whether the norm called post_attention_layernorm is that of `after_attention`.

        In most models that is the name of the norm which the MLP reads.
        """

    def check_followed(self, layer: int) -> None:
        """Check that what is in the residual stream of a layer stays there as it is.

        Raises:
            SourceError: when the model normalises the stream itself, or mixes several.
        """


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


def check_expert(
    model: Model, layer: int, expert: Expert | None, n_experts: int, *, shared: bool
) -> None:
    """Check that a layer has an expert, or that it has none and none is asked for.

    Raises:
        SourceError: saying how the layer's experts are named.
    """
    if expert is None and not n_experts:
        return
    forms = f"mlp:{layer}:e0 to mlp:{layer}:e{n_experts - 1}, or mlp:{layer}:all"
    forms += f", or mlp:{layer}:shared for the one that every token goes through" * shared
    if expert is None:
        raise SourceError(
            f"Layer {layer} of {model.name} is a mixture of {n_experts} experts, each with neurons "
            f"of its own: write {forms}."
        )
    if not n_experts:
        raise SourceError(
            f"Layer {layer} of {model.name} has a single MLP and no experts: write mlp:{layer}."
        )
    if expert == "shared" and not shared:
        raise SourceError(f"Layer {layer} of {model.name} has no shared expert: write {forms}.")
    if expert != "shared" and not 0 <= expert < n_experts:
        raise SourceError(
            f"Layer {layer} of {model.name} has no expert {expert}: its {n_experts} experts are "
            f"{forms}."
        )


def cannot_follow(
    model: Model, why: str, does: Literal["writes", "reads"] = "writes"
) -> SourceError:
    """Return the error for what a layer writes, or reads, that has no direction of its own."""
    return SourceError(f"What a layer of {model.name} {does} cannot be followed: {why}.")


def lacks(model: Model, layer: int, what: str, there: Collection[str]) -> SourceError:
    """Return the error for a layer of a hybrid model that lacks attention or an MLP."""
    parts = sorted({name.split(".")[0] for name in there})
    return SourceError(
        f"Layer {layer} of {model.name} has no {what}; it holds {', '.join(parts) or 'nothing'}. "
        "Some of its layers are of another kind: name one that has."
    )
