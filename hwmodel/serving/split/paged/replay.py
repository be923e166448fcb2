"""A replay with compiled prefill and decode replicas: exact, at a cost per step that grows with the batch."""

from typing import Any

import numpy as np
from numba import njit

from hwmodel.serving.engine import CallTimes, EngineCalls, EngineSettings, owners_of
from hwmodel.serving.fast.jit import UNCOUNTED
from hwmodel.serving.per_cost import PerCost
from hwmodel.serving.split.host import HostTier
from hwmodel.serving.split.paged.loop import run
from hwmodel.serving.split.paged.state import Machine, first_events, machine_of, one_pool, pools_of
from hwmodel.serving.split.run import HandOvers, HostedRun, SplitRun
from hwmodel.serving.split.settings import SplitSettings, refuse_hosted, refuse_leavers


def replay_split(calls: EngineCalls, settings: SplitSettings, prefill_cost: Any, decode_cost: Any) -> SplitRun:
    """Serve the calls on prefill and decode replicas; equal to the literal replay in every time and count.

    Args:
        calls: What is asked, by users who stay.
        settings: Both pools and the links.
        prefill_cost: A step cost that `step_ns` knows.
        decode_cost: Another of the same kind.

    Raises:
        BadCalls: A user may leave.
        UnknownCost: Nobody said how long a step takes under this kind of cost.
    """
    refuse_leavers(calls)
    engine = settings.prefill
    owners = owners_of(calls, block_tokens=engine.block_tokens, prefix_caching=engine.prefix_caching)
    machine = machine_of(calls, owners, pools_of(settings), prefill_cost=prefill_cost, decode_cost=decode_cost)
    first_events(machine, calls)
    run_machine(machine)
    return _told(machine)


def replay_hosted(
    calls: EngineCalls, settings: EngineSettings, cost: Any, host: HostTier, *, replicas_count: int = 1
) -> HostedRun:
    """Serve the calls on replicas with a tier of cache in host memory; equal to the literal replay.

    Args:
        calls: What is asked, by users who stay.
        settings: Of every replica, and the router before them.
        cost: A step cost that `step_ns` knows.
        host: Host memory of each replica.
        replicas_count: Equal replicas.

    Raises:
        BadCalls: A user may leave.
        BadSettings: Calls yield to urgent ones, or are admitted where only a part fits.
        UnknownCost: Nobody said how long a step takes under this kind of cost.
    """
    refuse_leavers(calls)
    refuse_hosted(settings)
    owners = owners_of(calls, block_tokens=settings.block_tokens, prefix_caching=settings.prefix_caching)
    pools = one_pool(settings, replicas_count, host)
    machine = machine_of(calls, owners, pools, prefill_cost=cost, decode_cost=cost)
    first_events(machine, calls)
    run_machine(machine)
    told = _told(machine)
    return HostedRun(
        times=told.times,
        steps_count=told.steps_count,
        busy_ns=told.busy_ns,
        computed_tokens=told.computed_tokens,
        loaded_blocks=machine.calls["loaded_blocks"].copy(),
        host_tokens=machine.calls["host_tokens"].copy(),
    )


def run_machine(machine: Machine) -> None:
    """Replay what a machine was made for; its arrays hold the end of it."""
    _RUNS.of(type(machine.prefill_cost))(machine)


def _told(machine: Machine) -> SplitRun:
    size = machine.limits.calls_count
    calls, main, twin = machine.calls, machine.parts[:size], machine.parts[size:]
    was_handed = (calls["first_ns"] >= 0) & (twin["replica"] >= 0)
    columns = {name: main[name].copy() for name in ("requested_ns", "scheduled_ns", "cached_tokens", "replica")}
    columns |= {name: calls[name].copy() for name in ("first_ns", "last_ns", "outcome")}
    columns["generated_tokens"] = np.where(was_handed, twin["generated_tokens"], main["generated_tokens"])
    columns["preemptions_count"] = np.where(was_handed, twin["preemptions_count"], main["preemptions_count"])
    replica = twin["replica"]
    return SplitRun(
        times=CallTimes(**columns),
        hand_overs=HandOvers(
            room_ns=calls["room_ns"].copy(),
            arrived_ns=calls["arrived_ns"].copy(),
            decoding_ns=twin["scheduled_ns"].copy(),
            sent_tokens=calls["sent_tokens"].copy(),
            replica=np.where(replica >= 0, replica - machine.limits.prefill_count, replica),
        ),
        steps_count=int(machine.clock["steps"][0]),
        busy_ns=machine.replicas["busy_ns"].copy(),
        computed_tokens=int(machine.clock["computed_tokens"][0]),
    )


def _compiled_run(stamp: int, kept: bool) -> Any:
    @njit(cache=kept, **UNCOUNTED)
    def stamped(machine: Any) -> int:
        run(machine)
        return stamp

    return stamped


_RUNS = PerCost(_compiled_run)
