"""A measured call as the kernels that it runs one after another, and what the chip model says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.kernels.batch import MATH_DTYPES, KernelBatch
from hwmodel.timing import TimingConstants, time_kernels
from hwmodel.timing.collective import SMALLEST_RANKS
from hwmodel.timing.evaluate import BINDING_PARTS
from warehouse.contracts.vocabulary import KernelFamily

PARTS = tuple(part for _, part in BINDING_PARTS)
"""Parts of a kernel's time, in the order of the laws."""
NUMBERS = (
    *("m", "n", "k", "work_flop", "vector_flop", "exponent_count", "weight_bytes", "activation_bytes", "link_bytes"),
    *("prefill_share", "repeat_count", "groups_count", "spread_log", "parallel_count", "ranks_count"),
)
ONE_UNLESS_SAID = ("repeat_count", "groups_count", "parallel_count", "ranks_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One kernel of every measured row, in order of the rows."""

    batch: KernelBatch
    runs: Bool[np.ndarray, "rows"]
    """Rows in which this kernel runs at all."""
    resident_bytes: Float[np.ndarray, "rows"] | None = None
    """What the repeated call touches again and again, where it may stay in L2; cold if not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Physics:
    """What the chip model says of each measured row; arrays have one entry per row."""

    latency_s: Float[np.ndarray, "rows"]
    """Closed form: all kernels of the call, one after another."""
    bound_s: Float[np.ndarray, "rows"]
    """Roofline of the first kernel: its matrix peak, its bytes once through HBM, its message once over the link."""
    hbm_bound_s: Float[np.ndarray, "rows"]
    """The part of that bound that HBM sets."""
    parts: Mapping[str, Float[np.ndarray, "rows"]]
    """Parts of every kernel, as `0.matrix_s`."""


def call(
    family: KernelFamily,
    size: int,
    *,
    math: Sequence[str] | None = None,
    runs: Bool[np.ndarray, "rows"] | None = None,
    name: str | None = None,
    resident_bytes: Float[np.ndarray, "rows"] | None = None,
    **columns: Float[np.ndarray, "rows"],
) -> Call:
    """One kernel per row; columns that are not named are 0, counts 1.

    Args:
        family: Law of the kernel.
        size: Number of rows.
        math: One of `MATH_DTYPES` per row; bf16 if not said.
        runs: Rows in which it runs; all if not said.
        name: Name of the kernel; the family's if not said (an all-reduce is told by its name).
        resident_bytes: See `Call`.
        columns: Numbers of `KernelBatch`.
    """
    numbers = {column: np.full(size, 1.0 if column in ONE_UNLESS_SAID else 0.0) for column in NUMBERS}
    code = {dtype: position for position, dtype in enumerate(MATH_DTYPES)}
    batch = KernelBatch(
        names=(name or family.value,),
        name_code=np.zeros(size, dtype=np.int64),
        family_code=np.full(size, tuple(KernelFamily).index(family), dtype=np.int64),
        state=np.arange(size),
        math_dtype_code=np.array([code[dtype] for dtype in math or ["bf16"] * size], dtype=np.int64),
        **(numbers | columns),
    )
    return Call(batch=batch, runs=np.ones(size, dtype=bool) if runs is None else runs, resident_bytes=resident_bytes)


class CallSheet:
    """The calls of many rows, sorted by chip once and timed under as many constants as a fit asks for."""

    def __init__(
        self, rows: pl.DataFrame, calls: Sequence[Call], chips: Mapping[str, ChipDesign], *, is_timed: bool = False
    ) -> None:
        """Rows with a column `chip`, their calls, and the design of every chip that they name.

        Somebody timed the smallest all-reduce of all those chips, where they are timed; else it follows the clock.
        """
        names = rows["chip"].to_numpy()
        self._size, self._is_timed = len(rows), is_timed
        self._by_chip = [
            (chips[chip], at, [(one.batch.take(at), one.runs[at], _resident(one)[at]) for one in calls])
            for chip in sorted(set(names))
            for at in [np.flatnonzero(names == chip)]
        ]

    def latency_s(self, constants: TimingConstants) -> Float[np.ndarray, "rows"]:
        """Closed form alone."""
        return self.physics(constants).latency_s

    def physics(self, constants: TimingConstants) -> Physics:
        """From a cold L2, as collectors measure; the chip's launch latency is the model's, not the measured one."""
        latency_s, bound_s, hbm_bound_s = (np.zeros(self._size) for _ in range(3))
        parts: dict[str, np.ndarray] = {}
        for chip, at, kernels in self._by_chip:
            table = DesignTable.of([unmeasured(chip, constants, is_timed=self._is_timed)])
            bound_s[at], hbm_bound_s[at] = _roofline_s(kernels[0][0], table)
            for position, (batch, runs, resident) in enumerate(kernels):
                timing = time_kernels(table, batch, constants, resident_bytes=resident)
                latency_s[at] += np.where(runs, timing.latency_s[0], 0.0)
                for part in PARTS:
                    told = parts.setdefault(f"{position}.{part}", np.zeros(self._size))
                    told[at] = np.where(runs, getattr(timing, part)[0], 0.0)
        return Physics(latency_s=np.maximum(latency_s, bound_s), bound_s=bound_s, hbm_bound_s=hbm_bound_s, parts=parts)


def unmeasured(chip: ChipDesign, constants: TimingConstants, *, is_timed: bool = False) -> ChipDesign:
    """The chip as its sheet alone describes it: latencies of launches and of the smallest all-reduce follow its clock.

    Args:
        chip: As the catalogue has it.
        constants: Clocks of both.
        is_timed: Its smallest all-reduce was timed, and stays.
    """
    launch_s = constants.launch_clk / chip.clock_hz + constants.launch_s
    turns = SMALLEST_RANKS if chip.fabric == "host" else 1.0
    collective_s = chip.collective_latency_s if is_timed else turns * constants.collective_clk / chip.clock_hz
    return replace(chip, launch_latency_s=launch_s, collective_latency_s=collective_s)


def _resident(one: Call) -> Float[np.ndarray, "rows"]:
    return np.full(len(one.batch), np.inf) if one.resident_bytes is None else one.resident_bytes


def _roofline_s(batch: KernelBatch, table: DesignTable) -> tuple[Float[np.ndarray, "rows"], Float[np.ndarray, "rows"]]:
    """Ideal time of a kernel, and the part of it that HBM sets."""
    ratios = (np.ones(1), table.fp8_rate_ratio, table.fp4_rate_ratio, table.int8_rate_ratio)
    vector = float(table.vector_flop_per_clk[0] / table.matrix_flop_per_clk[0])
    narrow = np.array([*(max(float(ratio[0]), 1.0) for ratio in ratios), vector])
    peak = table.cores_count[0] * table.matrix_flop_per_clk[0] * table.clock_hz[0] * narrow[batch.math_dtype_code]
    hbm_s = (batch.weight_bytes + batch.activation_bytes) / table.hbm_bytes_per_s[0]
    share = np.where(batch.ranks_count > 1.0, (batch.ranks_count - 1.0) / batch.ranks_count, 0.0)
    reduces = np.array([name.endswith("all_reduce") for name in batch.names])[batch.name_code]
    reduced = np.where(share > 0.0, 1.0, 0.0) if table.fabric[0] == "reducing_switch" else 2.0 * share
    link_s = np.where(reduces, reduced, share) * batch.link_bytes / table.link_bytes_per_s[0]
    return np.maximum(np.maximum(batch.work_flop / peak, hbm_s), link_s), hbm_s
