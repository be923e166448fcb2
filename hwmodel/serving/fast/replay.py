"""A replay with the fast scheduler: compiled on first use, cached on disk under a stamp of all files it is made of."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from hwmodel.serving.bins import Bins, fresh_bins
from hwmodel.serving.engine import CallTimes, EngineCalls, EngineRun, EngineSettings, owners_of
from hwmodel.serving.fast.jit import UNCOUNTED
from hwmodel.serving.fast.loop import run
from hwmodel.serving.fast.state import DECODING, Machine, machine_of
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
    _run(machine)
    return run_of(machine)


def run_of(machine: Machine) -> EngineRun:
    """What a machine that has run says of every call."""
    calls = machine.calls
    still = calls["place"] == DECODING
    step = machine.replicas["step"][calls["replica"]]
    so_far = calls["output_tokens"] - (calls["finish_step"] - (calls["stalled_step"] == step) - step + 1)
    names = ("requested_ns", "scheduled_ns", "first_ns", "last_ns", "cached_tokens", "preemptions_count", "replica")
    columns = {name: calls[name].copy() for name in (*names, "outcome")}
    return EngineRun(
        times=CallTimes(generated_tokens=np.where(still, so_far, calls["generated_tokens"]), **columns),
        steps_count=int(machine.clock["steps"][0]),
        busy_ns=machine.replicas["busy_ns"].copy(),
        computed_tokens=int(machine.clock["computed_tokens"][0]),
    )


def _compiled_run(sources_stamp: int) -> Any:
    """Numba renews a cached function when its own file changes, not when a file that it calls changes.

    A captured variable is part of the key, and the functions in the other files are not cached by themselves.
    """

    @njit(cache=True, **UNCOUNTED)
    def stamped(machine: Any) -> int:
        run(machine)
        return sources_stamp

    return stamped


def _sources_stamp() -> int:
    """Checksum of the files of the serving room."""
    sources = sorted(Path(__file__).parent.parent.rglob("*.py"))
    return zlib.crc32(b"".join(path.read_bytes() for path in sources))


_run = _compiled_run(_sources_stamp())
