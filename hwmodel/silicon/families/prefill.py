"""Causal attention of whole prompts, as serving stacks run it: the keys and values of the prompt are stored too."""

from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.silicon.calls import Call, call
from hwmodel.silicon.families.attention import (
    ACTIVATION_BYTES,
    SHAPE,
    HeadShape,
    cache_conversion,
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
from warehouse.contracts.vocabulary import KernelFamily

KEYS = ("dtype", "kv_dtype", "batch", "seq", "heads", "kv_heads", "head_dim", "window")
"""No prefix: all `seq` tokens of a sequence are queries. `window` 0 is full attention; heads are those of one GPU."""
TILES = (64.0, 128.0, 192.0, 256.0)
"""Query rows that libraries choose from; how a shape fits each is told, not which one is taken."""
PACKED_TILE = 128.0
"""Rows of a tile that holds the query heads of one KV head together."""


def prefill_rows(folder: Path) -> pl.DataFrame:
    """Every measured call."""
    return read_tables(folder, "attn_prefill", KEYS)


def pair_count(shape: HeadShape) -> Float[np.ndarray, "rows"]:
    """Query-key pairs: a triangle up to the window, then a band."""
    one = shape.keys * (shape.keys + 1.0) / 2.0 + (shape.tokens - shape.keys) * shape.keys
    return np.asarray(shape.sequences * shape.heads * one)


def prefill_calls(rows: pl.DataFrame) -> tuple[Call, ...]:
    """Attention, the cache write beside it, and the conversion of what is written to the cache's format."""
    shape = head_shape(rows, "seq")
    pairs = pair_count(shape)
    tokens = shape.sequences * shape.tokens
    attention = call(
        KernelFamily.ATTENTION_PREFILL,
        len(rows),
        math=math_formats(rows),
        m=shape.tokens,
        n=shape.keys,
        k=shape.dim,
        parallel_count=shape.sequences * shape.heads,
        groups_count=shape.group,
        work_flop=4.0 * pairs * shape.dim,
        vector_flop=softmax_flop(pairs),
        exponent_count=pairs,
        activation_bytes=2.0 * ACTIVATION_BYTES * tokens * (shape.heads + shape.kv_heads) * shape.dim,
    )
    return attention, cache_write(shape, tokens), cache_conversion(shape, tokens)


def prefill_features(rows: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows features"]:
    """Shape, fit of tiles, activations over L2, balance; overlap, for kernels differ where matrix units run alone."""
    shape = head_shape(rows, "seq")
    cores, l2_bytes = of_chip(rows, chips, "cores_count"), of_chip(rows, chips, "l2_bytes")
    queries, units = shape.sequences * shape.heads, shape.sequences * shape.kv_heads
    fits = [one for tile in TILES for one in _tile_fit(queries, shape.tokens, cores, tile)]
    packed = _tile_fit(units, shape.tokens * shape.group, cores, PACKED_TILE)
    token = 2.0 * ACTIVATION_BYTES * shape.tokens * shape.dim
    sizes = [log2(token * heads / l2_bytes) for heads in (queries, units, shape.kv_heads, shape.heads)]
    flop_per_s = cores * of_chip(rows, chips, "matrix_flop_per_clk") * of_chip(rows, chips, "clock_hz")
    moved = token * (queries + units) / of_chip(rows, chips, "hbm_bytes_per_s")
    balance = log2(4.0 * pair_count(shape) * shape.dim / flop_per_s / moved)
    return np.stack(
        [*size_features(rows, shape, chips), *fits, *packed, *sizes, balance, of_chip(rows, chips, "overlap_exponent")],
        axis=1,
    )


def _tile_fit(units: np.ndarray, length: np.ndarray, cores: np.ndarray, tile: float) -> tuple[np.ndarray, ...]:
    """Waves of tiles over the cores, how full they are, and how much of the tiles is query."""
    tiles = np.ceil(length / tile)
    return *fill(units * tiles, cores), length / (tile * tiles)


PREFILL = Family(
    name="prefill",
    keys=KEYS,
    shape=SHAPE,
    read=prefill_rows,
    bucket=(
        pl.when(pl.col("seq") <= 256)
        .then(pl.lit("seq<=256"))
        .when(pl.col("seq") < 4096)
        .then(pl.lit("seq 257-4095"))
        .otherwise(pl.lit("seq>=4096"))
    ),
    fitted=(
        FittedConstant(name="attention_matrix_ratio", low=0.93, high=0.98),
        FittedConstant(name="attention_feed_rows", low=1.0, high=6.0),
        FittedConstant(name="attention_overlap_ratio", low=0.5, high=0.95),
        FittedConstant(name="attention_overlap_exponent", low=1.5, high=2.6),
        FittedConstant(name="attention_start_clk", low=100.0, high=12000.0),
        FittedConstant(name="attention_item_clk", low=100.0, high=6000.0),
        FittedConstant(name="attention_row_clk", low=0.5, high=60.0),
        FittedConstant(name="attention_energy_ratio", low=1.25, high=1.6),
        FittedConstant(name="attention_step_clk", low=30.0, high=300.0),
        FittedConstant(name="attention_chain_clk", low=10.0, high=2000.0),
        FittedConstant(name="attention_edge_keys", low=1.0, high=128.0),
        FittedConstant(name="attention_wave_ratio", low=0.05, high=0.3),
        FittedConstant(name="attention_hbm_ratio", low=0.75, high=0.95),
        FittedConstant(name="attention_activation_ratio", low=0.02, high=1.0),
    ),
    calls=prefill_calls,
    refusal=partial(refusal, length="seq"),
    features=prefill_features,
    stack_keys=("window",),
)
