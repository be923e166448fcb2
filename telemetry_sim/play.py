"""The incumbent serves a draft: cache hits, clock, queue, first and last token, and people who leave."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from telemetry_sim.draft import CANCELLED, FAILED, REFUSED, Draft
from telemetry_sim.latency import LatencyTable
from telemetry_sim.laws import Bools, Codes, Floats, Ints
from telemetry_sim.parameters import Cache
from telemetry_sim.patience import Deadlines

SESSION_LIMIT_S = 23.0 * 3600.0
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
    fate: Codes
    played_count: Ints
    abandoned: Bools


def cache_reads(rng: np.random.Generator, cache: Cache, draft: Draft) -> Ints:
    """Prompt tokens that the incumbent's prefix cache really held."""
    count = len(draft.idle_s)
    expired = (draft.idle_s > cache.idle_limit_s) & (rng.random(count) < cache.expired_ratio)
    lost = rng.random(count) < cache.lost_ratio
    return np.where(expired | lost, 0, draft.shared_tokens)


def play(
    rng: np.random.Generator, draft: Draft, table: LatencyTable, cache: Cache, deadlines: Deadlines, tier: Ints
) -> Played:
    """Serve all rows of a draft.

    Args:
        rng: Random numbers of this block and day.
        draft: What would be requested.
        table: How long calls take.
        cache: What the prefix cache keeps.
        deadlines: When readers leave, per row.
        tier: Service tier of each session.
    """
    rows = len(draft.gap_s)
    cached = cache_reads(rng, cache, draft)
    service_s = table.service_s(draft.input_tokens, draft.input_tokens - cached, rng.standard_normal(rows))
    token_s = table.token_s(draft.input_tokens, rng.standard_normal(rows))
    columns = _serve(
        draft.first_row,
        draft.row_count,
        draft.start_s,
        tier,
        draft.gap_s,
        draft.output_tokens,
        draft.fate,
        service_s,
        token_s,
        rng.random(rows),
        table.load_ratio,
        table.queue_s,
        deadlines.first_token_s,
        deadlines.last_token_s,
        draft.refusal_s,
    )
    requested, queue, ttft, duration, output, fate, played, abandoned = columns
    return Played(
        requested_s=requested,
        queue_s=queue,
        ttft_s=ttft,
        duration_s=duration,
        output_tokens=output,
        cache_read_tokens=cached,
        fate=fate,
        played_count=played,
        abandoned=abandoned,
    )


@njit(cache=True)
def _serve(
    first_row: Ints,
    row_count: Ints,
    start_s: Floats,
    tier: Ints,
    gap_s: Floats,
    planned_tokens: Ints,
    given_fate: Codes,
    service_s: Floats,
    token_s: Floats,
    uniform: Floats,
    load_ratio: Floats,
    queue_mean_s: Floats,
    leaves_first_s: Floats,
    leaves_last_s: Floats,
    refusal_s: float,
) -> tuple[Floats, Floats, Floats, Floats, Ints, Codes, Ints, Bools]:
    """Walk each session's clock: a call starts a gap after the end of the one before."""
    rows, sessions = len(gap_s), len(first_row)
    requested, queue, ttft = np.zeros(rows), np.full(rows, np.nan), np.full(rows, np.nan)
    duration, output, fate = np.zeros(rows), np.zeros(rows, np.int64), given_fate.copy()
    played, abandoned = np.zeros(sessions, np.int64), np.zeros(sessions, np.bool_)
    for s in range(sessions):
        clock = start_s[s]
        for row in range(first_row[s], first_row[s] + row_count[s]):
            clock += gap_s[row]
            if clock - start_s[s] > SESSION_LIMIT_S:
                break
            requested[row] = clock
            played[s] += 1
            hour = int(clock // 3600.0)
            wait_s = queue_mean_s[tier[s], hour] * max(0.0, np.log(load_ratio[hour] / max(uniform[row], 1e-12)))
            first_s = wait_s + service_s[row]
            last_s = min(first_s + planned_tokens[row] * token_s[row], CALL_LIMIT_S)
            first_s = min(first_s, last_s)
            if given_fate[row] == REFUSED:
                duration[row] = refusal_s
            elif leaves_first_s[row] < first_s:
                fate[row], duration[row] = CANCELLED, leaves_first_s[row]
            elif given_fate[row] == FAILED:
                queue[row], duration[row] = wait_s, first_s
            else:
                queue[row], ttft[row], duration[row] = min(wait_s, first_s), first_s, last_s
                output[row] = planned_tokens[row]
                if leaves_last_s[row] < last_s:
                    fate[row], duration[row] = CANCELLED, max(leaves_last_s[row], first_s)
                if duration[row] < first_s + planned_tokens[row] * token_s[row]:
                    output[row] = min(planned_tokens[row], int((duration[row] - first_s) / token_s[row]))
            clock += duration[row]
            if fate[row] == CANCELLED:
                abandoned[s] = True
                break
    return requested, queue, ttft, duration, output, fate, played, abandoned
