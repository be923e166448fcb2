"""Serves independent calls on one replica under the Sarathi scheduler."""

from typing import Any

import numpy as np
from numba import njit

from hwmodel.serving.config import ServingConfig
from hwmodel.serving.engine import NEVER, CallTimes, EngineCalls, EngineRun, Outcome
from hwmodel.serving.errors import BadCalls, DoesNotFit
from hwmodel.serving.per_cost import PerCost
from hwmodel.serving.sarathi.rule import run
from hwmodel.serving.sarathi.state import NOT_YET, SarathiLimits, SarathiState, fresh_state

WATERMARK_RATIO = 0.01
"""Share of blocks that admission leaves free; Vidur's default (source `vidur2024`), assumed by its authors."""


def serve_sarathi(calls: EngineCalls, cost: Any, config: ServingConfig) -> EngineRun:
    """Serve independent calls on one replica.

    Args:
        calls: Of these, start, prompt and answer count.
        cost: A step cost that `step_ns` knows.
        config: Bounds of a step and of the cache.

    Raises:
        BadCalls: Calls that follow others, or whose users leave.
        DoesNotFit: A call needs more blocks than there are; all that wait behind it are stuck, too.
    """
    if (calls.after >= 0).any() or (calls.patience_ns < NEVER).any() or (calls.stop_ns < NEVER).any():
        raise BadCalls("Vidur's scheduler serves calls that stand alone; take vllm_v1 for sessions and users who leave")
    watermark = int(WATERMARK_RATIO * config.kv_blocks)
    needed = -(-calls.input_tokens // config.block_tokens) + watermark
    if needed.max() > config.kv_blocks:
        raise DoesNotFit(
            f"call {int(np.argmax(needed))} needs {needed.max()} blocks to be admitted, the {watermark} that stay free "
            f"included; kv_blocks is {config.kv_blocks}"
        )
    limits = SarathiLimits(config.max_num_seqs, config.max_num_batched_tokens, config.block_tokens, watermark)
    order = np.argsort(calls.start_ns, kind="stable")
    state = fresh_state(calls, order, config.kv_blocks)
    _RUNS.of(type(cost))(state, cost, limits)
    if unserved := int((state.calls["last_ns"] == NOT_YET).sum()):
        raise DoesNotFit(
            f"{unserved} of {len(calls)} calls wait for ever: the answer of the first of them outgrew the cache; "
            f"kv_blocks is {config.kv_blocks}"
        )
    return _result(calls, state, order)


def _result(calls: EngineCalls, state: SarathiState, order: np.ndarray) -> EngineRun:
    served = np.empty_like(state.calls)
    served[order] = state.calls
    nothing = np.zeros(len(calls), dtype=np.int64)
    return EngineRun(
        times=CallTimes(
            requested_ns=calls.start_ns,
            scheduled_ns=served["scheduled_ns"].copy(),
            first_ns=served["first_ns"].copy(),
            last_ns=served["last_ns"].copy(),
            generated_tokens=calls.output_tokens,
            cached_tokens=nothing,
            preemptions_count=served["restarts"].copy(),
            replica=nothing,
            outcome=np.full(len(calls), int(Outcome.DONE)),
        ),
        steps_count=int(state.totals["steps"][0]),
        busy_ns=state.totals["busy_ns"].copy(),
        computed_tokens=int(state.totals["computed_tokens"][0]),
    )


def _compiled_run(stamp: int, kept: bool) -> Any:
    @njit(cache=kept, nogil=True)
    def stamped(state: Any, cost: Any, limits: Any) -> int:
        run(state, cost, limits)
        return stamp

    return stamped


_RUNS = PerCost(_compiled_run)
