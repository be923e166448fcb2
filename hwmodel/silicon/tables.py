"""Measured kernel tables as frames in SI units, with the chips named as in the catalogue."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import polars as pl

from hwmodel.silicon.errors import MeasuredOnCpu, NoTables, UnknownGpu, UnreadableTable
from hwmodel.silicon.package_tables import is_package, packaged_rows

CHIP_OF_GPU: Mapping[str, str] = MappingProxyType(
    {
        "a100_sxm": "a100-sxm-80",
        "h100_sxm": "h100-sxm",
        "h200_sxm": "h200-sxm",
        "b200_sxm": "b200-sxm",
        "b300_sxm": "b300-sxm",
        "gb200": "gb200-nvl72",
        "gb300": "gb300-nvl72",
        "l40s": "l40s",
        "rtx_pro_6000_server": "rtx-pro-6000",
        "a40": "a40",
        "a800_sxm": "a800",
        "h20": "h20",
        "h800": "h800",
        "l4": "l4",
        "l20": "l20",
        "l40": "l40",
        "rtx_4090": "rtx-4090",
        "rtx_6000_ada": "rtx-6000-ada",
        "rtx_a6000": "rtx-a6000",
    }
)
"""Chip of the catalogue by the name of a GPU in tables: as `aiconfigurator-core` names them (docs/sources.md), then
those that only `scoville measure` may meet."""

HELD_OUT_CHIPS = frozenset({"b300-sxm", "gb200-nvl72", "gb300-nvl72", "rtx-pro-6000"})
"""Chips that no fit may look at: what is measured on them judges the model."""
DEVICE_KIND, CPU = "device_kind", "cpu"
"""Column of tables that `scoville measure` wrote, and what it says of times that are none of a chip."""
AGAIN = "measure again with `scoville measure --device cuda`"


def read_tables(folder: Path, family: str, keys: Sequence[str], *, further: Sequence[str] = ()) -> pl.DataFrame:
    """Every row of one family's tables.

    Args:
        folder: Where the tables lie: as `FAMILY_GPU.parquet` here or in `kernels_nvidia` below, or as an installed
            `aiconfigurator-core` keeps them.
        family: How their file names begin.
        keys: Columns that name a kernel.
        further: Columns to read beside them.

    Returns:
        chip, backend, kernel, the keys, the further columns, latency_s; one row per measurement.

    Raises:
        NoTables: No such file in the folder.
        UnreadableTable: A file cannot be read or lacks a column.
        UnknownGpu: A file names a GPU that the catalogue does not have.
        MeasuredOnCpu: A file holds times of a CPU.
    """
    named = ("backend", "kernel", *keys, *further)
    wanted = ("gpu", *named, "latency_us")
    rows = packaged_rows(folder, family, CHIP_OF_GPU) if is_package(folder) else _files(folder, family, wanted)
    latency_s = pl.col("latency_us").cast(pl.Float64) * 1e-6
    return rows.select(chip=_chip(rows), **{name: pl.col(name) for name in named}, latency_s=latency_s)


def read_power_tables(folder: Path, family: str, keys: Sequence[str]) -> pl.DataFrame:
    """Rows of tables that carry board power, as `FAMILY_GPU.parquet`.

    Returns:
        chip, kernel, the keys, latency_s, power_w, power_limit_w; one row per measurement.

    Raises:
        NoTables: No such file in the folder.
        UnreadableTable: A file cannot be read or lacks a column.
        UnknownGpu: A file names a GPU that the catalogue does not have.
    """
    columns = ("gpu", "kernel", *keys, "latency_us", "power_w", "power_limit_w")
    rows = pl.concat([_one(path, columns) for path in _paths(folder, family)])
    latency_s = pl.col("latency_us").cast(pl.Float64) * 1e-6
    return rows.select(pl.exclude("gpu", "latency_us"), chip=_chip(rows), latency_s=latency_s)


def _files(folder: Path, family: str, columns: Sequence[str]) -> pl.DataFrame:
    return pl.concat([_one(path, columns) for path in _paths(folder, family)], how="vertical_relaxed")


def _paths(folder: Path, family: str) -> list[Path]:
    """Files of a family; tables of power, whose names go on like those of times, only where they are asked for."""
    inner = folder / "kernels_nvidia"
    home = inner if inner.is_dir() else folder
    of_power = family.endswith("_power")
    paths = [path for path in sorted(home.glob(f"{family}_*.parquet")) if ("_power_" in path.name) == of_power]
    if not paths:
        raise NoTables(f"{home}: no {family}_GPU.parquet; name the folder of the measured tables with --data")
    return paths


def _one(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    try:
        kinds = [DEVICE_KIND] if DEVICE_KIND in pl.read_parquet_schema(path) else []
        rows = pl.read_parquet(path, columns=[*columns, *kinds]).with_columns(pl.col(pl.Categorical).cast(pl.String))
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise UnreadableTable(f"{path}: {reason}; a table has the columns {', '.join(columns)}") from error
    if kinds and (rows[DEVICE_KIND] == CPU).any():
        raise MeasuredOnCpu(
            f"{path}: measured on a CPU, which tries the measuring out and says nothing of a chip; {AGAIN}"
        )
    return rows.select(columns)


def _chip(rows: pl.DataFrame) -> pl.Expr:
    unknown = sorted(set(rows["gpu"].unique().to_list()) - set(CHIP_OF_GPU))
    if unknown:
        raise UnknownGpu(f"no chip of the catalogue for GPU {unknown[0]!r}; known: {', '.join(CHIP_OF_GPU)}")
    return pl.col("gpu").replace_strict(dict(CHIP_OF_GPU), return_dtype=pl.String)
