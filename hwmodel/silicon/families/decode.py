"""Attention of one new token per sequence to its cache, as serving stacks run it: the new token is stored first."""

from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.silicon.calls import Call, call
from hwmodel.silicon.families.attention import (
    ACTIVATION_BYTES,
    CONVERT_FLOP,
    SHAPE,
    HeadShape,
    cache_write,
    fill,
    head_shape,
    log2,
    math_formats,
    refusal,
    size_features,
    softmax_flop,
)
from hwmodel.silicon.family import Chips, Family, FittedConstant
from hwmodel.silicon.features import of_chip
from hwmodel.silicon.tables import read_tables
from hwmodel.timing.attention import MATRIX_ROWS
from warehouse.contracts.vocabulary import KernelFamily

KEYS = ("dtype", "kv_dtype", "batch", "kv_len", "heads", "kv_heads", "head_dim", "window")
"""`kv_len` counts the new token; `window` 0 is full attention; heads are those of one GPU."""
MIB = 2.0**20
CORE_ITEMS = (2.0, 4.0, 8.0)
"""Work items that may share a core; how the units of a row fill the cores at each is told."""


def decode_rows(folder: Path) -> pl.DataFrame:
    """Every measured call."""
    return read_tables(folder, "attn_decode", KEYS)


def cache_bytes(shape: HeadShape) -> Float[np.ndarray, "rows"]:
    """Keys and values that one call reads."""
    return np.asarray(2.0 * shape.sequences * shape.keys * shape.kv_heads * shape.dim * shape.cache_bytes)


def activation_bytes(shape: HeadShape) -> Float[np.ndarray, "rows"]:
    """Queries and results."""
    return np.asarray(2.0 * ACTIVATION_BYTES * shape.sequences * shape.heads * shape.dim)


def decode_calls(rows: pl.DataFrame) -> tuple[Call, ...]:
    """Attention, and the cache write before it; the repeated call finds its cache in L2 where that is large enough."""
    shape = head_shape(rows, "kv_len")
    math = math_formats(rows)
    pairs = shape.sequences * shape.heads * shape.keys
    cache, activations = cache_bytes(shape), activation_bytes(shape)
    is_converted = (shape.cache_bytes < ACTIVATION_BYTES) & (np.array(math) == "bf16")
    converted = np.where(is_converted, cache / shape.cache_bytes, 0.0)
    attention = call(
        KernelFamily.ATTENTION_DECODE,
        len(rows),
        math=math,
        resident_bytes=cache + activations,
        m=shape.group,
        n=shape.keys,
        k=shape.dim,
        parallel_count=shape.sequences * shape.kv_heads,
        work_flop=4.0 * pairs * shape.dim,
        vector_flop=softmax_flop(pairs) + CONVERT_FLOP * converted,
        exponent_count=pairs,
        weight_bytes=cache,
        activation_bytes=activations,
    )
    return attention, cache_write(shape, shape.sequences)


def decode_features(rows: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows features"]:
    """Shape, cache over L2 and over the cores, fit of the units of work."""
    shape = head_shape(rows, "kv_len")
    cores, l2_bytes = of_chip(rows, chips, "cores_count"), of_chip(rows, chips, "l2_bytes")
    cache, activations = cache_bytes(shape), activation_bytes(shape)
    units, queries = shape.sequences * shape.kv_heads, shape.sequences * shape.heads
    fits = [fill(one, cores * items)[1] for one in (units, queries) for items in CORE_ITEMS]
    padding = shape.group / (MATRIX_ROWS * np.ceil(shape.group / MATRIX_ROWS))
    sizes = [
        log2(cache / l2_bytes),
        log2(cache / activations),
        log2(cache / cores / of_chip(rows, chips, "smem_bytes")),
    ]
    return np.stack([*size_features(rows, shape, chips), *fits, padding, *sizes], axis=1)


CACHE = (
    pl.col("batch").cast(pl.Float64)
    * pl.when(pl.col("window") > 0).then(pl.min_horizontal("window", "kv_len")).otherwise(pl.col("kv_len"))
    * pl.col("kv_heads")
    * pl.col("head_dim")
    * pl.when(pl.col("kv_dtype") == "fp8").then(2.0).otherwise(4.0)
    / MIB
)
"""MiB of keys and values."""

DECODE = Family(
    name="decode",
    keys=KEYS,
    shape=SHAPE,
    read=decode_rows,
    bucket=(
        pl.when(CACHE <= 4.0)
        .then(pl.lit("kv<=4MiB"))
        .when(CACHE <= 128.0)
        .then(pl.lit("kv 4-128MiB"))
        .otherwise(pl.lit("kv>128MiB"))
    ),
    fitted=(
        FittedConstant(name="decode_hbm_ratio", low=0.8, high=0.96),
        FittedConstant(name="attention_resident_ratio", low=0.45, high=0.75),
        FittedConstant(name="attention_l2_ratio", low=0.6, high=0.9),
        FittedConstant(name="decode_overlap_exponent", low=1.5, high=6.0),
        FittedConstant(name="decode_start_clk", low=100.0, high=12000.0),
        FittedConstant(name="decode_feed_bytes_per_clk", low=60.0, high=80.0),
        FittedConstant(name="decode_item_clk", low=200.0, high=6000.0),
        FittedConstant(name="decode_row_clk", low=1.0, high=400.0),
        FittedConstant(name="decode_chain_clk", low=200.0, high=8000.0),
        FittedConstant(name="decode_step_clk", low=20.0, high=2500.0),
        FittedConstant(name="attention_combine_clk", low=500.0, high=12000.0),
    ),
    calls=decode_calls,
    refusal=partial(refusal, length="kv_len"),
    features=decode_features,
    stack_keys=("window",),
)
