"""The incumbent serves a draft: prefixes found again, cache hits, clock, queue, tokens, and people who leave."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from telemetry_sim.behaviour.draft import CANCELLED, FAILED, INTERRUPTED, REFUSED, ROOT, SERVED, Draft
from telemetry_sim.behaviour.draws import (
    CACHE_EXPIRED,
    CACHE_LOST,
    CACHE_LOST_AT_TURN,
    DECODE_NOISE,
    INTERRUPT_TIME,
    QUEUE,
    SERVICE_NOISE,
)
from telemetry_sim.behaviour.patience import Deadlines
from telemetry_sim.engine.latency import LatencyTable
from telemetry_sim.engine.measured import DAY_HOURS, LEVEL_NORMALS, LOG_KNOTS, MeasuredTable, measured_s
from telemetry_sim.laws import Bools, Codes, Floats, Ints
from telemetry_sim.parameters import Cache
from telemetry_sim.streams import Keys, normals, unit_draw

SESSION_LIMIT_S = 22.0 * 3600.0
"""No call is requested later than this after its session started, so sessions end within a day."""
CALL_LIMIT_S = 3000.0
"""The incumbent cuts a call off after this long (with the session limit, everything stays inside 24 h)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Columns over a draft's rows, then over its sessions. Rows beyond `played_count` were never requested."""

    requested_s: Floats
    queue_s: Floats
    ttft_s: Floats
    """Not a number where no token came."""
    duration_s: Floats
    output_tokens: Ints
    cache_read_tokens: Ints
    shared_tokens: Ints
    parent_row: Ints
    """As drafted, and for first prompts the row of the client's session before that they go on from."""
    fate: Codes
    played_count: Ints
    abandoned: Bools


def play(draft: Draft, table: LatencyTable | MeasuredTable, cache: Cache, deadlines: Deadlines) -> Played:
    """Serve all rows of a draft.

    Args:
        draft: What would be requested; sessions in order of client and start.
        table: How long calls take.
        cache: What the prefix cache keeps.
        deadlines: When readers leave, per row.
    """
    parent, shared = draft.parent_row.copy(), draft.shared_tokens.copy()
    columns = _serve(
        draft.rows.first_row,
        draft.row_count,
        draft.opened.start_s,
        draft.opened.tier,
        draft.opened.client,
        draft.is_linked,
        draft.is_fresh,
        draft.row_key,
        draft.gap_s,
        draft.input_tokens,
        draft.output_tokens,
        draft.reasoning_tokens,
        draft.fate,
        draft.model,
        draft.opens_turn,
        draft.is_subagent,
        parent,
        shared,
        _times(draft, table),
        np.array([cache.idle_limit_s, cache.expired_ratio, cache.lost_ratio, cache.turn_lost_ratio]),
        deadlines.first_token_s,
        deadlines.last_token_s,
        draft.system_tokens,
        draft.refusal_s,
    )
    requested, queue, ttft, duration, output, cached, fate, played, abandoned = columns
    return Played(
        requested_s=requested,
        queue_s=queue,
        ttft_s=ttft,
        duration_s=duration,
        output_tokens=output,
        cache_read_tokens=cached,
        shared_tokens=shared,
        parent_row=parent,
        fate=fate,
        played_count=played,
        abandoned=abandoned,
    )


class _Times(NamedTuple):
    """What decides how long rows take, by law or as measured; the arrays of the other one are empty."""

    context_s: Floats
    first_noise: Floats
    token_s: Floats
    service: Floats
    """Fixed time, time per uncached token."""
    load_ratio: Floats
    queue_mean_s: Floats
    queue_ratio: Floats
    log_first_s: Floats
    log_token_s: Floats
    service_normal: Floats
    decode_normal: Floats


def _times(draft: Draft, table: LatencyTable | MeasuredTable) -> _Times:
    service, decode = (normals(draft.row_key, int(noise)) for noise in (SERVICE_NOISE, DECODE_NOISE))
    none, by_tier, by_tokens = np.empty(0), np.empty((0, 0)), np.empty((0, 0, 0, 0))
    match table:
        case LatencyTable():
            return _Times(
                context_s=table.context_term_s(draft.input_tokens),
                first_noise=table.first_token_noise(service),
                token_s=table.token_s(draft.input_tokens, decode),
                service=np.array([table.fixed_s, table.uncached_s_per_token]),
                load_ratio=table.load_ratio,
                queue_mean_s=table.queue_s,
                queue_ratio=by_tier,
                log_first_s=by_tokens,
                log_token_s=by_tokens,
                service_normal=none,
                decode_normal=none,
            )
        case MeasuredTable():
            return _Times(
                context_s=none,
                first_noise=none,
                token_s=none,
                service=none,
                load_ratio=none,
                queue_mean_s=by_tier,
                queue_ratio=table.queue_ratio,
                log_first_s=table.log_first_s,
                log_token_s=table.log_token_s,
                service_normal=service,
                decode_normal=decode,
            )


@njit(cache=True, nogil=True)
def _fork_row(
    first: int, count: int, prompt: Ints, visible_end: Ints, reasoning: Ints, fate: Codes, is_subagent: Bools, size: int
) -> int:
    """Last row of a session from which a prompt of this size can go on; ROOT where none is short enough."""
    for row in range(first + count - 1, first - 1, -1):
        known = prompt[row] + visible_end[row] - reasoning[row]
        if fate[row] == SERVED and not is_subagent[row] and known <= size:
            return row
    return ROOT


