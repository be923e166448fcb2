import numpy as np
import pytest
from scipy.stats import norm

from telemetry_sim import surface_parameters
from telemetry_sim.behaviour.patience import draw_deadlines
from telemetry_sim.streams import child_keys, root_key
from warehouse.contracts import Surface

COUNT = 40_000
WATCHED = np.ones(COUNT, np.bool_)
KEYS = child_keys(root_key(0), np.arange(COUNT))


def test_nobody_leaves_when_abandonment_is_off() -> None:
    patience = surface_parameters(Surface.LONG_CONTEXT_CHAT).patience
    deadlines = draw_deadlines(patience, KEYS, WATCHED, abandonment=False)
    assert np.all(np.isinf(deadlines.first_token_s))
    assert np.all(np.isinf(deadlines.last_token_s))


def test_about_half_of_chat_readers_have_left_between_four_and_eight_seconds() -> None:
    # the declared assumption: completion about halves at 4 to 8 s to the first token
    patience = surface_parameters(Surface.LONG_CONTEXT_CHAT).patience
    first_s = draw_deadlines(patience, KEYS, WATCHED, abandonment=True).first_token_s
    assert 4.0 < float(np.median(first_s)) < 8.0
    law = patience.first_token
    expected = norm.cdf(np.log(3.0 / law.median_s) / law.sigma_ratio)
    assert float((first_s < 3.0).mean()) == pytest.approx(expected, abs=0.01)


def test_agents_tolerate_forty_seconds_better_than_chats_tolerate_ten() -> None:
    def left(surface: Surface, wait_s: float) -> float:
        patience = surface_parameters(surface).patience
        deadlines = draw_deadlines(patience, KEYS, WATCHED, abandonment=True)
        return float((deadlines.first_token_s < wait_s).mean())

    assert left(Surface.CODEX_LOOP, 40.0) < 0.25
    assert left(Surface.LONG_CONTEXT_CHAT, 10.0) > 0.5


def test_calls_that_nobody_watches_have_no_deadline() -> None:
    patience = surface_parameters(Surface.CODEX_LOOP).patience
    deadlines = draw_deadlines(patience, KEYS, ~WATCHED, abandonment=True)
    assert np.all(np.isinf(deadlines.last_token_s))


def test_patience_for_the_last_token_is_at_least_that_for_the_first() -> None:
    patience = surface_parameters(Surface.ALWAYS_ON_ASSISTANT).patience
    deadlines = draw_deadlines(patience, KEYS, WATCHED, abandonment=True)
    assert np.all(deadlines.last_token_s >= deadlines.first_token_s)
