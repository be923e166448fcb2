"""The suite `timing-speed`: how fast kernels are timed."""

from dataclasses import replace

import numpy as np

from hwmodel.catalog import Deployment, DesignTable, design_of, load_catalog
from hwmodel.kernels import kernel_inventory
from hwmodel.serving import decode_states
from hwmodel.timing import time_kernels
from pipelines.bench.rows import BenchRow, spent

DESIGNS_COUNT = 1000


def timing_speed(*, full: bool = False) -> list[BenchRow]:  # noqa: ARG001 - nothing here takes long
    """Kernel evaluations per CPU second, each the least over all tilings and splits; the bar is 500,000."""
    llm, chip = load_catalog().llm("gpt-oss-120b"), design_of(load_catalog().chip("h100-sxm"))
    sequences = 2.0 ** np.arange(0, 11)
    kernels = kernel_inventory(llm, Deployment(tp_count=2), decode_states(sequences, np.full_like(sequences, 4096.0)))
    rng = np.random.default_rng(0)
    designs = DesignTable.of([replace(chip, clock_hz=chip.clock_hz * f) for f in rng.uniform(0.5, 1.5, DESIGNS_COUNT)])
    time_kernels(designs.take(np.arange(2)), kernels)
    took, _ = spent(lambda: time_kernels(designs, kernels))
    case = f"{DESIGNS_COUNT:,} designs x {len(kernels)} kernels"
    rate = DESIGNS_COUNT * len(kernels) / took.cpu_s
    return [_row("timing-speed", case, rate, "evaluations/CPU-s", "bar of the silicon work", 5e5)]


def _row(suite: str, case: str, value: float, unit: str, against: str, against_value: float | None) -> BenchRow:  # noqa: PLR0917 - one table row
    return BenchRow(suite=suite, case=case, value=value, unit=unit, against=against, against_value=against_value)
