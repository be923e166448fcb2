"""Collectives as libraries and serving stacks run them, inside one scale-up domain."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog.chip_design import FABRICS, ChipDesign
from hwmodel.silicon.calls import Call, call
from hwmodel.silicon.collective_residual import fit_collective_residual
from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.family import Chips, Family, FittedConstant
from hwmodel.silicon.features import number, of_chip
from hwmodel.silicon.tables import read_tables
from warehouse.contracts.vocabulary import KernelFamily

KEYS = ("dtype", "op", "gpus", "bytes")
"""A message of `bytes` (as nccl-tests counts its size) among `gpus` ranks."""
MATHS: Mapping[str, str] = MappingProxyType({"bfloat16": "bf16", "half": "bf16", "int8": "int8"})
"""Math format by a table's `dtype`: fp16 and bf16 are one, both are summed in 16 bits."""
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "all_reduce": "all_reduce",
        "all_gather": "all_gather",
        "reduce_scatter": "reduce_scatter",
        "alltoall": "all_to_all",
    }
)
"""Kernel names, whose ends the chip model reads, by `op` of the tables."""
HOST_LAUNCHED = "eager"
"""Part of the names of kernels that the host launched one by one."""
LEAST_RANKS = 2
SMALL_BYTES, MIDDLE_BYTES = 64 * 1024, 16 * 1024**2
"""Between them libraries change their algorithm."""


def collective_rows(folder: Path) -> pl.DataFrame:
    """Every collective that was timed without the host's launch; a version of a kernel is a kernel of its own."""
    rows = read_tables(folder, "comm", KEYS, further=("backend_version",))
    quiet = rows.filter(~pl.col("kernel").str.contains(HOST_LAUNCHED))
    wide = pl.when(pl.col("dtype") == "half").then(pl.lit("bfloat16")).otherwise(pl.col("dtype"))
    kernel = pl.format("{} {}", "kernel", "backend_version")
    return quiet.with_columns(dtype=wide, kernel=kernel).drop("backend_version")


def collective_calls(rows: pl.DataFrame) -> tuple[Call, ...]:
    """The collective itself."""
    one = call(
        KernelFamily.COLLECTIVE,
        len(rows),
        math=[MATHS[dtype] for dtype in _known(rows, "dtype", MATHS)],
        link_bytes=number(rows, "bytes"),
        ranks_count=number(rows, "gpus"),
    )
    operations = tuple(NAMES)
    codes = np.array([operations.index(op) for op in _known(rows, "op", NAMES)], dtype=np.int64)
    return (replace(one, batch=replace(one.batch, names=tuple(NAMES.values()), name_code=codes)),)


def collective_features(rows: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows features"]:
    """The columns that `collective_residual` names, then the clocks that the message takes on the link."""
    sizes, ranks = number(rows, "bytes"), number(rows, "gpus")
    operations = np.array([tuple(NAMES).index(op) for op in _known(rows, "op", NAMES)], dtype=np.float64)
    widths = np.array([MATHS[dtype] == "bf16" for dtype in _known(rows, "dtype", MATHS)], dtype=np.float64)
    link, clock = of_chip(rows, chips, "link_bytes_per_s"), of_chip(rows, chips, "clock_hz")
    l2 = of_chip(rows, chips, "l2_bytes_per_clk") * clock
    fabrics = {name: float(FABRICS.index(chip.fabric)) for name, chip in chips.items()}
    fabric = rows["chip"].replace_strict(fabrics, return_dtype=pl.Float64).to_numpy()
    told = [np.log2(sizes), np.log2(ranks), operations, widths, fabric, np.log(link / clock), np.log(link / l2)]
    message = np.log(sizes * clock / link)
    return np.stack([*told, message, message + np.log(ranks), message - np.log(ranks)], axis=1)


def collective_refusal(rows: pl.DataFrame, chip: ChipDesign) -> pl.Series:
    """Operations and formats that no table names, and messages among more ranks than one domain holds."""
    most = int(chip.link_world_count)
    beyond = f"{chip.name} joins {most} chips in one domain; collectives beyond it were not measured"
    reason = (
        pl.when(~pl.col("op").is_in(list(NAMES)).fill_null(value=False))
        .then(pl.format("op {} is not known; known: " + ", ".join(NAMES), pl.col("op").fill_null("null")))
        .when(~pl.col("dtype").is_in(list(MATHS)).fill_null(value=False))
        .then(pl.format("dtype {} is not known; known: " + ", ".join(MATHS), pl.col("dtype").fill_null("null")))
        .when((pl.col("gpus").fill_null(0) < LEAST_RANKS) | (pl.col("bytes").fill_null(0) < 1))
        .then(pl.lit("gpus must be at least 2 and bytes at least 1"))
        .when(pl.col("gpus") > most)
        .then(pl.lit(beyond))
    )
    return rows.select(reason=reason)["reason"]


def _known(rows: pl.DataFrame, column: str, names: Mapping[str, str]) -> list[str]:
    unknown = sorted(set(rows[column].unique().to_list()) - set(names))
    if unknown:
        raise UnreadableTable(f"collective {column} {unknown[0]!r} is not known; known: {', '.join(names)}")
    return rows[column].to_list()


BUCKET = (
    pl.when(pl.col("bytes") < SMALL_BYTES)
    .then(pl.lit("<64 KiB"))
    .when(pl.col("bytes") <= MIDDLE_BYTES)
    .then(pl.lit("64 KiB-16 MiB"))
    .otherwise(pl.lit(">16 MiB"))
)

COLLECTIVE = Family(
    name="collective",
    keys=KEYS,
    tables=("dtype", "op"),
    shape=("op", "gpus", "bytes"),
    read=collective_rows,
    bucket=BUCKET,
    fitted=(
        FittedConstant(name="collective_clk", low=4000.0, high=10000.0),
        FittedConstant(name="link_direct_ratio", low=0.6, high=0.95),
        FittedConstant(name="link_ring_ratio", low=0.5, high=0.95),
        FittedConstant(name="link_eager_ratio", low=0.1, high=0.6),
        FittedConstant(name="link_switch_ratio", low=0.4, high=0.9),
        FittedConstant(name="link_exchange_ratio", low=0.4, high=0.95),
        FittedConstant(name="phase_latency_ratio", low=0.05, high=2.0),
        FittedConstant(name="peer_latency_ratio", low=0.01, high=0.9),
        FittedConstant(name="library_latency_ratio", low=0.5, high=4.0),
        FittedConstant(name="hop_latency_ratio", low=0.02, high=1.0),
        FittedConstant(name="bulk_hop_ratio", low=0.1, high=5.0),
        FittedConstant(name="exchange_hop_ratio", low=0.005, high=0.5),
        FittedConstant(name="switch_latency_ratio", low=1.0, high=20.0),
        FittedConstant(name="host_fall_exponent", low=0.3, high=3.0),
    ),
    calls=collective_calls,
    refusal=collective_refusal,
    features=collective_features,
    fit_residual=fit_collective_residual,
)
