"""A replay with drafts: the slower exact path, compiled on first use."""

from dataclasses import replace
from typing import Any

from numba import njit

from hwmodel.serving.bins import fresh_bins
from hwmodel.serving.engine import EngineCalls, EngineRun, EngineSettings, Speculation, owners_of
from hwmodel.serving.fast.jit import UNCOUNTED
from hwmodel.serving.fast.replay import run_of
from hwmodel.serving.fast.state import Machine, machine_of
from hwmodel.serving.per_cost import PerCost
from hwmodel.serving.speculative.drafting import Drafting, counts_of, fresh_drafting
from hwmodel.serving.speculative.loop import run
from hwmodel.serving.step_log import StepLog


def replay_speculating(
    calls: EngineCalls,
    settings: EngineSettings,
    cost: Any,
    speculation: Speculation,
    *,
    replicas_count: int = 1,
    log: StepLog | None = None,
) -> EngineRun:
    """Serve the calls with drafts; equal to the literal replay in every time and count.

    Args:
        calls: What is asked.
        settings: Engine and router.
        cost: A step cost that `step_ns` knows; drafts are free under one that does not look at them.
        speculation: Drafts, and the law by which they are accepted.
        replicas_count: Equal replicas.
        log: Room for the steps of a window, filled in order; none are kept if left out.

    Raises:
        UnknownCost: Nobody said how long a step takes under this kind of cost.
    """
    machine = speculating_machine(calls, settings, cost, replicas_count=replicas_count, log=log)
    drafting = fresh_drafting(speculation)
    run_speculating(machine, drafting)
    return replace(run_of(machine), drafts=counts_of(drafting))


def speculating_machine(
    calls: EngineCalls, settings: EngineSettings, cost: Any, *, replicas_count: int = 1, log: StepLog | None = None
) -> Machine:
    """The machine of `fast` at its beginning; contexts are summed call by call here, the longest included."""
    owners = owners_of(calls, block_tokens=settings.block_tokens, prefix_caching=settings.prefix_caching)
    bins = fresh_bins(counting=False)
    return machine_of(calls, owners, settings, replicas_count=replicas_count, cost=cost, bins=bins, log=log)


def run_speculating(machine: Machine, drafting: Drafting) -> None:
    """Replay what a machine was made for; its arrays and the counts hold the end of it."""
    _RUNS.of(type(machine.cost))(machine, drafting)


def _compiled_run(stamp: int, kept: bool) -> Any:
    @njit(cache=kept, **UNCOUNTED)
    def stamped(machine: Any, drafting: Any) -> int:
        run(machine, drafting)
        return stamp

    return stamped


_RUNS = PerCost(_compiled_run)