@njit(cache=True, nogil=True)
def _is_lost(key: np.uint64, cache: Floats, idle_s: float, opens_turn: bool, switched: bool) -> bool:
    """Whether the cache has lost a prefix: another model, eviction, another replica at a new turn, or age."""
    if switched or unit_draw(key, CACHE_LOST) < cache[2]:
        return True
    if opens_turn and unit_draw(key, CACHE_LOST_AT_TURN) < cache[3]:
        return True
    return idle_s > cache[0] and unit_draw(key, CACHE_EXPIRED) < cache[1]


@njit(cache=True, nogil=True)
def _serve(  # noqa: C901, PLR0912, PLR0915 - one clock in one compiled loop
    first_row: Ints,
    row_count: Ints,
    start_s: Floats,
    tier: Ints,
    client: Ints,
    is_linked: Bools,
    is_fresh: Bools,
    row_key: Keys,
    gap_s: Floats,
    prompt: Ints,
    planned: Ints,
    reasoning: Ints,
    given_fate: Codes,
    model: Codes,
    opens_turn: Bools,
    is_subagent: Bools,
    parent: Ints,
    shared: Ints,
    times: _Times,
    cache: Floats,
    leaves_first_s: Floats,
    leaves_last_s: Floats,
    system_tokens: int,
    refusal_s: float,
) -> tuple[Floats, Floats, Floats, Floats, Ints, Ints, Codes, Ints, Bools]:
    """Walk each session's clock: a call starts a gap after the end of the one before."""
    rows, sessions = len(gap_s), len(first_row)
    requested, queue, ttft = np.zeros(rows), np.full(rows, np.nan), np.full(rows, np.nan)
    duration, output, cached = np.zeros(rows), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    fate, played, abandoned = given_fate.copy(), np.zeros(sessions, np.int64), np.zeros(sessions, np.bool_)
    end_s, is_measured = 0.0, times.queue_ratio.size > 0
    for s in range(sessions):
        clock, origin, origin_tokens = start_s[s], ROOT, 0
        if system_tokens > 0 and s > 0 and client[s] == client[s - 1] and end_s < clock:
            size = prompt[first_row[s]]
            if is_fresh[s] and fate[first_row[s - 1]] == SERVED:
                origin = first_row[s - 1]
                origin_tokens = min(system_tokens, prompt[origin])
            elif is_linked[s] and not is_fresh[s]:
                origin = _fork_row(first_row[s - 1], played[s - 1], prompt, output, reasoning, fate, is_subagent, size)
                if origin != ROOT:
                    origin_tokens = prompt[origin] + max(output[origin] - reasoning[origin], 0)
        for row in range(first_row[s], first_row[s] + row_count[s]):
            clock += gap_s[row]
            if clock - start_s[s] > SESSION_LIMIT_S:
                break
            requested[row] = clock
            played[s] += 1
            if parent[row] == ROOT and origin != ROOT and not is_subagent[row]:
                parent[row], shared[row] = origin, min(origin_tokens, prompt[row])
            before = parent[row]
            if before != ROOT and shared[row] > 0:
                idle_s = clock - requested[before] - duration[before] if before < row else 0.0
                if not _is_lost(row_key[row], cache, idle_s, opens_turn[row], model[before] != model[row]):
                    cached[row] = shared[row]
            hour = int(clock // 3600.0)
            if is_measured:
                t, h, uncached = tier[s], hour % DAY_HOURS, prompt[row] - cached[row]
                first_s = measured_s(
                    times.log_first_s[t, h], LOG_KNOTS, LEVEL_NORMALS, uncached, times.service_normal[row]
                )
                each_s = measured_s(
                    times.log_token_s[t, h], LOG_KNOTS, LEVEL_NORMALS, prompt[row], times.decode_normal[row]
                )
                wait_s = times.queue_ratio[t, h] * first_s
            else:
                u_queue = max(unit_draw(row_key[row], QUEUE), 1e-12)
                wait_s = times.queue_mean_s[tier[s], hour] * max(0.0, np.log(times.load_ratio[hour] / u_queue))
                typical_s = times.service[0] + times.service[1] * (prompt[row] - cached[row]) + times.context_s[row]
                first_s = wait_s + typical_s * times.first_noise[row]
                each_s = times.token_s[row]
            last_s = min(first_s + planned[row] * each_s, CALL_LIMIT_S)
            first_s = min(first_s, last_s)
            leaves_s, cut_fate = leaves_last_s[row], CANCELLED
            leaves_early_s = leaves_first_s[row]
            if given_fate[row] == INTERRUPTED and min(leaves_s, leaves_early_s) > last_s:
                leaves_s, cut_fate = unit_draw(row_key[row], INTERRUPT_TIME) * last_s, INTERRUPTED
                leaves_early_s = leaves_s
            if given_fate[row] == REFUSED:
                duration[row] = refusal_s
            elif leaves_early_s < first_s:
                fate[row], duration[row] = cut_fate, leaves_early_s
            elif given_fate[row] == FAILED:
                queue[row], duration[row] = wait_s, first_s
            else:
                queue[row], ttft[row], duration[row] = min(wait_s, first_s), first_s, last_s
                output[row] = planned[row]
                if leaves_s < last_s:
                    fate[row], duration[row] = cut_fate, max(leaves_s, first_s)
                if duration[row] < first_s + planned[row] * each_s:
                    output[row] = min(planned[row], int((duration[row] - first_s) / each_s))
            clock += duration[row]
            if fate[row] == CANCELLED:
                abandoned[s] = True
                break
        end_s = clock
    return requested, queue, ttft, duration, output, cached, fate, played, abandoned
