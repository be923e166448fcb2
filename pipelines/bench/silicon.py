"""The suite `timing-speed`: how fast kernels are timed."""

import tracemalloc
from dataclasses import fields, replace

import numpy as np
from jaxtyping import Float, Int

from hwmodel.catalog import Deployment, DesignTable, design_of, load_catalog
from hwmodel.kernels import kernel_inventory
from hwmodel.kernels.batch import KernelBatch
from hwmodel.serving import decode_states
from hwmodel.timing import time_kernels
from pipelines.bench.rows import BenchRow, spent

DESIGNS_COUNT, KERNELS_COUNT = 1000, 300
CONTEXT_TOKENS = 4096.0
MOST_SEQUENCES = 1024


def timing_speed(*, full: bool = False) -> list[BenchRow]:  # noqa: ARG001 - nothing here takes long
    """Kernel evaluations per CPU second, each the least over all tilings and splits, and one grid's time and memory."""
    designs = _designs()
    few = _kernels(2.0 ** np.arange(0, 11))
    grid = _kernels(np.unique(np.geomspace(1.0, MOST_SEQUENCES, 2 * KERNELS_COUNT).round()))
    few, grid = few.take(_distinct(few)), grid.take(_distinct(grid)[:KERNELS_COUNT])
    time_kernels(designs.take(np.arange(2)), few)
    took, _ = spent(lambda: time_kernels(designs, few))
    rate = DESIGNS_COUNT * len(few) / took.cpu_s
    whole, _ = spent(lambda: time_kernels(designs, grid))
    tracemalloc.start()
    time_kernels(designs, grid)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    few_case, case = (f"{DESIGNS_COUNT:,} designs x {len(one)} distinct kernels" for one in (few, grid))
    return [
        _row(few_case, rate, "evaluations/CPU-s", 5e5),
        _row(case, whole.cpu_s, "CPU-s", 1.0),
        _row(case, peak_bytes / 1e9, "GB at the peak", 2.0),
    ]


def _designs() -> DesignTable:
    chip = design_of(load_catalog().chip("h100-sxm"))
    rng = np.random.default_rng(0)
    return DesignTable.of([replace(chip, clock_hz=chip.clock_hz * f) for f in rng.uniform(0.5, 1.5, DESIGNS_COUNT)])


def _kernels(sequences: Float[np.ndarray, "states"]) -> KernelBatch:
    llm = load_catalog().llm("gpt-oss-120b")
    states = decode_states(sequences, np.full_like(sequences, CONTEXT_TOKENS))
    return kernel_inventory(llm, Deployment(tp_count=2), states)


def _distinct(kernels: KernelBatch) -> Int[np.ndarray, "distinct"]:
    """Positions of kernels that differ in more than the step that they belong to."""
    columns = [getattr(kernels, one.name) for one in fields(kernels) if one.name not in {"names", "state"}]
    return np.sort(np.unique(np.stack(columns, axis=1), axis=0, return_index=True)[1])


def _row(case: str, value: float, unit: str, limit: float) -> BenchRow:
    against = "bar of the silicon work"
    return BenchRow(suite="timing-speed", case=case, value=value, unit=unit, against=against, against_value=limit)
