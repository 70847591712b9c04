"""What the layers of a GGUF file read with, and the embedding that they read."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from unembed.errors import FormatError
from unembed.load.models.gguf_families import EITHER_NORM, Architecture
from unembed.load.models.model import MLPIn, RawEmbedding, ReadNorm
from unembed.load.models.reads import THE_STREAM_ITSELF, read_norm
from unembed.load.tensors.gguf import GGUFFile

_EMBEDDING = "token_embd.weight"


class GGUFReads:
    """The matrices, norms and embedding by llama.cpp's names.

    Args:
        file: the file.
        path: of it, as errors name it.
        architecture: what the file says it is.
        facts: what is known of that.
    """

    def __init__(self, file: GGUFFile, path: Path, architecture: str, facts: Architecture) -> None:
        self._file = file
        self._path = path
        self._architecture = architecture
        self._facts = facts

    def embedding(self) -> RawEmbedding:
        """Return the token embedding, and the norm that it goes through, if it goes through one."""
        W_E = self._file.rows(_EMBEDDING)
        if not self._facts.embedding_norm:
            return RawEmbedding(W_E, _EMBEDDING)
        weight = self._file.read("token_embd_norm.weight")
        bias = "token_embd_norm.bias"
        return RawEmbedding(
            W_E,
            _EMBEDDING,
            self._facts.norm_kind,
            weight,
            self._file.read(bias) if self._has(bias) else None,
        )

    def mlp_in(self, down: str, expert: int | None) -> MLPIn:
        """Return what the neurons of an output matrix read with.

        Args:
            down: the name of the output matrix, `blk.5.ffn_down.weight`.
            expert: which of those that it is made of; None where it is one matrix.

        Raises:
            FormatError: when it is not known, or does not fit.
        """
        if self._facts.mlp is None:
            raise self._unknown("What the neurons of MLPs read with")
        d_ff = self._file.shapes()[down][-1]
        gate, up, both = (down.replace("ffn_down", f"ffn_{n}") for n in ("gate", "up", "gate_up"))
        if self._facts.mlp == "gated" and self._has(both):
            self._check_lacks(gate, both)
            return self._in_one(both, d_ff, expert)
        if self._facts.mlp == "gated":
            return MLPIn(self._read(gate, d_ff, expert), self._read(up, d_ff, expert))
        self._check_lacks(gate, up)
        if self._facts.mlp == "fused":
            return self._in_one(up, d_ff, expert)
        return MLPIn(None, self._read(up, d_ff, expert))

    def before_mlp(self, layer: int, *, routed: bool) -> ReadNorm:
        """Return the norm that a layer's MLP, or its routed experts, read the stream through.

        Raises:
            FormatError: when it is not known, or not there.
        """
        facts = self._facts
        name = facts.before_experts if routed and facts.before_experts else facts.before_mlp
        if name is None:
            raise self._unknown("Which norm MLPs read the residual stream through")
        if not name:
            return THE_STREAM_ITSELF
        if not facts.has_norm:
            return read_norm(facts.norm_kind)
        if name == EITHER_NORM:
            name = self._norm_of_either(layer)
        weight = f"blk.{layer}.{name}.weight"
        return read_norm(facts.norm_kind, self._file.read(weight), weight)

    def _norm_of_either(self, layer: int) -> str:
        """Return which norm the MLP of a StableLM reads, as llama.cpp tells it.

        Where the file has one for it, that is the one, even if the MLP is said to stand beside
        the attention, as old converters said of all of them.
        """
        if self._has(f"blk.{layer}.ffn_norm.weight"):
            return "ffn_norm"
        parallel = self._file.metadata(f"{self._architecture}.use_parallel_residual")
        return "attn_norm" if parallel is True else "ffn_norm"

    def _in_one(self, name: str, d_ff: int, expert: int | None) -> MLPIn:
        """Return gate and up of one tensor, which has the gate's rows before the others."""
        return MLPIn(*self._read(name, 2 * d_ff, expert).chunk(2))

    def _read(self, name: str, neurons: int, expert: int | None) -> Tensor:
        shape = self._file.shapes().get(name)
        wanted = (neurons, self._file.shapes()[_EMBEDDING][1])
        if shape is not None and (shape[-2:] != wanted or len(shape) != 2 + (expert is not None)):
            raise FormatError(
                f"{self._path}: {name} has shape {list(shape)}, but should read a stream of width "
                f"{wanted[1]} for {neurons} neurons. The file is damaged, or its model is of a "
                "kind that unembed does not know."
            )
        return self._file.read(name, expert)

    def _check_lacks(self, name: str, other: str) -> None:
        if self._has(name):
            raise FormatError(
                f"{self._path} has {name} beside {other}, and an MLP of architecture "
                f"{self._architecture!r} has no such matrix. What its neurons read is not known."
            )

    def _unknown(self, what: str) -> FormatError:
        return FormatError(
            f"{what} is not known of models of architecture {self._architecture!r} ({self._path}). "
            "What they write is: leave out what they read."
        )

    def _has(self, tensor: str) -> bool:
        return tensor in self._file.shapes()
