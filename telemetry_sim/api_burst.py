"""Drafts of API traffic: one request per session, with the attempts that a rate limit refused."""

from dataclasses import dataclass

import numpy as np

from telemetry_sim.arrivals import DAY_S, Starts
from telemetry_sim.clients import Clients
from telemetry_sim.draft import FAILED, REFUSED, ROOT, SERVED, Draft, Ragged, ToolDraft
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.parameters import ApiBurst, SurfaceParameters
from telemetry_sim.rate_limit import backoffs_s, count_refusals

NO_PHASE = -1
PARENT_LEAD_S = 0.01
"""A prompt finds another's prefix only if that one was sent this long before."""
CLIENT_SPAN_S = 4.0 * DAY_S
"""Longer than any day's requests last: keeps tenants apart on one axis."""


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
    rng: np.random.Generator,
    parameters: SurfaceParameters,
    api: ApiBurst,
    starts: Starts,
    clients: Clients,
    traits: Traits,
    *,
    sessions_per_day: float,
    scale_ratio: float,
) -> Draft:
    """Everything that a block of tenants requests on a day; rows ordered by tenant, arrival and attempt."""
    ragged, refusals, gave_up, gap_s = _attempts(rng, api, starts, clients, sessions_per_day)
    rows, owner = len(ragged.session), ragged.session
    client = starts.client[owner]
    refused = ragged.step < refusals[owner]
    failed_call = ~refused & (rng.random(rows) < parameters.volume.error_ratio)
    system = traits.system_tokens[client]
    prompt, output = _lengths(rng, parameters, api, traits, starts.client, scale_ratio)
    prompt, output = prompt[owner], output[owner]
    served_s = starts.start_s[owner] + _elapsed(gap_s, np.where(refused, api.reject_s, 0.0), ragged)
    parent = _previous_served(client, served_s, ~refused & ~failed_call)
    shared = np.where(refused | (parent == ROOT), 0, np.minimum(system, prompt))
    nobody = np.zeros(rows, np.bool_)
    return Draft(
        client=starts.client,
        start_s=starts.start_s,
        first_row=ragged.first_row,
        row_count=refusals + ~gave_up,
        escalated=gave_up,
        session=owner,
        step=ragged.step,
        turn=np.zeros(rows, np.int64),
        phase=np.full(rows, NO_PHASE, np.int8),
        is_subagent=nobody,
        asks_tools=nobody,
        is_watched=~refused,
        gap_s=gap_s,
        idle_s=np.where(parent == ROOT, 0.0, served_s - served_s[parent]),
        approval_s=np.zeros(rows),
        input_tokens=prompt,
        shared_tokens=shared,
        parent_row=np.where(refused, ROOT, parent),
        output_tokens=output,
        reasoning_tokens=np.zeros(rows, np.int64),
        image_tokens=np.zeros(rows, np.int64),
        fate=np.select([refused, failed_call], [REFUSED, FAILED], SERVED).astype(np.int8),
        tools=ToolDraft.none(),
        refusal_s=api.reject_s,
    )


def _attempts(
    rng: np.random.Generator, api: ApiBurst, starts: Starts, clients: Clients, sessions_per_day: float
) -> tuple[Ragged, Ints, Bools, Floats]:
    """Rows of all attempts, refusals and giving up per request, and the back-off before each row."""
    jitter = rng.random((len(starts.client), api.max_attempt_count))
    mean_per_s = sessions_per_day * clients.rate_ratio / DAY_S
    limit_per_s = np.maximum(api.limit_ratio * mean_per_s, api.limit_floor_per_s)
    refusals, gave_up = count_refusals(
        starts.client,
        starts.start_s,
        limit_per_s[starts.client],
        jitter,
        burst_s=api.burst_s,
        backoff_s=api.backoff_s,
        max_attempt_count=api.max_attempt_count,
    )
    ragged = Ragged.of(refusals + ~gave_up)
    gap_s = np.zeros(len(ragged.session))
    retries = np.flatnonzero(ragged.step > 0)
    before = ragged.step[retries] - 1
    gap_s[retries] = backoffs_s(before, jitter[ragged.session[retries], before], api.backoff_s)
    return ragged, refusals, gave_up, gap_s


def _lengths(
    rng: np.random.Generator,
    parameters: SurfaceParameters,
    api: ApiBurst,
    traits: Traits,
    client: Ints,
    scale_ratio: float,
) -> tuple[Ints, Ints]:
    """Prompt and output tokens of each request: the tenant's system prompt, and its medians spread a little."""
    message = traits.message_tokens[client] * np.exp(api.message_sigma_ratio * rng.standard_normal(len(client)))
    answer = traits.answer_tokens[client] * np.exp(api.answer_sigma_ratio * rng.standard_normal(len(client)))
    words = np.maximum(np.rint(message * scale_ratio), 1.0).astype(np.int64)
    prompt = np.minimum(traits.system_tokens[client] + words, int(parameters.context.limit_tokens))
    return prompt, np.clip(np.rint(answer), 1, parameters.output.max_tokens).astype(np.int64)


def _elapsed(gap_s: Floats, refusal_s: Floats, ragged: Ragged) -> Floats:
    """Time from a request's first attempt to the sending of each attempt."""
    sent_s = np.cumsum(gap_s + refusal_s) - refusal_s
    return sent_s - sent_s[ragged.first_row][ragged.session]


def _previous_served(client: Ints, served_s: Floats, served: Bools) -> Ints:
    """Row of the same tenant's served call sent last, at least PARENT_LEAD_S before each row; ROOT where none was."""
    key = client * CLIENT_SPAN_S + served_s
    candidates = np.flatnonzero(served)
    candidates = candidates[np.argsort(key[candidates], kind="stable")]
    if len(candidates) == 0:
        return np.full(len(client), ROOT, np.int64)
    place = np.searchsorted(key[candidates], key - PARENT_LEAD_S, side="right") - 1
    parent = candidates[np.maximum(place, 0)]
    return np.where((place >= 0) & (client[parent] == client), parent, ROOT)
