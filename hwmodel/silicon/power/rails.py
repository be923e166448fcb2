"""Energy of kernels on two embedded chips whose GPU and memory rails were measured apart (LLMCompassPlus)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.silicon.errors import NoTables, UnreadableTable
from hwmodel.silicon.features import number
from hwmodel.silicon.power.families import PowerFamily
from hwmodel.silicon.power.work import BF16_BYTES, TILE_ROWS, Work

FOLDER = "power_orin_thor"
KINDS = ("wide_flop", "byte_flop", "nibble_flop", "attention_flop", "dram_bytes", "l2_bytes")
"""FLOP of products in formats of 16, 8 and 4 bits, of attention, and bytes; int4 weights multiply in 16 bits."""
BYTES: Mapping[str, float] = MappingProxyType({"fp16": 2.0, "int8": 1.0, "fp8": 1.0, "fp4": 0.5625, "int4": 0.53})
"""Per weight, scales of groups included."""
CLASS_OF: Mapping[str, str] = MappingProxyType(
    {"fp16": "wide_flop", "int4": "wide_flop", "int8": "byte_flop", "fp8": "byte_flop", "fp4": "nibble_flop"}
)
KERNELS = (*(f"gemm {precision}" for precision in BYTES), "attention", "norm")
NO_LIMIT_W = 1e4
"""The boards' limits are not in the tables, and no reading shows one."""


def rail_rows(folder: Path) -> pl.DataFrame:
    """Every kernel with both rails and a time.

    Returns:
        chip, kernel, shape, the kinds of work, latency_s, power_w, power_limit_w.

    Raises:
        NoTables: The tables are not in the folder.
        UnreadableTable: A table lacks a column.
    """
    frames = [
        _products(_table(folder, "matmul")),
        _attention(_table(folder, "flashattn")),
        _norms(_table(folder, "layernorm")),
    ]
    named = ("device", "kernel", "shape", *KINDS, "latency_ms", "power_gpu_w", "power_mem_w")
    whole = pl.concat([frame.with_columns(_missing(frame)).select(named) for frame in frames]).drop_nulls()
    return whole.select(
        "kernel",
        "shape",
        *KINDS,
        chip=pl.col("device"),
        latency_s=pl.col("latency_ms") * 1e-3,
        power_w=pl.col("power_gpu_w") + pl.col("power_mem_w"),
        power_limit_w=pl.lit(NO_LIMIT_W),
    )


def _table(folder: Path, name: str) -> pl.DataFrame:
    path = folder / FOLDER / f"orin_thor_{name}_perf_power.csv"
    if not path.exists():
        raise NoTables(f"no {path}; name the folder of the measured tables with --data")
    rows = pl.read_csv(path, infer_schema_length=None)
    lacking = {"device", "latency_ms", "power_gpu_w", "power_mem_w"} - set(rows.columns)
    if lacking:
        raise UnreadableTable(f"{path}: lacks the columns {', '.join(sorted(lacking))}")
    return rows


def _missing(frame: pl.DataFrame) -> list[pl.Expr]:
    return [pl.lit(0.0).alias(kind) for kind in KINDS if kind not in frame.columns]


def _products(rows: pl.DataFrame) -> pl.DataFrame:
    """Matrix products; the table tells time and power of int4 in rows of their own."""
    sizes = ["device", "M", "N", "K"]
    timed = rows.filter((pl.col("precision") == "int4") & pl.col("latency_ms").is_not_null())
    metered = rows.filter((pl.col("precision") == "int4") & pl.col("power_gpu_w").is_not_null())
    joined = metered.drop("latency_ms").join(timed.select(*sizes, "latency_ms"), on=sizes).select(rows.columns)
    whole = pl.concat([rows.filter(pl.col("precision") != "int4"), joined])
    m, n, k = (pl.col(name).cast(pl.Float64) for name in ("M", "N", "K"))
    width = pl.col("precision").replace_strict(dict(BYTES), return_dtype=pl.Float64)
    row_width = pl.when(pl.col("precision") == "int4").then(BF16_BYTES).otherwise(width)
    out_width = pl.col("out_dtype").replace_strict(dict(BYTES) | {"int4": BF16_BYTES}, return_dtype=pl.Float64)
    left, right = m * k * row_width, n * k * width
    kind = pl.col("precision").replace_strict(dict(CLASS_OF))
    return whole.with_columns(
        *(pl.when(kind == name).then(2.0 * m * n * k).otherwise(0.0).alias(name) for name in KINDS[:3]),
        kernel=pl.format("gemm {}", "precision"),
        shape=pl.format("gemm {} {} {}", "M", "N", "K"),
        dram_bytes=left + right + m * n * out_width,
        l2_bytes=left * (n / TILE_ROWS).ceil() + right * (m / TILE_ROWS).ceil(),
    )


def _attention(rows: pl.DataFrame) -> pl.DataFrame:
    names = ("seq_len_q", "seq_len_kv", "heads_q", "heads_kv", "head_dim")
    queries, keys, heads, kv_heads, dim = (pl.col(name).cast(pl.Float64) for name in names)
    pairs = pl.when(pl.col("is_causal")).then(queries * keys - queries**2 / 2.0).otherwise(queries * keys)
    return rows.with_columns(
        kernel=pl.lit("attention"),
        shape=pl.format("attention {} {} {} {} {}", *names),
        attention_flop=4.0 * heads * dim * pairs,
        dram_bytes=2.0 * BF16_BYTES * dim * (queries * heads + keys * kv_heads),
        l2_bytes=2.0 * BF16_BYTES * dim * keys * heads * (queries / TILE_ROWS).ceil(),
    )


def _norms(rows: pl.DataFrame) -> pl.DataFrame:
    moved = 2.0 * BF16_BYTES * pl.col("M").cast(pl.Float64) * pl.col("N")
    return rows.with_columns(
        kernel=pl.lit("norm"), shape=pl.format("norm {} {}", "M", "N"), dram_bytes=moved, l2_bytes=moved
    )


def _work(rows: pl.DataFrame) -> Work:
    return Work.of(**{kind: number(rows, kind) for kind in KINDS})


def _features(rows: pl.DataFrame) -> Float[np.ndarray, "rows features"]:
    """Kind of kernel, and FLOP per byte of memory."""
    kernel = np.array([KERNELS.index(name) for name in rows["kernel"]], dtype=np.float64)
    flop = sum(number(rows, kind) for kind in KINDS[:4])
    return np.stack([kernel, np.log(1.0 + flop / number(rows, "dram_bytes"))], axis=1)


def _of(device: str) -> Callable[[Path], pl.DataFrame]:
    return lambda folder: rail_rows(folder).filter(pl.col("chip") == device)


RAIL_FAMILIES = tuple(
    PowerFamily(
        name=device.lower(),
        basis=f"calibrated on the rails of one {device} board",
        shape=("shape",),
        read=_of(device),
        work=_work,
        features=_features,
    )
    for device in ("Orin", "Thor")
)
"""Jetson AGX Orin (8 nm) and Thor (4 nm): each has energies of its own, so each is scored with a law of its own."""
