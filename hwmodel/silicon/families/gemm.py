"""Matrix products as serving stacks run them: activations are quantised first where the format asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign
from hwmodel.silicon.calls import Call, call
from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.family import Chips, Family, FittedConstant
from hwmodel.silicon.features import number, of_chip
from hwmodel.silicon.tables import read_tables
from warehouse.contracts.vocabulary import KernelFamily

KEYS = ("dtype", "m", "n", "k")
"""The product of (m, k) activations by (k, n) weights."""
GRAPH = "cuda_graph"
"""Rows timed inside a captured graph; the others carry the host's launch."""
OUTPUT_BYTES = 2.0
"""Every table writes bf16."""
QUANTISE_FLOP = 4.0
"""Vector work per activation that is quantised: absolute value, maximum, scaling, rounding. Assumed."""
SCALE_FLOP = 4.0
"""Vector work per partial sum that is scaled: two scales are multiplied, applied and added. Assumed."""
TILES = ((16, 128), (64, 64), (64, 256), (128, 128), (128, 256), (256, 128), (256, 256))
"""Tiles (rows, columns) that libraries choose from; how a shape fits each is told, not which one is taken."""
LARGEST_ALIGNMENT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class GemmFormat:
    """How a table's `dtype` computes and stores; scales of blocks are part of the widths."""

    math: str
    """One of `MATH_DTYPES`."""
    weight_bytes: float
    """Per weight. So the next for activations."""
    row_bytes: float
    scaled_every: float
    """Length of the reduction after which partial sums are scaled on vector units; 0 where they are not."""
    read_passes: float
    """How often the measured call reads its bf16 activations to quantise them: once for scales of blocks, twice for
    one scale of the whole tensor, which must be known first; 0 where it does not (README of the tables)."""


FORMATS: Mapping[str, GemmFormat] = MappingProxyType(
    {
        "bfloat16": GemmFormat(scaled_every=0.0, math="bf16", weight_bytes=2.0, row_bytes=2.0, read_passes=0.0),
        "fp8": GemmFormat(scaled_every=0.0, math="fp8", weight_bytes=1.0, row_bytes=1.0, read_passes=2.0),
        "fp8_block": GemmFormat(scaled_every=128.0, math="fp8", weight_bytes=1.0, row_bytes=1.0, read_passes=1.0),
        "nvfp4": GemmFormat(scaled_every=0.0, math="fp4", weight_bytes=0.5625, row_bytes=0.5625, read_passes=1.0),
        "int8_wo": GemmFormat(scaled_every=0.0, math="bf16", weight_bytes=1.0, row_bytes=2.0, read_passes=0.0),
        "int4_wo": GemmFormat(scaled_every=0.0, math="bf16", weight_bytes=0.5, row_bytes=2.0, read_passes=0.0),
        "sq": GemmFormat(scaled_every=0.0, math="int8", weight_bytes=1.0, row_bytes=1.0, read_passes=1.0),
    }
)
"""Formats by their name in the tables: bf16; fp8 by tensor and by block; 4-bit floats in blocks of 16 with a one-byte
scale; weights alone in 8 and 4 bits; SmoothQuant, 8 bits on both sides."""


def gemm_rows(folder: Path) -> pl.DataFrame:
    """Every product that was timed inside a captured graph."""
    rows = read_tables(folder, "gemm", KEYS, further=("timing",)).filter(pl.col("timing") == GRAPH)
    return rows.drop("timing")


def gemm_calls(rows: pl.DataFrame) -> tuple[Call, ...]:
    """The product, and the quantisation before it."""
    m, n, k = (number(rows, name) for name in ("m", "n", "k"))
    row_bytes, weight_bytes = format_column(rows, "row_bytes"), format_column(rows, "weight_bytes")
    every = format_column(rows, "scaled_every")
    scaled = np.where(every > 0.0, 1.0 / np.maximum(every, 1.0), 0.0)
    passes = format_column(rows, "read_passes")
    product = call(
        KernelFamily.GEMM,
        len(rows),
        math=format_column(rows, "math").tolist(),
        m=m,
        n=n,
        k=k,
        work_flop=2.0 * m * n * k,
        vector_flop=SCALE_FLOP * m * n * k * scaled,
        weight_bytes=weight_bytes * n * k,
        activation_bytes=row_bytes * m * k + OUTPUT_BYTES * m * n,
    )
    quantise = call(
        KernelFamily.VECTOR,
        len(rows),
        runs=passes > 0.0,
        parallel_count=m,
        vector_flop=QUANTISE_FLOP * passes * m * k,
        weight_bytes=(2.0 * passes + row_bytes) * m * k,
        resident_bytes=(2.0 + row_bytes) * m * k + weight_bytes * n * k + OUTPUT_BYTES * m * n,
    )
    return product, quantise


