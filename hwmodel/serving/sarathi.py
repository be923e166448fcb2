"""Vidur's Sarathi scheduler: chunked prompts beside decoding calls, the whole prompt's blocks reserved at admission.

As microsoft/vidur has it (commit 7d47513, source `vidur2024`), call by call, since its order of victims keeps no lump
together. A step takes decoding calls in the order of the last step, then prompts that are part-way, then waiting calls.
Decoding calls take blocks on demand; where none is free, the last call of the running order is restarted: what it has
computed becomes its prompt (of a prompt part-way too, whose rest then counts as answer) and it waits at the front.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from hwmodel.serving.config import ServingConfig
from hwmodel.serving.engine import NEVER, CallTimes, EngineCalls, EngineRun, Outcome
from hwmodel.serving.errors import BadCalls, DoesNotFit
from hwmodel.serving.sources import sources_stamp
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures

WATERMARK_RATIO = 0.01
"""Share of blocks that admission leaves free; Vidur's default (source `vidur2024`), assumed by its authors."""
NO_BLOCKS = -1
NOT_YET = -1

CALL = np.dtype(
    [
        ("arrival_ns", np.int64),
        ("prompt", np.int64),
        ("output", np.int64),
        ("done", np.int64),  # tokens with KV, the emitted one included
        ("blocks", np.int64),
        ("decoding", np.bool_),
        ("part", np.int64),  # tokens in the current step
        ("scheduled_ns", np.int64),
        ("first_ns", np.int64),
        ("last_ns", np.int64),
        ("restarts", np.int64),
    ]
)
TOTALS = np.dtype(
    [
        ("arrived", np.int64),
        ("waiting_from", np.int64),
        ("waiting_to", np.int64),
        ("running", np.int64),
        ("batch", np.int64),
        ("tokens", np.int64),
        ("free_blocks", np.int64),
        ("holding", np.int64),
        ("steps", np.int64),
        ("busy_ns", np.int64),
        ("computed_tokens", np.int64),
    ]
)


class SarathiState(NamedTuple):
    """Calls in order of arrival, and lists of their positions."""

    calls: np.ndarray
    waiting: np.ndarray
    running: np.ndarray
    """Calls of earlier steps, first to last."""
    batch: np.ndarray
    totals: np.ndarray
    """One row."""


class SarathiLimits(NamedTuple):
    """Bounds of a step and of the cache."""

    sequences: int
    tokens: int
    block_tokens: int
    watermark_blocks: int


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
    state = _fresh_state(calls, order, config.kv_blocks)
    _run_compiled(state, cost, limits)
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


def _fresh_state(calls: EngineCalls, order: np.ndarray, kv_blocks: int) -> SarathiState:
    rows = np.zeros(len(calls), dtype=CALL)
    rows["arrival_ns"] = calls.start_ns[order]
    rows["prompt"], rows["output"] = calls.input_tokens[order], calls.output_tokens[order]
    rows["blocks"] = NO_BLOCKS
    rows["scheduled_ns"] = rows["first_ns"] = rows["last_ns"] = NOT_YET
    totals = np.zeros(1, dtype=TOTALS)
    totals["free_blocks"] = kv_blocks
    waiting, running, batch = (np.zeros(len(calls), dtype=np.int64) for _ in range(3))
    return SarathiState(rows, waiting, running, batch, totals)


@njit(nogil=True)
def _run(s: SarathiState, cost: Any, limits: SarathiLimits) -> None:
    """Serve all calls; what happened to them is in `s.calls` afterwards."""
    now = 0
    while True:
        while s.totals[0].arrived < s.calls.size and s.calls[s.totals[0].arrived].arrival_ns <= now:
            s.waiting[s.totals[0].waiting_to] = s.totals[0].arrived
            s.totals[0].waiting_to += 1
            s.totals[0].arrived += 1
        _gather_step(s, limits)
        if s.totals[0].batch > 0:
            _stamp_scheduled(s, now)
            duration = step_ns(cost, _features(s))
            now += duration
            s.totals[0].steps += 1
            s.totals[0].busy_ns += duration
            s.totals[0].computed_tokens += s.totals[0].tokens
            _end_step(s, now)
        elif s.totals[0].arrived < s.calls.size:
            now = s.calls[s.totals[0].arrived].arrival_ns
        else:
            return


@njit(nogil=True)
def _gather_step(s: SarathiState, limits: SarathiLimits) -> None:
    s.totals[0].batch = 0
    s.totals[0].tokens = 0
    left = _gather_decoding(s, limits)
    left = _gather_partial(s, limits, left)
    _sort_by_arrival(s, left)
    s.totals[0].running = left
    _admit(s, limits)


@njit(nogil=True)
def _gather_decoding(s: SarathiState, limits: SarathiLimits) -> int:
    """Takes decoding calls in running order; leaves prompts part-way at the front of `running`, returns their number.

    Calls that the step has no place for follow them; `totals.running` is then the number of both.
    """
    size, partial, at = s.totals[0].running, 0, 0
    while at < size and s.totals[0].batch < limits.sequences:
        call = s.running[at]
        at += 1
        if not s.calls[call].decoding:
            s.running[partial] = call
            partial += 1
            continue
        has_room = True
        while s.totals[0].free_blocks < 1:
            if at < size:
                size -= 1
                _restart(s, s.running[size])
            else:
                _restart(s, call)
                has_room = False
                break
        if has_room:
            if s.calls[call].done > s.calls[call].blocks * limits.block_tokens:
                s.calls[call].blocks += 1
                s.totals[0].free_blocks -= 1
            _take(s, call, 1)
    for rest in range(at, size):
        s.running[partial + rest - at] = s.running[rest]
    s.totals[0].running = partial + size - at
    return partial


