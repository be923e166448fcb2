"""What a measured call asks of the chip, counted plainly: FLOP by format, compulsory HBM bytes, bytes through L2."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.silicon.features import number

TILE_ROWS = 128.0
"""Rows of queries or tokens that share one load of keys or weights from L2. Assumed."""
BF16_BYTES, FP8_BYTES = 2.0, 1.0
MATRICES = 3.0
"""Matrices of a gated expert: gate, up, down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work of each row, by kind."""

    kinds: tuple[str, ...]
    counts: Float[np.ndarray, "rows kinds"]

    @classmethod
    def of(cls, **columns: Float[np.ndarray, "rows"]) -> "Work":
        """Columns of the same length, by kind."""
        return cls(kinds=tuple(columns), counts=np.stack(list(columns.values()), axis=1))

    def of_kind(self, kind: str) -> Float[np.ndarray, "rows"]:
        """Work of one kind."""
        return self.counts[:, self.kinds.index(kind)]

    def rates(self, latency_s: Float[np.ndarray, "rows"]) -> Float[np.ndarray, "rows kinds"]:
        """Work per second."""
        return self.counts / latency_s[:, None]


def moe_work(rows: pl.DataFrame) -> Work:
    """Experts of one rank under even routing; skew is left to the learner."""
    tokens, hidden, width = (number(rows, name) for name in ("num_tokens", "hidden_size", "inter_size"))
    topk, experts = number(rows, "topk"), number(rows, "num_experts")
    inner, ranks = width / number(rows, "moe_tp_size"), number(rows, "moe_ep_size")
    routed, held = tokens * topk / ranks, experts / ranks
    with np.errstate(divide="ignore"):
        active = held * -np.expm1(tokens * np.log1p(-np.minimum(topk / experts, 1.0)))
    narrow = (rows["dtype"] != "bfloat16").to_numpy()
    weight_bytes = active * MATRICES * hidden * inner * np.where(narrow, FP8_BYTES, BF16_BYTES)
    activation_bytes = routed * (2.0 * BF16_BYTES * hidden + MATRICES * BF16_BYTES * inner)
    flop = 2.0 * routed * MATRICES * hidden * inner
    loads = np.maximum(routed / np.maximum(active, 1e-9) / TILE_ROWS, 1.0)
    return Work.of(
        bf16_flop=np.where(narrow, 0.0, flop),
        fp8_flop=np.where(narrow, flop, 0.0),
        hbm_bytes=weight_bytes,
        l2_bytes=weight_bytes * loads + activation_bytes,
    )


def prefill_work(rows: pl.DataFrame) -> Work:
    """Causal attention over a prompt, and the write of its keys and values."""
    batch, tokens, heads, kv_heads, dim = _attention(rows, "seq")
    window = number(rows, "window")
    span = np.where((window > 0) & (window < tokens), window, tokens)
    pairs = span * tokens - span**2 / 2.0
    stored = _stored_bytes(rows)
    moved = batch * tokens * dim * (2.0 * BF16_BYTES * heads + kv_heads * 2.0 * (BF16_BYTES + stored))
    reloads = batch * heads * np.ceil(tokens / TILE_ROWS) * np.minimum(span, pairs / tokens) * 2.0 * dim * BF16_BYTES
    return Work.of(
        bf16_flop=4.0 * batch * heads * dim * pairs,
        fp8_flop=np.zeros(len(rows)),
        hbm_bytes=moved,
        l2_bytes=reloads,
    )


def decode_work(rows: pl.DataFrame) -> Work:
    """Attention of one new token over a cache."""
    batch, length, heads, kv_heads, dim = _attention(rows, "kv_len")
    window = number(rows, "window")
    keys = np.where(window > 0, np.minimum(window, length), length)
    moved = batch * dim * (2.0 * keys * kv_heads * _stored_bytes(rows) + 2.0 * BF16_BYTES * heads)
    return Work.of(
        bf16_flop=4.0 * batch * heads * dim * keys,
        fp8_flop=np.zeros(len(rows)),
        hbm_bytes=moved,
        l2_bytes=moved,
    )


def logs(rows: pl.DataFrame, names: Mapping[str, float]) -> list[np.ndarray]:
    """Log2 of columns, each plus an offset."""
    return [np.log2(number(rows, name) + offset) for name, offset in names.items()]


def _attention(rows: pl.DataFrame, length: str) -> tuple[np.ndarray, ...]:
    return tuple(number(rows, name) for name in ("batch", length, "heads", "kv_heads", "head_dim"))


def _stored_bytes(rows: pl.DataFrame) -> np.ndarray:
    return np.where((rows["kv_dtype"] == "fp8").to_numpy(), FP8_BYTES, BF16_BYTES)