def gemm_features(rows: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows features"]:
    """Shape, fit of tiles, working set over L2, balance of the product."""
    m, n, k = (number(rows, name) for name in ("m", "n", "k"))
    logs = [np.log2(v) for v in (m, n, k, n / k, m * n, n * k, m * n * k)]
    aligned = [np.log2(np.gcd(v.astype(np.int64), LARGEST_ALIGNMENT)) for v in (m, n, k)]
    formats = np.array([tuple(FORMATS).index(name) for name in rows["dtype"]], dtype=np.float64)
    cores, l2_bytes = of_chip(rows, chips, "cores_count"), of_chip(rows, chips, "l2_bytes")
    fits = [column for tile in TILES for column in tile_fit(m, n, cores, tile)]
    weights, activations = format_column(rows, "weight_bytes") * n * k, format_column(rows, "row_bytes") * m * k
    moved = weights + activations + OUTPUT_BYTES * m * n
    sizes = [np.log(size / l2_bytes) for size in (moved, weights, activations, m * n)]
    flop_per_s = cores * of_chip(rows, chips, "matrix_flop_per_clk") * of_chip(rows, chips, "clock_hz")
    balance = np.log(2.0 * m * n * k / moved * of_chip(rows, chips, "hbm_bytes_per_s") / flop_per_s)
    return np.stack([*logs, *aligned, formats, *fits, *sizes, balance], axis=1)


def tile_fit(
    m: np.ndarray, n: np.ndarray, cores: np.ndarray, tile: tuple[int, int], *, groups: np.ndarray | float = 1.0
) -> tuple[np.ndarray, ...]:
    """Waves of tiles over the cores, how full they are on average, and how much of the tiles is product."""
    rows, columns = tile
    tiles = np.ceil(m / rows) * np.ceil(n / columns)
    waves = groups * tiles / cores
    return np.log(waves), waves / np.ceil(waves), m * n / (tiles * rows * columns)


def format_column(rows: pl.DataFrame, field: str) -> np.ndarray:
    """A field of `GemmFormat` for each row's `dtype`.

    Raises:
        UnreadableTable: A format that is not in `FORMATS`.
    """
    unknown = sorted(set(rows["dtype"].unique().to_list()) - set(FORMATS))
    if unknown:
        raise UnreadableTable(f"GEMM format {unknown[0]!r} is not known; known: {', '.join(FORMATS)}")
    return rows["dtype"].replace_strict({name: getattr(one, field) for name, one in FORMATS.items()}).to_numpy()


def gemm_refusal(rows: pl.DataFrame, chip: ChipDesign) -> pl.Series:
    """Formats that no table names, formats that the chip has no matrix rate for, sizes that are none."""
    ratios = {"bf16": 1.0, "fp8": chip.fp8_rate_ratio, "fp4": chip.fp4_rate_ratio, "int8": chip.int8_rate_ratio}
    reasons = {
        name: None if ratios[one.math] > 0.0 else f"{chip.name} has no matrix rate at {one.math}, which {name} needs"
        for name, one in FORMATS.items()
    }
    unknown = pl.format("dtype {} is not known; known: " + ", ".join(FORMATS), pl.col("dtype").fill_null("null"))
    by_dtype = pl.col("dtype").replace_strict(reasons, default=unknown, return_dtype=pl.String)
    no_size = pl.any_horizontal((pl.col(name).fill_null(0) < 1) for name in ("m", "n", "k"))
    reason = pl.when(no_size).then(pl.lit("m, n and k must be whole numbers above 0")).otherwise(by_dtype)
    return rows.select(reason=reason)["reason"]


BUCKET = (
    pl.when(pl.col("m") <= 64)
    .then(pl.lit("m<=64"))
    .when(pl.col("m") <= 512)
    .then(pl.lit("m 65-512"))
    .otherwise(pl.lit("m>512"))
)

GEMM = Family(
    name="gemm",
    keys=KEYS,
    shape=("n", "k"),
    read=gemm_rows,
    bucket=BUCKET,
    fitted=(
        FittedConstant(name="matrix_ratio", low=0.7, high=1.0),
        FittedConstant(name="operand_feed_elements", low=1.0, high=8192.0),
        FittedConstant(name="hbm_ratio", low=0.75, high=0.95),
        FittedConstant(name="l2_ratio", low=0.3, high=1.0),
        FittedConstant(name="shared_load_count", low=1.0, high=8.0),
        FittedConstant(name="core_feed_bytes_per_clk", low=24.0, high=256.0),
        FittedConstant(name="core_refill_clk", low=1000.0, high=16000.0),
        FittedConstant(name="wave_clk", low=1.0, high=4000.0),
        FittedConstant(name="whole_wave_ratio", low=0.1, high=1.0),
        FittedConstant(name="scale_work_ratio", low=0.8, high=1.25),
        FittedConstant(name="scale_overlap_ratio", low=0.3, high=0.6),
        FittedConstant(name="rowwise_start_clk", low=10.0, high=8000.0),
        FittedConstant(name="k_step_clk", low=5.0, high=200.0),
        FittedConstant(name="split_sync_clk", low=100.0, high=20000.0),
        FittedConstant(name="most_overlap_exponent", low=1.5, high=10.0),
        FittedConstant(name="launch_clk", low=10.0, high=8000.0),
        FittedConstant(name="launch_s", low=1e-8, high=4e-6),
        FittedConstant(name="matrix_clk_j", low=0.8e-11, high=2e-11),
        FittedConstant(name="narrow_energy_ratio", low=0.8, high=2.0),
        FittedConstant(name="clock_settle_s", low=1e-5, high=3e-4),
        FittedConstant(name="l2_resident_ratio", low=0.5, high=1.0),
        FittedConstant(name="l2_cold_ratio", low=0.001, high=0.5),
    ),
    calls=gemm_calls,
    refusal=gemm_refusal,
    features=gemm_features,
)