@njit(nogil=True)
def _gather_partial(s: SarathiState, limits: SarathiLimits, partial: int) -> int:
    """Goes on with prompts part-way while tokens are left; returns the number of calls left in `running`."""
    left = 0
    for at in range(partial):
        call = s.running[at]
        part = min(s.calls[call].prompt - s.calls[call].done, limits.tokens - s.totals[0].tokens)
        if part > 0:
            _take(s, call, part)
        else:
            s.running[left] = call
            left += 1
    for at in range(partial, s.totals[0].running):
        s.running[left] = s.running[at]
        left += 1
    return left


@njit(nogil=True)
def _sort_by_arrival(s: SarathiState, size: int) -> None:
    """Calls of one moment stay as they are."""
    for at in range(1, size):
        call, place = s.running[at], at
        while place > 0 and s.calls[s.running[place - 1]].arrival_ns > s.calls[call].arrival_ns:
            s.running[place] = s.running[place - 1]
            place -= 1
        s.running[place] = call


@njit(nogil=True)
def _admit(s: SarathiState, limits: SarathiLimits) -> None:
    while s.totals[0].waiting_from < s.totals[0].waiting_to:
        if s.totals[0].holding == limits.sequences or s.totals[0].batch == limits.sequences:
            return
        call = s.waiting[s.totals[0].waiting_from]
        blocks = (s.calls[call].prompt + limits.block_tokens - 1) // limits.block_tokens
        part = min(s.calls[call].prompt, limits.tokens - s.totals[0].tokens)
        if s.totals[0].free_blocks - blocks < limits.watermark_blocks or part <= 0:
            return
        s.totals[0].waiting_from += 1
        s.totals[0].free_blocks -= blocks
        s.totals[0].holding += 1
        s.calls[call].blocks = blocks
        _take(s, call, part)


@njit(inline="always")
def _take(s: SarathiState, call: int, part: int) -> None:
    s.calls[call].part = part
    s.batch[s.totals[0].batch] = call
    s.totals[0].batch += 1
    s.totals[0].tokens += part


@njit(nogil=True)
def _restart(s: SarathiState, call: int) -> None:
    total = s.calls[call].prompt + s.calls[call].output
    s.calls[call].prompt = s.calls[call].done
    s.calls[call].output = total - s.calls[call].done
    s.calls[call].done = 0
    s.calls[call].decoding = False
    s.calls[call].restarts += 1
    _free(s, call)
    s.totals[0].waiting_from -= 1
    s.waiting[s.totals[0].waiting_from] = call


@njit(inline="always")
def _free(s: SarathiState, call: int) -> None:
    s.totals[0].free_blocks += s.calls[call].blocks
    s.totals[0].holding -= 1
    s.calls[call].blocks = NO_BLOCKS


@njit(inline="always")
def _stamp_scheduled(s: SarathiState, now: int) -> None:
    for at in range(s.totals[0].batch):
        if s.calls[s.batch[at]].scheduled_ns == NOT_YET:
            s.calls[s.batch[at]].scheduled_ns = now


@njit(nogil=True)
def _features(s: SarathiState) -> StepFeatures:
    chunk, squares, prompts, pairs, prompt_kv = 0, 0, 0, 0, 0
    emitting, decoding, kv, longest = 0, 0, 0, 0
    for at in range(s.totals[0].batch):
        call = s.batch[at]
        done, part = s.calls[call].done, s.calls[call].part
        if s.calls[call].decoding:
            decoding += 1
            kv += done - 1
            longest = max(longest, done - 1)
            continue
        chunk += part
        squares += part * part
        prompts += 1
        pairs += part * done
        prompt_kv += done + part
        emitting += done + part == s.calls[call].prompt
    return StepFeatures(chunk, squares, prompts, pairs, prompt_kv, emitting + decoding, decoding, kv, longest)


@njit(nogil=True)
def _end_step(s: SarathiState, now: int) -> None:
    """Hands out the step's tokens; calls that have not ended go to the end of the running order."""
    for at in range(s.totals[0].batch):
        call = s.batch[at]
        s.calls[call].done += s.calls[call].part
        if not s.calls[call].decoding and s.calls[call].done == s.calls[call].prompt:
            s.calls[call].decoding = True
            s.calls[call].done += 1
            if s.calls[call].first_ns == NOT_YET:
                s.calls[call].first_ns = now
        if s.calls[call].done == s.calls[call].prompt + s.calls[call].output:
            s.calls[call].last_ns = now
            _free(s, call)
        else:
            s.running[s.totals[0].running] = call
            s.totals[0].running += 1


def _compiled(stamp: int) -> Any:
    """The loop, kept on disk under a stamp of its sources: a captured variable is part of numba's key."""

    @njit(cache=True, nogil=True)
    def stamped(state: Any, cost: Any, limits: Any) -> int:
        _run(state, cost, limits)
        return stamp

    return stamped


_run_compiled = _compiled(sources_stamp())
