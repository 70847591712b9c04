"""Jacobians of a small Llama, by its own equations: 2 to 3 times as fast on CPUs as autograd.

All of a prompt's forward pass is constant while its Jacobian is made, so that each block is a fixed
linear map from the gradient behind it to the gradient before it. Here these maps are written out.
Positions that do not count are left out of them: nothing that counts flows from there. Products are
made in bfloat16, gradients are added up in float32. `scripts.fit_demo_lens check` holds the result
against `unembed.fitting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import silu


class LinearBlock:
    """One block, linearised at a prompt.

    Args:
        block: of `transformers`' Llama.
        config: of the model.
        x: [tokens, d] the stream before it, in float32.
        rotary: cosines and sines [tokens, d_head].
        skip: positions at the beginning that do not count.
        dtype: of the products.
    """

    def __init__(
        self, block: Any, config: Any, x: Tensor, rotary: tuple[Tensor, Tensor], skip: int,
        dtype: torch.dtype,
    ) -> None:  # fmt: skip
        attention, mlp, epsilon = block.self_attn, block.mlp, config.rms_norm_eps
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.heads, self.kv_heads, self.skip = heads, kv_heads, skip
        tokens, d = x.shape
        self.d_head = d_head = d // heads
        cos, sin = rotary

        def rotate(q: Tensor) -> Tensor:
            one, two = q.chunk(2, -1)
            return q * cos[:, None] + torch.cat([-two, one], -1) * sin[:, None]

        self.norm_1 = _Norm(x, epsilon, skip)
        n = self.norm_1.hat * block.input_layernorm.weight
        q = rotate((n @ attention.q_proj.weight.T).view(tokens, heads, d_head))
        k = rotate((n @ attention.k_proj.weight.T).view(tokens, kv_heads, d_head))
        v = (n @ attention.v_proj.weight.T).view(tokens, kv_heads, d_head)
        k, v = (each.repeat_interleave(heads // kv_heads, 1).transpose(0, 1) for each in (k, v))
        q = q.transpose(0, 1)  # [head, token, d_head]
        causal = torch.full((tokens, tokens), -torch.inf).triu(1)
        P = (q @ k.transpose(1, 2) / d_head**0.5 + causal).softmax(-1)
        mixed = P @ v
        a = x + mixed.transpose(0, 1).flatten(1) @ attention.o_proj.weight.T
        self.norm_2 = _Norm(a, epsilon, skip)
        m = self.norm_2.hat * block.post_attention_layernorm.weight
        g, up = m @ mlp.gate_proj.weight.T, m @ mlp.up_proj.weight.T
        self.out = a + (silu(g) * up) @ mlp.down_proj.weight.T

        def kept(tensor: Tensor) -> Tensor:
            return tensor.to(dtype).contiguous()

        sigmoid = g.sigmoid()
        self.by_gate = kept((up * sigmoid * (1 + g * (1 - sigmoid)))[skip:])
        self.by_up = kept(silu(g)[skip:])
        self.W_down = kept(mlp.down_proj.weight)
        gates = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])
        self.W_in = kept(gates * block.post_attention_layernorm.weight)
        self.W_o = kept(attention.o_proj.weight)
        projections = (attention.q_proj, attention.k_proj, attention.v_proj)
        stacked = torch.cat([each.weight for each in projections])
        self.W_qkv = kept(stacked * block.input_layernorm.weight)
        self.q, self.k, self.v = kept(q[:, skip:] / d_head**0.5), kept(k / d_head**0.5), kept(v)
        self.P, self.o = kept(P[:, skip:]), kept(mixed[:, skip:])
        self.cos, self.sin = kept(cos[skip:]), kept(sin[skip:])

    def back(self, G: Tensor) -> Tensor:
        """Return the gradient [batch, tokens, d] before the block from the one behind it."""
        dtype = self.W_o.dtype
        inner = G.to(dtype) @ self.W_down
        inner = torch.cat([inner * self.by_gate, inner * self.by_up], -1) @ self.W_in
        G = G + self.norm_2.back(inner)
        return G + self.norm_1.back(self._attention(G.to(dtype)) @ self.W_qkv)

    def _attention(self, G: Tensor) -> Tensor:
        batch, tokens, _ = G.shape
        by_head = (G @ self.W_o).view(batch, tokens, self.heads, self.d_head).permute(2, 0, 1, 3)
        by_head = by_head.contiguous()  # [head, batch, token, d_head]
        flat = by_head.view(self.heads, batch * tokens, self.d_head)
        dP = torch.bmm(flat, self.v.transpose(1, 2)).view(self.heads, batch, tokens, -1)
        dS = (dP - (by_head * self.o[:, None]).sum(-1, keepdim=True)) * self.P[:, None]
        dq = torch.bmm(dS.view(self.heads, batch * tokens, -1), self.k).view_as(by_head)
        inside = dS[..., self.skip :].transpose(2, 3)
        dk = torch.matmul(inside, self.q[:, None])
        dv = torch.matmul(self.P[..., self.skip :].transpose(1, 2)[:, None], by_head)
        of_kv = (self.kv_heads, self.heads // self.kv_heads, batch, tokens, self.d_head)
        dk, dv = (each.reshape(of_kv).sum(1) for each in (dk, dv))
        parts = [self._unrotated(dq), self._unrotated(dk), dv]
        return torch.cat([each.permute(1, 2, 0, 3).flatten(2) for each in parts], -1)

    def _unrotated(self, q: Tensor) -> Tensor:
        one, two = (q * self.sin).chunk(2, -1)
        return q * self.cos + torch.cat([two, -one], -1)


class _Norm:
    """RMSNorm without its weight, linearised."""

    def __init__(self, x: Tensor, epsilon: float, skip: int) -> None:
        scale = (x.square().mean(-1, keepdim=True) + epsilon).rsqrt()
        self.hat = x * scale
        self._scale, self._hat = scale[skip:], self.hat[skip:]

    def back(self, G: Tensor) -> Tensor:
        G = G.float()
        along = (G * self._hat).mean(-1, keepdim=True)
        return self._scale * (G - self._hat * along)


@torch.no_grad()
def llama_jacobians(
    model: Any, ids: Tensor, layers: Sequence[int], *, skip: int, batch: int,
    dtype: torch.dtype = torch.bfloat16, rows: int | None = None,
) -> dict[int, Tensor]:  # fmt: skip
    """Return J_l [d, d] of one prompt, as `unembed.fitting.jacobian` defines it.

    Args:
        model: a Llama of `transformers`, in float32.
        ids: [tokens].
        layers: the blocks.
        skip: positions at the beginning that do not count.
        batch: rows made at once.
        dtype: of the products.
        rows: make only the first so many; None for all.
    """
    decoder, config = model.model, model.config
    ids = ids[:-1]  # the last position is no target, and moves none
    x = decoder.embed_tokens(ids)
    cos, sin = decoder.rotary_emb(x[None], torch.arange(len(ids))[None])
    blocks = []
    for number, block in enumerate(decoder.layers):
        linear = LinearBlock(block, config, x, (cos[0], sin[0]), skip, dtype)
        x = linear.out
        blocks.append(linear if number > min(layers) else None)
    d = config.hidden_size
    wanted = d if rows is None else rows
    found = {layer: torch.empty(wanted, d) for layer in layers}
    for start in range(0, wanted, batch):
        made = torch.arange(start, min(start + batch, wanted))
        G = torch.zeros(len(made), len(ids) - skip, d)
        G[torch.arange(len(made)), :, made] = 1
        for layer in range(len(blocks) - 1, min(layers) - 1, -1):
            if layer in found:
                found[layer][made] = G.mean(1)
            if layer > min(layers):
                G = blocks[layer].back(G)
    return found
