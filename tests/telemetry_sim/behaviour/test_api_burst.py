"""API traffic: lengths of tenants, shared system prompts, attempts after refusals."""

from dataclasses import replace

import numpy as np
import pytest

from telemetry_sim.behaviour.api_burst import PARENT_LEAD_S, draft_requests, tenant_traits
from telemetry_sim.behaviour.draft import FAILED, REFUSED, ROOT, SERVED, Draft
from telemetry_sim.parameters import ApiBurst
from telemetry_sim.population.clients import Clients
from tests.telemetry_sim.behaviour.drafts import opened, shipped
from warehouse.contracts import Surface

SURFACE = Surface.API_BURST


def draft(*, gap_s: float = 1.0, **changes: float) -> tuple[Draft, ApiBurst, Clients]:
    parameters = shipped(SURFACE)
    assert isinstance(parameters.behaviour, ApiBurst)
    api = replace(parameters.behaviour, **changes)  # type: ignore[arg-type]
    sessions, clients = opened(SURFACE, 8_000, gap_s=gap_s)
    made = draft_requests(parameters, api, sessions, clients, sessions_per_day=100.0, scale_ratio=1.0)
    return made, api, clients


def test_nobody_is_refused_under_a_generous_limit_and_each_request_is_one_row() -> None:
    made, _, _ = draft(limit_floor_per_s=1e4)
    assert (made.row_count == 1).all()
    assert not made.escalated.any()
    assert (made.fate != REFUSED).all()
    assert (made.fate == FAILED).mean() == pytest.approx(shipped(SURFACE).volume.error_ratio, abs=0.003)


def test_under_a_tight_limit_refusals_are_tried_again_until_served_or_given_up() -> None:
    made, api, _ = draft(gap_s=0.05, limit_floor_per_s=0.5, burst_s=2.0)
    owner, last = made.rows.session, np.zeros(len(made.row_key), np.bool_)
    last[made.rows.first_row + made.row_count - 1] = True
    assert 0.05 < (made.fate == REFUSED).mean() < 1.0
    assert made.escalated.any()
    assert (made.fate[~last] == REFUSED).all()
    assert ((made.fate[last] == REFUSED) == made.escalated).all()
    assert made.row_count.max() <= api.max_attempt_count
    assert (made.row_count[made.escalated] == api.max_attempt_count).all()
    tries = made.rows.step
    assert (made.gap_s[tries == 0] == 0.0).all()
    again = np.flatnonzero(tries > 0)
    assert (made.input_tokens[again] == made.input_tokens[again - 1]).all()
    assert (owner[again] == owner[again - 1]).all()
    for attempt in (1, 2, 3):
        waited_s = made.gap_s[tries == attempt]
        assert np.median(waited_s) == pytest.approx(api.backoff_s * 2.0 ** (attempt - 1), rel=0.15)


def test_a_prompt_shares_its_tenants_system_prompt_with_an_earlier_answered_request_of_the_same_tenant() -> None:
    made, api, clients = draft(limit_floor_per_s=1e4)
    system = tenant_traits(api, clients).system_tokens
    client = made.opened.client[made.rows.session]
    linked = np.flatnonzero(made.parent_row != ROOT)
    parent = made.parent_row[linked]
    assert len(linked) > 0.9 * len(client)
    assert (client[parent] == client[linked]).all()
    assert (made.fate[parent] == SERVED).all()
    lead_s = made.opened.start_s[made.rows.session[linked]] - made.opened.start_s[made.rows.session[parent]]
    assert (lead_s >= PARENT_LEAD_S).all()
    assert (made.shared_tokens[linked] == np.minimum(system[client[linked]], made.input_tokens[linked])).all()
    assert (made.shared_tokens[made.parent_row == ROOT] == 0).all()


def test_lengths_lie_around_each_tenants_own_medians() -> None:
    made, api, clients = draft(limit_floor_per_s=1e4)
    traits = tenant_traits(api, clients)
    client = made.opened.client[made.rows.session]
    limit = int(shipped(SURFACE).context.limit_tokens)
    for tenant in range(16):
        mine = client == tenant
        median = min(traits.system_tokens[tenant] + traits.message_tokens[tenant], limit)
        assert np.median(made.input_tokens[mine]) == pytest.approx(median, rel=0.1)
        assert np.median(made.output_tokens[mine]) == pytest.approx(traits.answer_tokens[tenant], rel=0.15, abs=2.0)
