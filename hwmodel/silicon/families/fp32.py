"""FP32 products on vector lanes, batched or with a bias, one launch timed between two events (NeuSight's tables)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign
from hwmodel.silicon.calls import Call, call
from hwmodel.silicon.errors import NoTables, UnknownGpu, UnreadableTable
from hwmodel.silicon.families.gemm import tile_fit
from hwmodel.silicon.family import Chips, Family, FittedConstant
from hwmodel.silicon.features import number, of_chip
from hwmodel.timing import FIRST_CONSTANTS
from warehouse.contracts.vocabulary import KernelFamily

KEYS = ("dtype", "op", "b", "m", "n", "k")
"""b products of (m, k) by (k, n); `op` is bmm or linear, of which a linear adds a bias."""
DTYPE = "fp32"
BYTES = 4.0
OPS = ("bmm", "linear")
CHIP_OF_DEVICE: Mapping[str, str] = MappingProxyType(
    {
        "Tesla P4": "p4",
        "Tesla P100-PCIE-16GB": "p100",
        "Tesla V100-PCIE-32GB": "v100",
        "Tesla T4": "t4",
        "NVIDIA A100-PCIE-40GB": "a100-pcie-40",
        "NVIDIA H100 80GB HBM3": "h100-sxm",
        "NVIDIA L4": "l4",
    }
)
"""Name of each GPU's chip here by its name in the tables. Those of AMD have no training rows; A100 80GB has no
published nodes."""
TRAIN = "train"
SLOWED = (pl.col("chip") == "p4") & (pl.col("op") == "linear")
"""Left out: these ran at a fifth of that card's peak, its batched products at half, its own later linears at 0.8."""
PRIOR = replace(
    FIRST_CONSTANTS,
    matrix_ratio=0.95,
    hbm_ratio=0.85,
    l2_ratio=0.5,
    shared_load_count=3.0,
    core_feed_bytes_per_clk=64.0,
    wave_clk=300.0,
    operand_feed_elements=1000.0,
    most_overlap_exponent=2.0,
    launch_clk=3000.0,
    launch_s=2e-5,
    vector_flop_j=1.5e-11,
    clock_settle_s=2e-3,
    l2_resident_ratio=0.05,
)
"""To start a fit from: launches are timed one by one through the host, 25 in a row; kernels copy synchronously;
strips of an operand find little room in L2."""
TILES = ((32, 128), (64, 64), (128, 64), (128, 128))
"""Tiles (rows, columns) that SGEMM libraries choose from."""
LARGEST_ALIGNMENT = 128


def table_path(folder: Path, name: str) -> Path:
    """One of NeuSight's tables, in the folder or in its `kernels_neusight`.

    Raises:
        NoTables: It is not there.
    """
    inner = folder / "kernels_neusight"
    path = (inner if inner.is_dir() else folder) / name
    if not path.is_file():
        raise NoTables(f"{path} is not there; name the folder of the measured tables with --data")
    return path


def fp32_rows(folder: Path) -> pl.DataFrame:
    """Training rows as NeuSight published them: chip, backend, kernel, the keys, latency_s.

    Raises:
        NoTables: The folder holds no `ops_matmul.parquet`.
        UnreadableTable: It lacks a column.
        UnknownGpu: It names a GPU of NVIDIA that is not in `CHIP_OF_DEVICE`.
    """
    path = table_path(folder, "ops_matmul.parquet")
    try:
        rows = pl.read_parquet(path).with_columns(pl.col(pl.Categorical).cast(pl.String))
        chosen = rows.filter((pl.col("vendor") == "nvidia") & (pl.col("split") == TRAIN))
        return chosen.select(
            chip=chip_of(chosen["device"]),
            backend=pl.lit("torch"),
            kernel="kernel",
            dtype=pl.lit(DTYPE),
            op="op",
            b="b",
            m="m",
            n="k",
            k="n",
            latency_s=1e-3 * pl.col("latency_ms"),
        ).filter(~SLOWED)
    except pl.exceptions.PolarsError as error:
        raise UnreadableTable(f"{path}: {str(error).splitlines()[0][:200]}") from error


