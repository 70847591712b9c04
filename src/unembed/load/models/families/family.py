"""What there is to know of a family of models: names, norms, factors; a row of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

NormKind = Literal["rmsnorm", "layernorm", "none"]


class Rows(str):
    """A matrix stored with a row a neuron, [d_ff, d_model]; any other has a column a neuron."""


class Factor(NamedTuple):
    """A number of config.json that something is multiplied by: `value ** power`.

    Attributes:
        key: its key; `mlp_multipliers.1` is an item of a list.
        default: its value where the key is absent; None where it must be there.
        power: 1, or −1 for a division, −½ for a root.
    """

    key: str
    default: float | None = None
    power: float = 1.0

    @property
    def label(self) -> str:
        """The factor as a manifest names it."""
        if self.power == 1:
            return self.key
        return f"1/{self.key}" if self.power == -1 else f"{self.key}^{self.power:g}"


class PostNorm(NamedTuple):
    """A norm between a sub-layer and the residual stream.

    Attributes:
        weight: its weight's name, with `{}` for the layer.
        setting: the key of config.json that switches it on; None where it is always there.
    """

    weight: str
    setting: str | None = None


class When(NamedTuple):
    """What config.json says.

    Attributes:
        key: its key.
        value: true or false, a whole number, or how a text begins.
        default: what an absent key means.
    """

    key: str
    value: bool | int | str
    default: bool | int | str


class PreNorm(NamedTuple):
    """A norm that the residual stream is read through, of the same kind as the final norm.

    Attributes:
        weight: its weight's name, with `{}` for the layer; None where it has no parameters.
        when: what config.json says where it is this one.
    """

    weight: str | None
    when: tuple[When, ...] = ()


class EmbeddingNorm(NamedTuple):
    """A norm that each embedding goes through before the first layer, with its bias if it has one.

    Attributes:
        kind: of the norm.
        weight: its weight's name; None where it has no parameters.
    """

    kind: NormKind
    weight: str | None


class Inward(NamedTuple):
    """What an MLP reads with: the name of its output matrix, with other endings.

    A product of the two readings is what is written, the gate's through the activation. Where
    there is no gate, that is stated: a tensor that is absent says nothing.

    Attributes:
        out: the ending of the output matrix's name.
        up: that of the matrix that is not the gate, or of both in one.
        gate: that of the gate; None where there is none, or where both are in one.
        fused: how gate and up share the tensor `up`: `halves`, the gate's neurons before the
            others, or `interleaved`, each neuron's gate before its up. None where they do not.
        when: what config.json says where it is so.
    """

    out: str
    up: str
    gate: str | None = None
    fused: Literal["halves", "interleaved"] | None = None
    when: tuple[When, ...] = ()


@dataclass(frozen=True)
class Family:
    """Tensor names and constants of one family of models.

    Names are given without the prefix under which a checkpoint nests its language model, with
    `{}` for the layer (and a second one for the expert). Where there are several, the first that
    a checkpoint has is meant.

    Attributes:
        model_types: `model_type` in config.json.
        norm_kind: the final norm.
        norm: its weight; None where it has no parameters.
        embedding: the token embedding, which is the unembedding where weights are tied.
        mlp_out: the output matrix of a layer's MLP.
        attention_out: the output matrix of a layer's attention, W_O.
        mlp_in: what the matrices are called that an MLP reads with, those of experts too; the
            first that fits is meant. Where the output matrix is `Rows`, these have a column a
            neuron, [d_model, d_ff].
        before_mlp: the norms that the MLP may read the residual stream through, of which the
            first that fits is meant; `THE_STREAM` where it reads the stream itself.
        before_experts: the one of routed experts, where it is another.
        head: the unembedding where it is not tied.
        tied: what an absent `tie_word_embeddings` means (the config class's own default).
        tie_keys: the settings that say it, the first that is there before the others.
        head_wins: a head in the file is the unembedding whatever the config says.
        plus_one: norms are stored as γ − 1.
        experts: the output matrices of a mixture of experts: one name an expert, or one tensor
            of all of them ([experts, d_model, d_ff], or as `Rows` [experts, d_ff, d_model]).
        shared: the output matrix of the expert that every token goes through.
        inner_norms: the norms after the shared and after the routed experts, before their sum.
        after_mlp: the norm between the MLP and the residual stream.
        after_attention: the norm between attention and the residual stream.
        logit_factors: what follows W_U in every logit.
        logit_factors_if: the setting without which they do not (absent: where weights are tied).
        mlp_factors: what the MLP's output is multiplied by.
        attention_factors: what attention's output is multiplied by.
        factors_inside_mlp: the MLP's module itself multiplies by `mlp_factors`, so that what it
            puts out is multiplied already.
        layer_scalar: a number that a whole layer's output is multiplied by.
        norm_setting: the setting that, where it is false, says that there is no final norm, and
            that norms stand after the sub-layers, on the residual stream itself (small OPTs).
        stream_normed_if: the setting that, where it is true, adds what sub-layers write to the
            normalised stream.
        rms_if: a setting that, where it is there, makes all norms RMSNorms.
        embedding_norm: the norm that each embedding goes through before the first layer.
        norm_removed: the setting that, where it is true, leaves out the final norm alone.
        projection: a matrix between the residual stream and W_U, where widths differ.
        projection_in: likewise, between the embedding and the residual stream.
        hybrid: some layers have no attention, or no MLP.
        no_mlp: why a layer's neurons have no direction of their own in the residual stream.
        no_attention: why its heads have none.
    """

    model_types: tuple[str, ...]
    norm_kind: NormKind
    norm: str | None
    embedding: tuple[str, ...]
    mlp_out: tuple[str, ...]
    attention_out: tuple[str, ...]
    mlp_in: tuple[Inward, ...] = ()
    before_mlp: tuple[PreNorm, ...] | None = None
    before_experts: tuple[PreNorm, ...] | None = None
    head: str = "lm_head.weight"
    tied: bool = False
    tie_keys: tuple[str, ...] = ("tie_word_embeddings", "tied_embeddings")
    head_wins: bool = False
    plus_one: bool = False
    experts: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    inner_norms: tuple[str, str] | None = None
    after_mlp: PostNorm | None = None
    after_attention: PostNorm | None = None
    logit_factors: tuple[Factor, ...] = ()
    logit_factors_if: str | None = None
    mlp_factors: tuple[Factor, ...] = ()
    attention_factors: tuple[Factor, ...] = ()
    factors_inside_mlp: bool = False
    layer_scalar: str | None = None
    norm_setting: str | None = None
    norm_removed: str | None = None
    stream_normed_if: str | None = None
    rms_if: str | None = None
    embedding_norm: EmbeddingNorm | None = None
    projection: str | None = None
    projection_in: str | None = None
    hybrid: bool = False
    no_mlp: str | None = None
    no_attention: str | None = None


THE_STREAM: tuple[PreNorm, ...] = ()
"""What is read without a norm in between."""

POST_NORM = (
    "it normalises the residual stream itself after every sub-layer, so that nothing a layer "
    "writes reaches the end as it was written"
)
SEVERAL_STREAMS = "it keeps several streams and mixes them anew at every token (AltUp)"
