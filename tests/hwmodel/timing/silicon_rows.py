"""Measured kernels as frames of the best stack per shape, and the same kernels as batches for the timing model."""

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign, Deployment, LlmSpec, MoeSpec, design_of, load_catalog
from hwmodel.kernels import KernelBatch, StepStates, kernel_inventory
from tests.hwmodel.timing.batches import batch_of
from tests.shared_data import shared_path

CHIPS = {"h100_sxm": "h100-sxm", "a100_sxm": "a100-sxm-80"}
"""Table suffix and catalogue id of the chips that these checks may look at."""


def chip(table: str) -> ChipDesign:
    return design_of(load_catalog().chip(CHIPS[table]))


def _table(name: str, table: str) -> pl.DataFrame:
    return pl.read_parquet(shared_path(f"data/silicon/kernels_nvidia/{name}_{table}.parquet"))


def _best(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Fastest stack per shape, of shapes that at least two stacks measured."""
    return (
        rows.group_by(keys)
        .agg(pl.col("latency_us").min(), pl.col("backend").n_unique().alias("stacks_count"))
        .filter(pl.col("stacks_count") >= 2)
        .sort(keys)
    )


def measured_s(rows: pl.DataFrame) -> Float[np.ndarray, "rows"]:
    return rows["latency_us"].to_numpy().astype(np.float64) * 1e-6


def column(rows: pl.DataFrame, name: str) -> Float[np.ndarray, "rows"]:
    return rows[name].to_numpy().astype(np.float64)


def gemm_rows(table: str) -> pl.DataFrame:
    rows = _table("gemm", table).filter(pl.col("timing") == "cuda_graph", pl.col("dtype") == "bfloat16")
    return _best(rows, ["m", "n", "k"])


def gemm_batch(rows: pl.DataFrame) -> KernelBatch:
    m, n, k = (column(rows, name) for name in ("m", "n", "k"))
    return batch_of(
        "gemm",
        m.size,
        m=m,
        n=n,
        k=k,
        work_flop=2.0 * m * n * k,
        weight_bytes=2.0 * n * k,
        activation_bytes=2.0 * m * (n + k),
    )


def decode_rows(table: str) -> pl.DataFrame:
    """bf16 decode attention; rows faster than HBM allows are dropped before the best is taken."""
    window = pl.when(pl.col("window") > 0).then(pl.min_horizontal("window", "kv_len")).otherwise(pl.col("kv_len"))
    cache = pl.col("batch").cast(pl.Float64) * window * pl.col("kv_heads") * pl.col("head_dim") * 4.0
    rows = (
        _table("attn_decode", table)
        .filter(pl.col("dtype") == "bfloat16", pl.col("kv_dtype") == "bfloat16", pl.col("kernel") != "triton")
        .with_columns(window.alias("keys"), cache.alias("cache_bytes"))
    )
    physical = rows.filter(pl.col("latency_us") * 1e-6 >= pl.col("cache_bytes") / chip(table).hbm_bytes_per_s)
    keys = ["batch", "kv_len", "keys", "heads", "kv_heads", "head_dim", "window", "cache_bytes"]
    return _best(physical, keys).with_columns(pl.lit(1).alias("new_tokens"))


def decode_batch(rows: pl.DataFrame) -> KernelBatch:
    sequences, keys, heads = (column(rows, name) for name in ("batch", "keys", "heads"))
    kv_heads, dim = column(rows, "kv_heads"), column(rows, "head_dim")
    scores = sequences * heads * keys
    return batch_of(
        "attention_decode",
        keys.size,
        m=heads / kv_heads,
        n=keys,
        k=dim,
        parallel_count=sequences * kv_heads,
        work_flop=4.0 * scores * dim,
        vector_flop=6.0 * scores,
        exponent_count=scores,
        weight_bytes=column(rows, "cache_bytes"),
        activation_bytes=4.0 * sequences * heads * dim,
    )


def prefill_rows(table: str) -> pl.DataFrame:
    rows = _table("attn_prefill", table).filter(
        pl.col("dtype") == "bfloat16",
        pl.col("kv_dtype") == "bfloat16",
        pl.col("kernel") != "triton",
        pl.col("window") == 0,
    )
    best = _best(rows, ["batch", "seq", "heads", "kv_heads", "head_dim"])
    return best.with_columns(pl.col("seq").alias("new_tokens"))


def prefill_batch(rows: pl.DataFrame) -> KernelBatch:
    sequences, tokens, heads = (column(rows, name) for name in ("batch", "seq", "heads"))
    kv_heads, dim = column(rows, "kv_heads"), column(rows, "head_dim")
    pairs = sequences * heads * tokens * (tokens + 1.0) / 2.0
    return batch_of(
        "attention_prefill",
        tokens.size,
        m=tokens,
        n=tokens,
        k=dim,
        parallel_count=sequences * heads,
        work_flop=4.0 * pairs * dim,
        vector_flop=6.0 * pairs,
        exponent_count=pairs,
        activation_bytes=4.0 * sequences * tokens * (heads + kv_heads) * dim,
    )


def kv_write_batch(rows: pl.DataFrame) -> KernelBatch:
    """The cache write that every measured attention call contains."""
    tokens = column(rows, "batch") * column(rows, "new_tokens")
    written = 4.0 * column(rows, "kv_heads") * column(rows, "head_dim")
    return batch_of(
        "kv_write",
        tokens.size,
        parallel_count=tokens,
        vector_flop=tokens * written / 2.0,
        activation_bytes=2.0 * tokens * written,
    )


def moe_rows(table: str) -> pl.DataFrame:
    rows = _table("moe", table).filter(
        pl.col("dtype") == "bfloat16", pl.col("distribution") == "balanced", pl.col("moe_ep_size") == 1
    )
    return _best(rows, ["hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "num_tokens"])


def moe_batches(rows: pl.DataFrame) -> list[tuple[pl.DataFrame, KernelBatch]]:
    """Measured rows of each model and its step inventories, one state per row."""
    groups = rows.group_by("hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", maintain_order=True)
    return [(group, _moe_inventory(group)) for _, group in groups]


def _moe_inventory(rows: pl.DataFrame) -> KernelBatch:
    first = rows.row(0, named=True)
    moe = MoeSpec(
        experts_count=first["num_experts"],
        topk_count=first["topk"],
        expert_intermediate=first["inter_size"],
        shared_experts_count=0,
        shared_intermediate=0,
        first_dense_layers_count=0,
    )
    llm = LlmSpec(
        id="measured-moe",
        stands_for="one MoE layer",
        kind="config",
        source="kernels_nvidia",
        hidden=first["hidden_size"],
        layers_count=1,
        full_layers_count=1,
        sliding_layers_count=0,
        linear_layers_count=0,
        heads_count=1,
        kv_heads_count=1,
        head_dim=64,
        intermediate=None,
        moe=moe,
        mla=None,
        linear=None,
        sliding_window_tokens=None,
        vocab=1,
        context_tokens=1,
        tied_embeddings=False,
        weight_dtype="bf16",
        total_parameters=1.0,
        active_parameters=1.0,
    )
    tokens = column(rows, "num_tokens")
    zeros = np.zeros(tokens.size)
    states = StepStates(
        prefill_tokens=zeros, prefill_context_tokens=zeros, decode_sequences=tokens, decode_kv_tokens=zeros
    )
    deployment = Deployment(tp_count=first["moe_tp_size"])
    return kernel_inventory(llm, deployment, states)


def all_reduce_rows(table: str) -> pl.DataFrame:
    """Fastest kernel of any stack per size, launches from the host left out."""
    rows = _table("comm", table).filter(pl.col("op") == "all_reduce", ~pl.col("kernel").str.contains("eager"))
    return rows.group_by("gpus", "bytes").agg(pl.col("latency_us").min()).sort("gpus", "bytes")


def all_reduce_batch(rows: pl.DataFrame) -> KernelBatch:
    return batch_of("collective", len(rows), link_bytes=column(rows, "bytes"), ranks_count=column(rows, "gpus"))