def chip_of(device: pl.Series) -> pl.Series:
    """Chip of each device's name, be it written with blanks or with underscores.

    Raises:
        UnknownGpu: A name that is not known.
    """
    plain = device.str.replace_all("_", " ").alias("chip")
    unknown = sorted(set(plain) - set(CHIP_OF_DEVICE))
    if unknown:
        raise UnknownGpu(f"no chip for GPU {unknown[0]!r}; known: {', '.join(CHIP_OF_DEVICE)}")
    return plain.replace_strict(dict(CHIP_OF_DEVICE), return_dtype=pl.String)


def fp32_calls(rows: pl.DataFrame) -> tuple[Call, ...]:
    """One grouped product."""
    b, m, n, k = (number(rows, name) for name in ("b", "m", "n", "k"))
    product = call(
        KernelFamily.GEMM,
        len(rows),
        math=[DTYPE] * len(rows),
        groups_count=b,
        m=m,
        n=n,
        k=k,
        work_flop=2.0 * b * m * n * k,
        weight_bytes=BYTES * b * n * k,
        activation_bytes=BYTES * b * (m * k + m * n),
    )
    return (product,)


def fp32_refusal(rows: pl.DataFrame, _chip: ChipDesign) -> pl.Series:
    """Every chip has vector lanes: only an unknown format or operation is refused."""
    reason = (
        pl.when(pl.col("dtype") != DTYPE)
        .then(pl.format("format {} runs on matrix units; this family is fp32", "dtype"))
        .when(~pl.col("op").is_in(OPS))
        .then(pl.format("operation {} is not known; known: " + ", ".join(OPS), "op"))
    )
    return rows.select(reason=reason)["reason"]


def fp32_features(rows: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows features"]:
    """Shape, fit of tiles, alignment, working set over L2."""
    b, m, n, k = (number(rows, name) for name in ("b", "m", "n", "k"))
    logs = [np.log2(v) for v in (m, n, k)]
    aligned = [np.log2(np.gcd(v.astype(np.int64), LARGEST_ALIGNMENT)) for v in (n, k)]
    cores, l2_bytes = of_chip(rows, chips, "cores_count"), of_chip(rows, chips, "l2_bytes")
    fits = [column for tile in TILES for column in tile_fit(m, n, cores, tile, groups=b)]
    sizes = [np.log(BYTES * size / l2_bytes) for size in (n * k, m * k, m * n)]
    linear = (rows["op"] == "linear").to_numpy().astype(np.float64)
    return np.stack([linear, *logs, *aligned, *fits, *sizes], axis=1)


FP32 = Family(
    name="fp32_matmul",
    keys=KEYS,
    shape=("b", "m", "n", "k"),
    read=fp32_rows,
    bucket=pl.col("op"),
    fitted=(
        FittedConstant(name="matrix_ratio", low=0.8, high=1.0),
        FittedConstant(name="operand_feed_elements", low=1.0, high=8192.0),
        FittedConstant(name="hbm_ratio", low=0.75, high=0.95),
        FittedConstant(name="l2_ratio", low=0.3, high=1.0),
        FittedConstant(name="shared_load_count", low=1.0, high=8.0),
        FittedConstant(name="core_feed_bytes_per_clk", low=24.0, high=256.0),
        FittedConstant(name="wave_clk", low=1.0, high=20000.0),
        FittedConstant(name="most_overlap_exponent", low=1.2, high=4.0),
        FittedConstant(name="launch_s", low=1e-6, high=6e-5),
        FittedConstant(name="vector_flop_j", low=0.5e-11, high=4e-11),
        FittedConstant(name="clock_settle_s", low=1e-5, high=3e-2),
    ),
    calls=fp32_calls,
    refusal=fp32_refusal,
    features=fp32_features,
)
