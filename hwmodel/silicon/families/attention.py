"""What measured calls of attention have in common: formats, the cache write inside them, sizes that learners see."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign
from hwmodel.kernels.attention import SOFTMAX_FLOP
from hwmodel.silicon.calls import Call, call
from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.family import Chips
from hwmodel.silicon.features import number, of_chip
from warehouse.contracts.vocabulary import KernelFamily

MATH: Mapping[str, str] = MappingProxyType({"bfloat16": "bf16", "fp8": "fp8"})
"""Math format by the tables' `dtype`."""
CACHE_BYTES: Mapping[str, float] = MappingProxyType({"bfloat16": 2.0, "fp8": 1.0})
"""Bytes of a cached element by the tables' `kv_dtype`."""
ACTIVATION_BYTES = 2.0
"""Queries, new keys and values and results are bf16."""
CONVERT_FLOP = 2.0
"""Vector work per element that changes between bf16 and fp8: scale and round. Assumed."""
LEAST_RATIO = 1e-12
SIZES = ("batch", "heads", "kv_heads", "head_dim")
SHAPE = (*SIZES[1:], "window")
"""What does not change while a deployment serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadShape:
    """Columns that prompts and decoding share, as floats; arrays have one entry per row."""

    sequences: Float[np.ndarray, "rows"]
    tokens: Float[np.ndarray, "rows"]
    """Length of each sequence."""
    heads: Float[np.ndarray, "rows"]
    kv_heads: Float[np.ndarray, "rows"]
    dim: Float[np.ndarray, "rows"]
    keys: Float[np.ndarray, "rows"]
    """Keys that the last query sees: the window where it is shorter than the sequence."""
    cache_bytes: Float[np.ndarray, "rows"]
    """Width of a cached element."""

    @property
    def group(self) -> Float[np.ndarray, "rows"]:
        """Query heads per KV head."""
        return np.asarray(self.heads / self.kv_heads)


def head_shape(rows: pl.DataFrame, length: str) -> HeadShape:
    """Sizes of measured rows.

    Args:
        rows: Rows of a table of attention.
        length: Column of the sequence length.

    Raises:
        UnreadableTable: A format that is not known.
    """
    tokens, window = number(rows, length), number(rows, "window")
    return HeadShape(
        sequences=number(rows, "batch"),
        tokens=tokens,
        heads=number(rows, "heads"),
        kv_heads=number(rows, "kv_heads"),
        dim=number(rows, "head_dim"),
        keys=np.where(window > 0.0, np.minimum(window, tokens), tokens),
        cache_bytes=_known(rows, "kv_dtype", CACHE_BYTES).cast(pl.Float64).to_numpy(),
    )


def math_formats(rows: pl.DataFrame) -> list[str]:
    """Math format of each row."""
    formats: list[str] = _known(rows, "dtype", MATH).to_list()
    return formats


def softmax_flop(pairs: Float[np.ndarray, "rows"]) -> Float[np.ndarray, "rows"]:
    """Vector work of the scores."""
    return np.asarray(SOFTMAX_FLOP * pairs)


def cache_write(shape: HeadShape, new_tokens: Float[np.ndarray, "rows"]) -> Call:
    """The kernel that stores new keys and values, converted to the cache's format."""
    elements = 2.0 * new_tokens * shape.kv_heads * shape.dim
    moved = elements * (ACTIVATION_BYTES + shape.cache_bytes)
    return call(
        KernelFamily.KV_WRITE,
        len(elements),
        parallel_count=new_tokens,
        vector_flop=CONVERT_FLOP * elements,
        activation_bytes=moved,
    )


def cache_conversion(shape: HeadShape, new_tokens: Float[np.ndarray, "rows"]) -> Call:
    """The kernel that turns new keys and values into the cache's format, where that is not the activations'."""
    elements = 2.0 * new_tokens * shape.kv_heads * shape.dim
    return call(
        KernelFamily.VECTOR,
        len(elements),
        runs=shape.cache_bytes < ACTIVATION_BYTES,
        parallel_count=new_tokens,
        vector_flop=CONVERT_FLOP * elements,
        activation_bytes=elements * (ACTIVATION_BYTES + shape.cache_bytes),
    )


def size_features(rows: pl.DataFrame, shape: HeadShape, chips: Chips) -> list[Float[np.ndarray, "rows"]]:
    """Counts, formats, and how units of work fit the cores."""
    cores = of_chip(rows, chips, "cores_count")
    counts = (shape.sequences, shape.tokens, shape.keys, shape.heads, shape.kv_heads, shape.group, shape.dim)
    units, queries = shape.sequences * shape.kv_heads, shape.sequences * shape.heads
    fp8 = (rows["dtype"] == "fp8").cast(pl.Float64).to_numpy()
    return [
        *(log2(one) for one in (*counts, units, queries)),
        log2(shape.tokens / shape.keys),
        shape.cache_bytes,
        fp8,
        *fill(units, cores),
        *fill(queries, cores),
    ]


def refusal(rows: pl.DataFrame, chip: ChipDesign, length: str) -> pl.Series:
    """Formats that are not known or that the chip lacks, heads that do not divide, sizes that are none.

    Args:
        rows: Rows of a table of attention.
        chip: Chip to be timed.
        length: Column of the sequence length.
    """
    math, cache = pl.col("dtype").fill_null("null"), pl.col("kv_dtype").fill_null("null")
    unknown = ~math.is_in(list(MATH)) | ~cache.is_in(list(CACHE_BYTES))
    no_size = pl.any_horizontal((pl.col(name).fill_null(0) < 1) for name in (*SIZES, length))
    reason = (
        pl.when(unknown)
        .then(pl.format("dtype {} with kv_dtype {} is not known; known: " + ", ".join(MATH), math, cache))
        .when(no_size | (pl.col("window").fill_null(-1) < 0))
        .then(pl.lit(f"{', '.join((*SIZES, length))} must be whole numbers above 0, window 0 or more"))
        .when(pl.col("heads") % pl.col("kv_heads") != 0)
        .then(pl.lit("heads must be a multiple of kv_heads"))
        .when((math == "fp8") & (cache != "fp8"))
        .then(pl.lit("dtype fp8 needs kv_dtype fp8"))
        .when((math == "fp8") & (chip.fp8_rate_ratio <= 0.0))
        .then(pl.lit(f"{chip.name} has no matrix rate at fp8, which dtype fp8 needs"))
    )
    return rows.select(reason=reason)["reason"]


def log2(values: Float[np.ndarray, "rows"]) -> Float[np.ndarray, "rows"]:
    """Log of something above 0; the smallest that is told apart is `LEAST_RATIO`."""
    return np.asarray(np.log2(np.maximum(values, LEAST_RATIO)))


def fill(items: Float[np.ndarray, "rows"], cores: Float[np.ndarray, "rows"]) -> tuple[Float[np.ndarray, "rows"], ...]:
    """Waves of items over the cores, and how full they are on average."""
    waves = items / cores
    return log2(waves), waves / np.ceil(waves)


def _known(rows: pl.DataFrame, column: str, values: Mapping[str, str] | Mapping[str, float]) -> pl.Series:
    unknown = sorted(set(rows[column].unique().to_list()) - set(values))
    if unknown:
        raise UnreadableTable(f"attention {column} {unknown[0]!r} is not known; known: {', '.join(values)}")
    return rows[column].replace_strict(dict(values))
