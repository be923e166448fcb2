"""Tunes a fitted surface against its own play: played scores must have mean 0 and variance 1, as the trace's."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from telemetry_sim.fitted.generate import simulate_fitted
from telemetry_sim.fitted.rows import Rows
from telemetry_sim.fitted.sessions import Drawn, drawn_sessions
from telemetry_sim.fitted.surface import EFFECTS, FittedSurface
from telemetry_sim.streams import child_keys, root_key

if TYPE_CHECKING:
    from telemetry_sim.laws import Bools

GAINS = (1.0, 1.0, 0.5, 0.4, 0.3)
"""What part of the miss each round makes good: later ones, each on sessions of its own, average their chance out."""
CALLS = 80_000
MOST_SESSIONS = 4_000
LEAST_ROWS = 500
WINDOW_ROUNDS, WINDOW_PLAYS = 2, 6
LEAST_VARIANCE = 0.1
SEED = 20_231_116
"""Assumed: any; the same for all surfaces, so that a fit is a function of its trace."""


def tuned(surface: FittedSurface, calls_per_session: float | None) -> FittedSurface:
    """The surface with intercepts, spreads inside sessions and ends moved until its play has the laws' own marginals.

    Long sessions, early ends and limits tie the number of calls to their sizes, so that moments by session do not give
    the marginals over calls.

    Args:
        surface: What to move.
        calls_per_session: Mean number of calls that a session is to have; None leaves the ends as they are.
    """
    per_session = max(surface.provenance.calls_count / max(surface.provenance.sessions_count, 1), 1.0)
    sessions = int(np.clip(CALLS / per_session, 1, MOST_SESSIONS))
    if surface.ending.most_calls == 1:
        sessions = LEAST_ROWS * 4
    for number, gain in enumerate(GAINS):
        rows, drawn = drawn_sessions(surface, child_keys(root_key(SEED, number), np.arange(sessions)))
        surface = _moved(surface, rows, drawn, gain)
        if calls_per_session is not None and surface.ending.most_calls > 1:
            surface = _ending(surface, (len(rows.step) / sessions / calls_per_session) ** gain)
    return surface


def _ending(surface: FittedSurface, factor: float) -> FittedSurface:
    """The surface with rates of ending so many times as high."""
    factor = float(np.clip(factor, 0.5, 2.0))
    rates = tuple(rate * factor for rate in surface.ending.step_rate_ratio)
    return replace(surface, ending=replace(surface.ending, step_rate_ratio=rates))


def _moved(surface: FittedSurface, rows: Rows, drawn: Drawn, gain: float) -> FittedSurface:
    effects = surface.effects
    intercept, sigma = list(effects.intercept), list(effects.within_sigma_ratio)
    inner = rows.step > 0
    human = drawn.human & inner
    masks: dict[str, Bools] = {
        "output": np.ones_like(inner),
        "growth": inner,
        "tool_gap": inner & ~human,
        "human_gap": human,
        "turn": human | ~inner,
    }
    for place, name in enumerate(EFFECTS):
        score = drawn.scores[masks[name], place]
        if len(score) < LEAST_ROWS or (name == "turn" and surface.calls_per_turn is None):
            continue
        intercept[place] -= gain * float(score.mean())
        variance = max(sigma[place] ** 2 + gain * (1.0 - float(score.var())), LEAST_VARIANCE)
        sigma[place] = float(np.sqrt(variance))
    moved = replace(effects, intercept=tuple(intercept), within_sigma_ratio=tuple(sigma))
    return replace(surface, effects=moved)


def with_window(surface: FittedSurface) -> FittedSurface:
    """The surface with the rate of conversations that gives the trace's number of calls in its span.

    Conversations that last longer than the look-back leave gaps in the window, so the rate is moved until plays agree.
    """
    rows, _ = drawn_sessions(surface, child_keys(root_key(SEED), np.arange(MOST_SESSIONS)))
    calls = surface.provenance.calls_count
    rate = calls / surface.provenance.span_s * MOST_SESSIONS / len(rows.step)
    for _ in range(WINDOW_ROUNDS):
        surface = replace(surface, arrivals=replace(surface.arrivals, rate_per_s=rate))
        played = sum(simulate_fitted(surface, seed=SEED + number).height for number in range(WINDOW_PLAYS))
        rate *= float(np.clip(calls * WINDOW_PLAYS / max(played, 1), 0.25, 4.0))
    return replace(surface, arrivals=replace(surface.arrivals, rate_per_s=rate))
