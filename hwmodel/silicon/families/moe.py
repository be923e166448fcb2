"""Layers of experts as serving stacks run them on one rank: rows quantised, two grouped products, rows summed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.kernels.spread import spread_log
from hwmodel.silicon.calls import Call, call
from hwmodel.silicon.families.expert_layer import (
    FORMATS,
    KEYS,
    MODEL,
    SHARDING,
    Layer,
    format_column,
    layer_of,
    layer_refusal,
)
from hwmodel.silicon.family import Chips, Family, FittedConstant
from hwmodel.silicon.features import number, of_chip
from hwmodel.silicon.routing import TILE_ROWS, power_of
from hwmodel.silicon.tables import read_tables
from warehouse.contracts.vocabulary import KernelFamily

HALF_BYTES = 2.0
"""Rows enter, leave and are summed in bf16."""
QUANTISE_FLOP = 4.0
"""Vector work per activation that is quantised: absolute value, maximum, scaling, rounding. Assumed. So the next."""
GATE_FLOP = 5.0
"""Per output of a gated activation beside its exponential."""
SUM_FLOP = 2.0
"""Per element of a row that is weighted and added."""
SCALE_FLOP = 4.0
"""Per partial sum that is scaled: two scales are multiplied, applied and added."""
LARGEST_ALIGNMENT = 1024
TILES = ((16, 128), (16, 256), (64, 128), (64, 256), (128, 128), (128, 256))
"""Tiles (rows, columns) that libraries choose from; how both products fit each is told, not which one is taken."""


def moe_rows(folder: Path) -> pl.DataFrame:
    """Every measured layer."""
    return read_tables(folder, "moe", KEYS)


def moe_calls(rows: pl.DataFrame) -> tuple[Call, ...]:
    """The layer as one kernel that nobody runs, for its bound; then gathering, up, activation, down, sum.

    What a layer must move at least is its active weights and its tokens in and out: rows between its kernels may stay
    on chip, so that the bound is not one kernel's.
    """
    layer = layer_of(rows)
    math = format_column(rows, "math").tolist()
    every = format_column(rows, "scaled_every")
    scaled = np.where(every > 0.0, SCALE_FLOP / np.maximum(every, 1.0), 0.0)
    spread = spread_log(layer.routed("square_rows") * layer.routed("active") / layer.routed("rows") ** 2)
    up_width = layer.up_count * layer.inter
    return (
        _whole(layer, math),
        _gathering(layer),
        _product(layer, math, scaled, spread, n=up_width, k=layer.hidden),
        _activation(layer),
        _product(layer, math, scaled, spread, n=layer.hidden, k=layer.inter),
        _sum(layer),
    )


def _whole(layer: Layer, math: list[str]) -> Call:
    return call(
        KernelFamily.MOE_GEMM,
        len(math),
        math=math,
        runs=np.zeros(len(math), dtype=bool),
        m=layer.routed("rows") / layer.routed("active"),
        n=layer.up_count * layer.inter,
        k=layer.hidden,
        groups_count=layer.routed("active"),
        work_flop=layer.work_flop(),
        weight_bytes=layer.weights(),
        activation_bytes=2.0 * HALF_BYTES * layer.routed("hit_tokens") * layer.hidden,
    )


def _gathering(layer: Layer) -> Call:
    """Tokens are quantised where the format is narrow, and copied to their experts."""
    is_narrow = layer.row_bytes < HALF_BYTES
    read = np.where(is_narrow, 2.0, 1.0) * HALF_BYTES * layer.tokens
    return call(
        KernelFamily.VECTOR,
        layer.tokens.size,
        parallel_count=layer.tokens,
        vector_flop=np.where(is_narrow, QUANTISE_FLOP * layer.tokens * layer.hidden, 0.0),
        activation_bytes=(read + 2.0 * layer.row_bytes * layer.routed("rows")) * layer.hidden,
    )


def _product(
    layer: Layer, math: list[str], scaled: np.ndarray, spread: np.ndarray, *, n: np.ndarray, k: np.ndarray
) -> Call:
    routed, active = layer.routed("rows"), layer.routed("active")
    return call(
        KernelFamily.MOE_GEMM,
        len(math),
        math=math,
        m=routed / active,
        n=n,
        k=k,
        groups_count=active,
        spread_log=spread,
        work_flop=2.0 * routed * n * k,
        vector_flop=scaled * routed * n * k,
        weight_bytes=active * n * k * layer.weight_bytes,
        activation_bytes=routed * (k * layer.row_bytes + HALF_BYTES * n),
    )


def _activation(layer: Layer) -> Call:
    outputs = layer.routed("rows") * layer.inter
    return call(
        KernelFamily.VECTOR,
        outputs.size,
        parallel_count=layer.routed("rows"),
        vector_flop=GATE_FLOP * outputs,
        exponent_count=np.where(layer.up_count > 1.0, outputs, 0.0),
        activation_bytes=(HALF_BYTES * layer.up_count + layer.row_bytes) * outputs,
    )


def _sum(layer: Layer) -> Call:
    """A token's rows are weighted and added."""
    routed = layer.routed("rows")
    return call(
        KernelFamily.VECTOR,
        routed.size,
        parallel_count=layer.tokens,
        vector_flop=SUM_FLOP * routed * layer.hidden,
        activation_bytes=HALF_BYTES * (routed + layer.tokens) * layer.hidden,
    )


