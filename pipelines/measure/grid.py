"""Which kernels are measured: shapes that serving large language models needs, as far as they fit into memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import polars as pl

FAMILIES = ("gemm", "attn_prefill", "attn_decode", "quantise")
"""Families of tables that can be measured: products, attention over a prompt and of one new token, and the
quantisation of activations that comes before products in narrow formats."""
NARROW_DTYPE = "fp8"
BFLOAT16 = "bfloat16"
WIDTH_BYTES: Mapping[str, int] = MappingProxyType({BFLOAT16: 2, NARROW_DTYPE: 1, "int8": 1})
MEMORY_RATIO = 0.4
"""Share of the memory that one kernel's operands may take: some are held twice while they are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The numbers that grids are made of."""

    rows: tuple[int, ...]
    """Rows of activations: tokens in a step."""
    weights: tuple[tuple[int, int], ...]
    """Columns and depth (n, k) of products."""
    heads: tuple[tuple[int, int, int], ...]
    """Query heads, key-value heads and their width, on one GPU."""
    batches: tuple[int, ...]
    prompts: tuple[int, ...]
    """Tokens of each sequence, all of them new."""
    contexts: tuple[int, ...]
    """Tokens of each sequence, one of them new."""
    most_prompt_tokens: int
    """Over the batch. So the next."""
    most_context_tokens: int


SERVING = Sizes(
    rows=(1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192, 16384),
    weights=(
        *((1024, 1024), (1024, 4096), (4096, 1024), (2048, 2048), (1280, 5120), (5120, 1280)),
        *((4096, 4096), (6144, 4096), (28672, 4096), (4096, 14336), (3584, 4096), (4096, 1792)),
        *((1280, 8192), (8192, 1024), (7168, 8192), (8192, 3584), (10240, 8192), (8192, 8192)),
        *((57344, 8192), (8192, 28672), (2112, 7168), (24576, 1536), (7168, 2048), (16384, 16384)),
    ),
    heads=(
        *((32, 8, 128), (16, 4, 128), (8, 2, 128), (4, 1, 128), (64, 8, 128), (16, 2, 128), (8, 1, 128)),
        *((32, 32, 128), (16, 16, 128), (64, 8, 64), (16, 2, 64), (28, 4, 128)),
    ),
    batches=(1, 2, 4, 8, 16, 32, 64, 128, 256),
    prompts=(16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384),
    contexts=(2, 128, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072),
    most_prompt_tokens=65536,
    most_context_tokens=2**21,
)
"""Widths of 7 to 70 billion parameters, whole and split, and of latent-attention models."""
TRIAL = Sizes(
    rows=(1, 16),
    weights=((64, 64), (128, 64)),
    heads=((4, 1, 32), (4, 4, 32)),
    batches=(1, 2),
    prompts=(16, 64),
    contexts=(2, 128),
    most_prompt_tokens=128,
    most_context_tokens=256,
)
"""A second's work for a CPU."""


def grid(family: str, sizes: Sizes, dtypes: frozenset[str], memory_bytes: int) -> pl.DataFrame:
    """The key columns of a family's kernels that fit.

    Args:
        family: One of `FAMILIES`.
        sizes: What to put together.
        dtypes: Formats that matrices can be multiplied in.
        memory_bytes: Of the device.
    """
    makers = {"gemm": _products, "attn_prefill": _prompts, "attn_decode": _contexts, "quantise": _quantised}
    rows = makers[family](sizes, sorted(dtypes & set(WIDTH_BYTES)))
    fits = operand_bytes(family) <= MEMORY_RATIO * memory_bytes
    return rows.filter(fits).with_columns(pl.col(pl.Int64).cast(pl.Int32))


def operand_bytes(family: str) -> pl.Expr:
    """Bytes that a kernel's operands and result take."""
    width = pl.col("dtype").replace_strict(dict(WIDTH_BYTES), return_dtype=pl.Float64)
    size = {name: pl.col(name).cast(pl.Float64) for name in KEYS[family] if name not in {"dtype", "kv_dtype"}}
    if family == "gemm":
        m, n, k = size["m"], size["n"], size["k"]
        narrowed = pl.when(pl.col("dtype") == BFLOAT16).then(0.0).otherwise(width)
        return (2.0 + narrowed) * m * k + width * n * k + 2.0 * m * n
    if family == "quantise":
        return (width + 2.0) * size["m"] * size["k"]
    tokens = size["kv_len"] if family == "attn_decode" else size["seq"]
    queries = 1.0 if family == "attn_decode" else tokens
    return 4.0 * size["batch"] * size["head_dim"] * (size["heads"] * queries + size["kv_heads"] * tokens)


def _heads(length: str) -> tuple[str, ...]:
    return ("dtype", "kv_dtype", "batch", length, "heads", "kv_heads", "head_dim", "window")


KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "gemm": ("dtype", "m", "n", "k"),
        "attn_prefill": _heads("seq"),
        "attn_decode": _heads("kv_len"),
        "quantise": ("dtype", "m", "k"),
    }
)
"""Columns that name a kernel, as the published tables have them."""


def _products(sizes: Sizes, dtypes: Sequence[str]) -> pl.DataFrame:
    kept = [dtype for dtype in dtypes if dtype in {BFLOAT16, NARROW_DTYPE}]
    shapes = [(dtype, m, n, k) for dtype, m, (n, k) in product(kept, sizes.rows, sizes.weights)]
    return pl.DataFrame(shapes, schema=KEYS["gemm"], orient="row")


def _prompts(sizes: Sizes, _: Sequence[str]) -> pl.DataFrame:
    return _attention("attn_prefill", sizes, sizes.prompts, sizes.most_prompt_tokens)


def _contexts(sizes: Sizes, _: Sequence[str]) -> pl.DataFrame:
    return _attention("attn_decode", sizes, sizes.contexts, sizes.most_context_tokens)


def _attention(family: str, sizes: Sizes, lengths: Sequence[int], most_tokens: int) -> pl.DataFrame:
    shapes = [
        (BFLOAT16, BFLOAT16, batch, length, *heads, 0)
        for batch, length, heads in product(sizes.batches, lengths, sizes.heads)
        if batch * length <= most_tokens
    ]
    return pl.DataFrame(shapes, schema=KEYS[family], orient="row")


def _quantised(sizes: Sizes, dtypes: Sequence[str]) -> pl.DataFrame:
    depths = sorted({k for _, k in sizes.weights})
    kept = [dtype for dtype in (*dtypes, "int8") if dtype != BFLOAT16]
    return pl.DataFrame(list(product(dict.fromkeys(kept), sizes.rows, depths)), schema=KEYS["quantise"], orient="row")
