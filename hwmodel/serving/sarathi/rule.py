"""Vidur's Sarathi scheduler: chunked prompts beside decoding calls, the whole prompt's blocks reserved at admission.

As microsoft/vidur has it (commit 7d47513, source `vidur2024`), call by call, since its order of victims keeps no lump
together. A step takes decoding calls in the order of the last step, then prompts that are part-way, then waiting calls.
Decoding calls take blocks on demand; where none is free, the last call of the running order is restarted: what it has
computed becomes its prompt (of a prompt part-way too, whose rest then counts as answer) and it waits at the front.
"""

from typing import Any

from numba import njit

from hwmodel.serving.sarathi.state import NO_BLOCKS, NOT_YET, SarathiLimits, SarathiState
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures


@njit(nogil=True)
def run(s: SarathiState, cost: Any, limits: SarathiLimits) -> None:
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
    return StepFeatures(chunk, squares, prompts, pairs, prompt_kv, emitting + decoding, decoding, kv, longest, 0)


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