def moe_features(rows: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows features"]:
    """Model, sharding, routing, padding and fit of tiles, working set over L2, balance."""
    layer = layer_of(rows)
    routed, active = layer.routed("rows"), layer.routed("active")
    sizes = [number(rows, name) for name in ("num_tokens", *MODEL, *SHARDING)]
    local = sizes[4] / sizes[6]
    cores, l2_bytes = of_chip(rows, chips, "cores_count"), of_chip(rows, chips, "l2_bytes")
    moved = layer.weights() + 2.0 * HALF_BYTES * layer.tokens * layer.hidden
    flop = layer.work_flop()
    flop_per_s = cores * of_chip(rows, chips, "matrix_flop_per_clk") * of_chip(rows, chips, "clock_hz")
    working = (layer.weights(), layer.weights() * local / active, routed * layer.hidden, routed * layer.inter)
    logs = (
        *sizes,
        *(layer.routed(name) for name in ("active", "hit_tokens")),
        *(local, layer.inter, routed / active, layer.routed("most_rows") * active / routed, active / cores, flop),
        *(size / l2_bytes for size in working),
        flop / moved * of_chip(rows, chips, "hbm_bytes_per_s") / flop_per_s,
        *_alignments(layer),
    )
    told = (
        active / local,
        layer.up_count,
        np.array([tuple(FORMATS).index(name) for name in rows["dtype"]], dtype=np.float64),
        np.array([power_of(name) for name in rows["distribution"]]),
        *(routed / (layer.routed(f"tiles_{height}") * height) for height in TILE_ROWS),
        *_fits(layer, cores),
    )
    return np.stack([*(np.log2(np.maximum(one, 1e-9)) for one in logs), *told], axis=1)


def _alignments(layer: Layer) -> list[np.ndarray]:
    return [np.gcd(width.astype(np.int64), LARGEST_ALIGNMENT) for width in (layer.hidden, layer.inter)]


def _fits(layer: Layer, cores: np.ndarray) -> list[np.ndarray]:
    """Waves of tiles over the cores, and how full they are on average, for both products."""
    waves = [
        layer.routed(f"tiles_{height}") * np.ceil(width / columns) / cores
        for height, columns in TILES
        for width in (layer.up_count * layer.inter, layer.hidden)
    ]
    return [*(np.log(one) for one in waves), *(one / np.ceil(one) for one in waves)]


BUCKET = (
    pl.when(pl.col("num_tokens") <= 64)
    .then(pl.lit("tokens<=64"))
    .when(pl.col("num_tokens") <= 512)
    .then(pl.lit("tokens 65-512"))
    .otherwise(pl.lit("tokens>512"))
)

MOE = Family(
    name="moe",
    keys=KEYS,
    shape=(*MODEL, *SHARDING),
    read=moe_rows,
    bucket=BUCKET,
    fitted=(
        FittedConstant(name="grouped_hbm_ratio", low=0.75, high=0.97),
        FittedConstant(name="grouped_shared_load_count", low=1.0, high=40.0),
        FittedConstant(name="grouped_wave_clk", low=50.0, high=6000.0),
        FittedConstant(name="grouped_start_clk", low=100.0, high=20000.0),
        FittedConstant(name="grouped_overlap_exponent", low=1.0, high=4.0),
        FittedConstant(name="grouped_widen_flop", low=1.0, high=40.0),
    ),
    calls=moe_calls,
    refusal=layer_refusal,
    features=moe_features,
)
MOE_MODELS = replace(MOE, shape=MODEL)
"""The same rows, with whole models held out."""
