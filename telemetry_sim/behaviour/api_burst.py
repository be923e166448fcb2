"""Drafts of API traffic: one request per session, with the attempts that a rate limit refused."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from telemetry_sim.behaviour.draft import FAILED, NO_PHASE, REFUSED, ROOT, SERVED, Draft, Opened, Ragged, ToolDraft
from telemetry_sim.behaviour.draws import ANSWER, ATTEMPTS, CALL_FATE, MESSAGE
from telemetry_sim.behaviour.models import choose_models
from telemetry_sim.behaviour.rate_limit import backoffs_s, count_refusals
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.parameters import ApiBurst, SurfaceParameters
from telemetry_sim.population.arrivals import DAY_S
from telemetry_sim.population.clients import Clients
from telemetry_sim.streams import normals, uniforms

PARENT_LEAD_S = 0.01
"""A prompt finds another's prefix only if that one was sent this long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Columns over tenants: what each one's requests look like, the same on every day."""

    system_tokens: Ints
    message_tokens: Floats
    answer_tokens: Floats


def tenant_traits(api: ApiBurst, clients: Clients) -> Traits:
    """System prompt and median lengths of each tenant; the spread between tenants exceeds that within them."""
    return Traits(
        system_tokens=api.tenant_system.tokens(clients.system_normal),
        message_tokens=api.tenant_message.tokens(clients.input_normal).astype(np.float64),
        answer_tokens=api.tenant_answer.tokens(clients.output_normal).astype(np.float64),
    )


def draft_requests(
    parameters: SurfaceParameters,
    api: ApiBurst,
    opened: Opened,
    clients: Clients,
    *,
    sessions_per_day: float,
    scale_ratio: float,
) -> Draft:
    """Everything that some tenants request on a day; rows ordered by tenant, arrival and attempt.

    All of a tenant's requests of the day must be there: the rate limit and the shared prompt join them.
    """
    traits = tenant_traits(api, clients)
    rows, refusals, gave_up, gap_s = _attempts(api, opened, clients, sessions_per_day)
    owner, row_key = rows.session, rows.row_keys(opened.key)
    refused = rows.step < refusals[owner]
    failed_call = ~refused & (uniforms(row_key, int(CALL_FATE)) < parameters.volume.error_ratio)
    prompt, output = _lengths(parameters, api, traits, opened, scale_ratio)
    prompt, output = prompt[owner], output[owner]
    sent_s = opened.start_s[owner] + _elapsed(gap_s, np.where(refused, api.reject_s, 0.0), rows)
    parent = _previous_served(opened.client[owner], sent_s, ~refused & ~failed_call & (rows.step == 0))
    parent = np.where(refused, ROOT, parent)
    system = traits.system_tokens[opened.client][owner]
    nobody, nothing = np.zeros(len(owner), np.bool_), np.zeros(len(owner), np.int64)
    attempts = refusals + ~gave_up
    no_session = np.zeros(len(attempts), np.bool_)
    return Draft(
        opened=opened,
        rows=rows,
        row_count=attempts,
        escalated=gave_up,
        is_linked=no_session,
        is_fresh=no_session,
        row_key=row_key,
        turn=nothing,
        phase=np.full(len(owner), NO_PHASE, np.int8),
        model=choose_models(parameters.models, clients.key[opened.client], row_key, rows, attempts, nothing, nobody),
        is_subagent=nobody,
        asks_tools=nobody,
        is_watched=~refused,
        opens_turn=nobody,
        gap_s=gap_s,
        approval_s=np.zeros(len(owner)),
        input_tokens=prompt,
        shared_tokens=np.where(parent == ROOT, 0, np.minimum(system, prompt)),
        parent_row=parent,
        output_tokens=output,
        reasoning_tokens=nothing,
        image_tokens=nothing,
        fate=np.select([refused, failed_call], [REFUSED, FAILED], SERVED).astype(np.int8),
        tools=ToolDraft.none(),
        system_tokens=0,
        refusal_s=api.reject_s,
    )


def _attempts(
    api: ApiBurst, opened: Opened, clients: Clients, sessions_per_day: float
) -> tuple[Ragged, Ints, Bools, Floats]:
    """Rows of all attempts, refusals and giving up per request, and the back-off before each row."""
    mean_per_s = sessions_per_day * clients.rate_ratio / DAY_S
    limit_per_s = np.maximum(api.limit_ratio * mean_per_s, api.limit_floor_per_s)
    refusals, gave_up = count_refusals(
        opened.client,
        opened.start_s,
        limit_per_s[opened.client],
        opened.key,
        burst_s=api.burst_s,
        backoff_s=api.backoff_s,
        max_attempt_count=api.max_attempt_count,
    )
    rows = Ragged.of(refusals + ~gave_up)
    gap_s = np.zeros(len(rows.session))
    retries = np.flatnonzero(rows.step > 0)
    before = rows.step[retries] - 1
    jitter = uniforms(opened.key[rows.session[retries]], before + int(ATTEMPTS))
    gap_s[retries] = backoffs_s(before, jitter, api.backoff_s)
    return rows, refusals, gave_up, gap_s


def _lengths(
    parameters: SurfaceParameters, api: ApiBurst, traits: Traits, opened: Opened, scale_ratio: float
) -> tuple[Ints, Ints]:
    """Prompt and output tokens of each request: the tenant's system prompt, and its medians spread a little."""
    client = opened.client
    message = traits.message_tokens[client] * np.exp(api.message_sigma_ratio * normals(opened.key, int(MESSAGE)))
    answer = traits.answer_tokens[client] * np.exp(api.answer_sigma_ratio * normals(opened.key, int(ANSWER)))
    words = np.maximum(np.rint(message * scale_ratio), 1.0).astype(np.int64)
    prompt = np.minimum(traits.system_tokens[client] + words, int(parameters.context.limit_tokens))
    return prompt, np.clip(np.rint(answer), 1, parameters.output.max_tokens).astype(np.int64)


def _elapsed(gap_s: Floats, refusal_s: Floats, rows: Ragged) -> Floats:
    """Time from a request's first attempt to the sending of each attempt."""
    sent_s = np.cumsum(gap_s + refusal_s) - refusal_s
    return sent_s - sent_s[rows.first_row][rows.session]


def _previous_served(client: Ints, sent_s: Floats, is_candidate: Bools) -> Ints:
    """Row of the same tenant's call that was sent last, at least PARENT_LEAD_S before each row; ROOT where none was.

    Candidates are calls served at their first attempt: they lie in order of sending within their tenant.
    """
    candidates = np.flatnonzero(is_candidate)
    return _latest(client, sent_s, candidates, client[candidates], sent_s[candidates])


@njit(cache=True, nogil=True)
def _latest(client: Ints, sent_s: Floats, candidates: Ints, candidate_client: Ints, candidate_s: Floats) -> Ints:
    parent = np.full(len(client), ROOT, np.int64)
    low, high = 0, 0
    for row in range(len(client)):
        if row == 0 or client[row] != client[row - 1]:
            low = high
            while low < len(candidates) and candidate_client[low] < client[row]:
                low += 1
            high = low
            while high < len(candidates) and candidate_client[high] == client[row]:
                high += 1
        place = low + np.searchsorted(candidate_s[low:high], sent_s[row] - PARENT_LEAD_S, side="right") - 1
        if place >= low:
            parent[row] = candidates[place]
    return parent
