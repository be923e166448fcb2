"""Measured tables as an installed `aiconfigurator-core` keeps them: read as data, given our names and units."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import polars as pl

from hwmodel.silicon.errors import NoTables, UnreadableTable

VERSION = "0.12.0"
"""Version of the package whose layout this is; later ones move to another package."""
CURRENT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "trtllm": ("1.3.0rc20", "1.0.0"),
        "sglang": ("0.5.14", "0.5.10"),
        "vllm": ("0.24.0", "0.14.0"),
    }
)
"""Collection that is read for each stack: the first of these versions that a GPU has. The second is A100's."""
HOST_LAUNCHED = ("vllm", "fp8_block")
"""Stack and format whose products the package's collector timed without CUDA graphs: 55 to 155 us of the host."""
ELEMENT_BYTES: Mapping[str, int] = MappingProxyType({"bfloat16": 2, "half": 2, "int8": 1})
"""A collective's message is counted in elements in the package, in bytes here."""
US_PER_MS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedTable:
    """A kind of file of the package, below the folder of a GPU."""

    folder: str
    name: str
    columns: Mapping[str, pl.Expr]
    """Our names of what identifies a kernel, each from columns of the package."""
    every_version: bool = False
    """Whether all collections are read; else the current one of each stack."""


def _same(*names: str) -> dict[str, pl.Expr]:
    return {name: pl.col(name) for name in names}


def _heads(dtype: str, **sizes: pl.Expr) -> dict[str, pl.Expr]:
    return {
        "dtype": pl.col(dtype),
        "kv_dtype": pl.col("kv_cache_dtype"),
        "batch": pl.col("batch_size"),
        **sizes,
        "heads": pl.col("num_heads"),
        "kv_heads": pl.col("num_key_value_heads"),
        "head_dim": pl.col("head_dim"),
        "window": pl.col("window_size").fill_null(0),
    }


def _message(dtype: str) -> dict[str, pl.Expr]:
    element_bytes = pl.col(dtype).replace_strict(dict(ELEMENT_BYTES), return_dtype=pl.Int64)
    return {
        "op": pl.col("op_name"),
        "dtype": pl.col(dtype),
        "gpus": pl.col("num_gpus"),
        "elements": pl.col("message_size"),
        "bytes": pl.col("message_size") * element_bytes,
    }


TABLES: Mapping[str, tuple[PackagedTable, ...]] = MappingProxyType(
    {
        "gemm": (
            PackagedTable(
                folder="gemm", name="gemm_perf", columns={"dtype": pl.col("gemm_dtype"), **_same("m", "n", "k")}
            ),
        ),
        "attn_prefill": (
            PackagedTable(
                folder="attention",
                name="context_attention_perf",
                columns=_heads("attn_dtype", seq=pl.col("isl")),
            ),
        ),
        "attn_decode": (
            PackagedTable(
                folder="attention",
                name="generation_attention_perf",
                columns=_heads("attn_dtype", kv_len=pl.col("isl") + pl.col("step")),
            ),
        ),
        "moe": (
            PackagedTable(
                folder="moe",
                name="moe_perf",
                columns={
                    "dtype": pl.col("moe_dtype"),
                    **_same("num_tokens", "hidden_size", "inter_size", "topk", "num_experts"),
                    **_same("moe_tp_size", "moe_ep_size", "distribution"),
                },
            ),
        ),
        "comm": (
            PackagedTable(folder="comm", name="nccl_perf", columns=_message("nccl_dtype"), every_version=True),
            PackagedTable(
                folder="comm", name="custom_allreduce_perf", columns=_message("allreduce_dtype"), every_version=True
            ),
        ),
    }
)
"""Files of each family of tables."""
TEXTS = frozenset({"dtype", "kv_dtype", "distribution", "op"})
"""Columns that are names; the others are whole numbers."""
WIDE = frozenset({"elements", "bytes"})
"""Sizes that 32 bits do not hold."""


def is_package(folder: Path) -> bool:
    """Whether tables lie in this folder as the package keeps them."""
    return (folder / "systems" / "data").is_dir()


def packaged_rows(folder: Path, family: str, gpus: Collection[str]) -> pl.DataFrame:
    """One family's rows of some GPUs, under the names and in the units of the tables that `read_tables` describes.

    Repeats of a measurement within a file are replaced by their median.

    Args:
        folder: The installed package.
        family: One of `TABLES`.
        gpus: Folders of GPUs to read; those that the package lacks are passed over.

    Returns:
        gpu, backend, backend_version, kernel, the columns of the family, latency_us; products also have timing.

    Raises:
        NoTables: The package has no such table for any of the GPUs.
        UnreadableTable: A file cannot be read or lacks a column.
    """
    data = folder / "systems" / "data"
    frames = [
        _rows(path, table, gpu)
        for gpu in sorted(gpus)
        for table in TABLES.get(family, ())
        for path in _paths(data / gpu, table)
    ]
    if not frames:
        raise NoTables(f"{data}: no table of {family}; aiconfigurator-core {VERSION} has {', '.join(TABLES)}")
    rows = pl.concat(frames)
    keys = [name for name in rows.columns if name != "latency_us"]
    median = rows.group_by(keys).agg(pl.col("latency_us").median()).sort(keys)
    return median.with_columns(timing=_timing()) if family == "gemm" else median


def _timing() -> pl.Expr:
    stack, dtype = HOST_LAUNCHED
    is_eager = (pl.col("backend") == stack) & (pl.col("dtype") == dtype)
    return pl.when(is_eager).then(pl.lit("eager")).otherwise(pl.lit("cuda_graph"))


def _paths(gpu: Path, table: PackagedTable) -> Iterator[Path]:
    home = gpu / table.folder
    if table.every_version:
        yield from sorted(home.glob(f"*/*/{table.name}.parquet"))
        return
    for stack, versions in CURRENT.items():
        there = [path for version in versions if (path := home / stack / version / f"{table.name}.parquet").is_file()]
        yield from there[:1]


def _rows(path: Path, table: PackagedTable, gpu: str) -> pl.DataFrame:
    stack, version = path.parts[-3:-1]
    try:
        read = pl.read_parquet(path)
        if "window_size" not in read.columns:
            read = read.with_columns(window_size=pl.lit(0))
        return read.select(
            gpu=pl.lit(gpu),
            backend=pl.lit(stack),
            backend_version=pl.lit(version),
            kernel=pl.col("kernel_source"),
            latency_us=(pl.col("latency") * US_PER_MS).cast(pl.Float32),
            **{name: expr.cast(_type(name)) for name, expr in table.columns.items()},
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise UnreadableTable(f"{path}: {reason}; this is read as aiconfigurator-core {VERSION} keeps it") from error


def _type(name: str) -> type[pl.DataType]:
    if name in TEXTS:
        return pl.String
    return pl.Int64 if name in WIDE else pl.Int32
