"""A replay with the fast scheduler: compiled on first use, cached on disk under a stamp of all files it is made of."""

from typing import Any

import numpy as np
from numba import njit

from hwmodel.serving.bins import Bins, fresh_bins
from hwmodel.serving.engine import CallTimes, EngineCalls, EngineRun, EngineSettings, owners_of
from hwmodel.serving.fast.jit import UNCOUNTED
from hwmodel.serving.fast.loop import run
from hwmodel.serving.fast.records import DECODING
from hwmodel.serving.fast.state import Machine, machine_of, row_blocks
from hwmodel.serving.per_cost import PerCost
from hwmodel.serving.step_log import StepLog


def replay_fast(
    calls: EngineCalls,
    settings: EngineSettings,
    cost: Any,
    *,
    replicas_count: int = 1,
    bins: Bins | None = None,
    surface: np.ndarray | None = None,
    log: StepLog | None = None,
) -> EngineRun:
    """Serve the calls; equal to the literal replay in every time and count.

    Args:
        calls: What is asked.
        settings: Engine and router.
        cost: A step cost that `step_ns` knows.
        replicas_count: Equal replicas.
        bins: Counters to fill; none are kept if left out.
        surface: Product surface of each call, for the counters.
        log: Room for the steps of a window, filled in order; none are kept if left out.

    Raises:
        UnknownCost: Nobody said how long a step takes under this kind of cost.
    """
    owners = owners_of(calls, block_tokens=settings.block_tokens, prefix_caching=settings.prefix_caching)
    machine = machine_of(
        calls,
        owners,
        settings,
        replicas_count=replicas_count,
        cost=cost,
        bins=fresh_bins(counting=False) if bins is None else bins,
        surface=surface,
        wants_longest=bool(getattr(cost, "WANTS_LONGEST", False)),
        log=log,
    )
    run_machine(machine)
    return run_of(machine)


def run_machine(machine: Machine) -> None:
    """Replay what a machine was made for; its arrays hold the end of it."""
    _RUNS.of(type(machine.cost))(machine)


def run_of(machine: Machine) -> EngineRun:
    """What a machine that has run says of every call."""
    calls = machine.calls
    columns = {name: np.empty(calls.size, dtype=np.int64) for name in CallTimes.__slots__}
    for rows in row_blocks(calls.size):
        for name, column in columns.items():
            column[rows] = calls[name][rows]
        _count_unfinished(columns["generated_tokens"][rows], calls[rows], machine.replicas["step"])
    return EngineRun(
        times=CallTimes(**columns),
        steps_count=int(machine.clock["steps"][0]),
        busy_ns=machine.replicas["busy_ns"].copy(),
        computed_tokens=int(machine.clock["computed_tokens"][0]),
    )


def _count_unfinished(generated: np.ndarray, calls: np.ndarray, steps: np.ndarray) -> None:
    """Of a call that still decodes, the record holds what it had when it began to."""
    still = np.flatnonzero(calls["place"] == DECODING)
    open_calls = calls[still]
    step = steps[open_calls["replica"]]
    steps_left = open_calls["finish_step"] - (open_calls["stalled_step"] == step) - step + 1
    generated[still] = open_calls["output_tokens"] - steps_left


def _compiled_run(stamp: int, kept: bool) -> Any:
    @njit(cache=kept, **UNCOUNTED)
    def stamped(machine: Any) -> int:
        run(machine)
        return stamp

    return stamped


_RUNS = PerCost(_compiled_run)
