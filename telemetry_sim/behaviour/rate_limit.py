"""The rate limit of a tenant and the attempts a client makes against it."""

import numpy as np
from numba import njit

from telemetry_sim.behaviour.draws import ATTEMPTS
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.streams import Keys, unit_draw


def count_refusals(
    tenant: Ints,
    arrival_s: Floats,
    limit_per_s: Floats,
    request_key: Keys,
    *,
    burst_s: float,
    backoff_s: float,
    max_attempt_count: int,
) -> tuple[Ints, Bools]:
    """Refused attempts of each request, and whether the client gave up.

    The limit is a leaky bucket (generic cell rate algorithm): a tenant may run ahead of its rate by `burst_s`. A
    refused client waits backoff x 2^k x (0.5 + u), k = 0, 1, ..., and tries again, at most `max_attempt_count` times.

    Args:
        tenant: Owner of each request, rows ordered by tenant and arrival.
        arrival_s: First attempt.
        limit_per_s: Rate limit of each request's tenant.
        request_key: Stream of each request; its draws from ATTEMPTS on are the u.
        burst_s: Time ahead of its rate that a tenant may run.
        backoff_s: First back-off.
        max_attempt_count: Attempts before the client gives up.
    """
    return _count(tenant, arrival_s, limit_per_s, request_key, burst_s, backoff_s, max_attempt_count)


def backoffs_s(attempt: Ints, uniforms: Floats, backoff_s: float) -> Floats:
    """Wait after refused attempt number `attempt` (from 0)."""
    return np.asarray(backoff_s * 2.0**attempt * (0.5 + uniforms), dtype=np.float64)


@njit(cache=True, nogil=True)
def _count(
    tenant: Ints,
    arrival_s: Floats,
    limit_per_s: Floats,
    request_key: Keys,
    burst_s: float,
    backoff_s: float,
    max_attempts: int,
) -> tuple[Ints, Bools]:
    refusals, gave_up = np.zeros(len(tenant), np.int64), np.zeros(len(tenant), np.bool_)
    due_s = 0.0
    for i in range(len(tenant)):
        if i == 0 or tenant[i] != tenant[i - 1]:
            due_s = -np.inf
        now_s = arrival_s[i]
        while now_s < due_s - burst_s:
            jitter = unit_draw(request_key[i], ATTEMPTS + np.uint64(refusals[i]))
            now_s += backoff_s * 2.0 ** refusals[i] * (0.5 + jitter)
            refusals[i] += 1
            if refusals[i] == max_attempts:
                gave_up[i] = True
                break
        if not gave_up[i]:
            due_s = max(due_s, now_s) + 1.0 / limit_per_s[i]
    return refusals, gave_up
