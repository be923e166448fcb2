"""Random legal designs and kernels for the properties of the timing model."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from hwmodel.catalog import FABRICS, ChipDesign, DesignTable, design_of, load_catalog
from hwmodel.kernels import KernelBatch
from tests.hwmodel.timing.batches import batch_of

Sizes = dict[str, np.ndarray]
WEIGHT_BYTES = np.array([2.0, 1.0, 0.53125, 1.0, 4.0])

LARGER_IS_BETTER = (
    "cores_count",
    "matrix_flop_per_clk",
    "fp8_rate_ratio",
    "fp4_rate_ratio",
    "int8_rate_ratio",
    "vector_flop_per_clk",
    "exponent_per_clk",
    "smem_bytes",
    "l2_bytes",
    "l2_bytes_per_clk",
    "hbm_stacks_count",
    "hbm_stack_bytes_per_s",
    "link_bytes_per_s",
    "link_world_count",
    "overlap_exponent",
    "clock_hz",
)
FIXED_CLOCK_W = 1e9
"""Power that no design draws: properties hold at a fixed clock."""

SMALLER_IS_BETTER = ("collective_latency_s", "launch_latency_s")


def h100() -> ChipDesign:
    return design_of(load_catalog().chip("h100-sxm"))


def random_designs(rng: np.random.Generator, size: int) -> DesignTable:
    """Designs within a factor of four around H100 in every number, some without narrow data types."""
    base = DesignTable.of([h100()] * size)
    numbers = {
        name: getattr(base, name) * np.exp(rng.uniform(-1.4, 1.4, size))
        for name in (*LARGER_IS_BETTER, *SMALLER_IS_BETTER)
    }
    for name in ("fp8_rate_ratio", "fp4_rate_ratio", "int8_rate_ratio"):
        numbers[name] = rng.choice([0.0, 0.5, 1.0, 2.0, 4.0], size)
    for name in ("cores_count", "hbm_stacks_count", "link_world_count"):
        numbers[name] = np.maximum(np.round(numbers[name]), 1.0)
    numbers["overlap_exponent"] = rng.uniform(1.0, 10.0, size)
    fabric = tuple(str(name) for name in rng.choice(FABRICS, size))
    return replace(base, **numbers, fabric=fabric, tdp_w=np.full(size, FIXED_CLOCK_W))


def _log_uniform(rng: np.random.Generator, low: float, high: float, size: int) -> np.ndarray:
    return np.round(np.exp(rng.uniform(np.log(low), np.log(high), size)))


def gemm_sizes(rng: np.random.Generator, size: int) -> Sizes:
    return {
        "m": _log_uniform(rng, 1, 20_000, size),
        "n": _log_uniform(rng, 16, 40_000, size),
        "k": _log_uniform(rng, 16, 40_000, size),
        "groups": _log_uniform(rng, 1, 200, size) * rng.choice([1.0, 1.3], size),
    }


def grouped_kernels(sizes: Sizes, dtype_code: int) -> KernelBatch:
    return gemm_kernels(
        sizes, dtype_code, family="moe_gemm", spread_log=np.resize([0.0, 1e-3, 0.5, 2.0, 7.0], sizes["m"].size)
    )


def gemm_kernels(
    sizes: Sizes, dtype_code: int, *, family: str = "gemm", spread_log: np.ndarray | float = 0.0
) -> KernelBatch:
    m, n, k, groups = (sizes[name] for name in ("m", "n", "k", "groups"))
    width = WEIGHT_BYTES[dtype_code]
    return batch_of(
        family,
        m.size,
        spread_log=spread_log,
        dtype_code=dtype_code,
        m=m,
        n=n,
        k=k,
        groups_count=groups,
        work_flop=2.0 * m * n * k * groups,
        weight_bytes=groups * n * k * width,
        activation_bytes=groups * m * (k * width + 2.0 * n),
    )


def decode_sizes(rng: np.random.Generator, size: int) -> Sizes:
    return {
        "sequences": _log_uniform(rng, 1, 512, size),
        "kv_heads": _log_uniform(rng, 1, 16, size),
        "group": _log_uniform(rng, 1, 128, size),
        "keys": _log_uniform(rng, 1, 500_000, size) + rng.choice([0.0, 0.5], size),
        "dim": rng.choice([64.0, 128.0, 256.0, 576.0], size),
    }


def decode_kernels(sizes: Sizes, _dtype_code: int) -> KernelBatch:
    items = sizes["sequences"] * sizes["kv_heads"]
    scores = items * sizes["group"] * sizes["keys"]
    return batch_of(
        "attention_decode",
        items.size,
        m=sizes["group"],
        n=sizes["keys"],
        k=sizes["dim"],
        parallel_count=items,
        work_flop=4.0 * scores * sizes["dim"],
        vector_flop=6.0 * scores,
        exponent_count=scores,
        weight_bytes=4.0 * items * sizes["keys"] * sizes["dim"],
        activation_bytes=4.0 * items * sizes["group"] * sizes["dim"],
    )


def prefill_sizes(rng: np.random.Generator, size: int) -> Sizes:
    return {
        "heads": _log_uniform(rng, 1, 128, size),
        "queries": _log_uniform(rng, 1, 40_000, size),
        "context": _log_uniform(rng, 1, 200_000, size) - 1.0,
        "dim": rng.choice([64.0, 128.0, 192.0, 256.0], size),
    }


def prefill_kernels(sizes: Sizes, _dtype_code: int) -> KernelBatch:
    queries, context, heads, dim = (sizes[name] for name in ("queries", "context", "heads", "dim"))
    pairs = heads * (queries * context + queries * (queries + 1.0) / 2.0)
    return batch_of(
        "attention_prefill",
        queries.size,
        m=queries,
        n=queries + context,
        k=dim,
        groups_count=np.resize([1.0, 4.0, 16.0], queries.size),
        parallel_count=heads,
        work_flop=4.0 * pairs * dim,
        vector_flop=6.0 * pairs,
        exponent_count=pairs,
        weight_bytes=4.0 * context * heads * dim,
        activation_bytes=8.0 * queries * heads * dim,
    )


def row_sizes(rng: np.random.Generator, size: int) -> Sizes:
    return {"rows": _log_uniform(rng, 1, 50_000, size), "width": _log_uniform(rng, 16, 200_000, size)}


def row_kernels(sizes: Sizes, _dtype_code: int) -> KernelBatch:
    elements = sizes["rows"] * sizes["width"]
    return batch_of(
        "vector",
        elements.size,
        parallel_count=sizes["rows"],
        vector_flop=6.0 * elements,
        exponent_count=elements,
        activation_bytes=4.0 * elements,
    )


def collective_sizes(rng: np.random.Generator, size: int) -> Sizes:
    return {"bytes": _log_uniform(rng, 1, 1e10, size), "ranks": rng.integers(2, 72, size).astype(np.float64)}


def collective_kernels(sizes: Sizes, _dtype_code: int) -> KernelBatch:
    ranks = sizes["ranks"]
    return batch_of("collective", ranks.size, link_bytes=sizes["bytes"], ranks_count=ranks)


FAMILIES: dict[str, tuple[Callable[[np.random.Generator, int], Sizes], Callable[[Sizes, int], KernelBatch]]] = {
    "gemm": (gemm_sizes, gemm_kernels),
    "moe_gemm": (gemm_sizes, grouped_kernels),
    "attention_decode": (decode_sizes, decode_kernels),
    "attention_prefill": (prefill_sizes, prefill_kernels),
    "vector": (row_sizes, row_kernels),
    "collective": (collective_sizes, collective_kernels),
}


def with_column(designs: DesignTable, name: str, values: np.ndarray) -> DesignTable:
    """The designs with one column changed."""
    changed: dict[str, Any] = {name: values}
    return replace(designs, **changed)


def rows_of(batch: KernelBatch, at: np.ndarray) -> KernelBatch:
    """Some kernels of a batch, in the order given."""
    return replace(batch, **{f.name: getattr(batch, f.name)[at] for f in fields(batch) if f.name != "names"})
