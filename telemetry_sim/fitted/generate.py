"""Plays a fitted surface: sessions drawn by name, their calls, gaps, prompts and times as a frame of model calls."""

import hashlib
import math

import numpy as np
import polars as pl

from telemetry_sim.errors import SettingsError
from telemetry_sim.fitted.arrivals_draw import draw_arrivals
from telemetry_sim.fitted.mixture import MixtureLaw
from telemetry_sim.fitted.play import prompts_of, remembered, turns_of
from telemetry_sim.fitted.frame import model_calls, with_service
from telemetry_sim.fitted.rows import (
    ARRIVALS,
    CALLS,
    D_CUT,
    D_GAP,
    D_GROWTH,
    D_KEPT,
    D_LOST,
    D_OPENING,
    D_OUTPUT,
    D_SHRINK,
    D_TURN,
    S_CALLS,
    S_EFFECT,
    S_FIRST,
    SESSIONS,
    Rows,
)
from telemetry_sim.fitted.surface import EFFECTS, Driver, FittedSurface
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.streams import child_keys, normals, root_key, uniforms


def simulate_fitted(surface: FittedSurface, *, seed: int, sessions_count: int | None = None) -> pl.DataFrame:
    """Model calls of a fitted surface.

    Args:
        surface: What to play.
        seed: Seed of all draws; the same seed gives the same frame, and session k is the same whatever the number
            of sessions.
        sessions_count: Sessions to play; by default as many as were fitted.

    Returns:
        A frame that satisfies `ModelCalls`, in order of request.

    Raises:
        SettingsError: if the number of sessions is negative.
    """
    wanted = surface.provenance.sessions_count if sessions_count is None else sessions_count
    if wanted < 0:
        raise SettingsError(f"{wanted} sessions cannot be played; give a number from 0")
    key = root_key(seed, _number_of(surface.name))
    rows = _laid_out(surface, key, wanted)
    driver_is_human, turn = _turns(surface, rows)
    table = _calls(surface, rows, driver_is_human).with_columns(turn_id=pl.Series(turn))
    start_s = draw_arrivals(surface.arrivals, child_keys(key, ARRIVALS)[()], surface.provenance.span_s, count=wanted)
    return model_calls(surface, rows, with_service(surface, rows, table), start_s, seed)


def _number_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")


def _laid_out(surface: FittedSurface, key: np.uint64, wanted: int) -> Rows:
    session_key = child_keys(child_keys(key, SESSIONS)[()], np.arange(wanted))
    effects = surface.effects
    calls_score = normals(session_key, S_CALLS)
    rho = effects.calls_first_correlation_ratio
    first_score = rho * calls_score + math.sqrt(1.0 - rho * rho) * normals(session_key, S_FIRST)
    count = np.maximum(surface.calls_per_session.drawn(calls_score), 1).astype(np.int64)
    values, vectors = np.linalg.eigh(np.asarray(effects.residual_covariance))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    noise = np.column_stack([normals(session_key, S_EFFECT + j) for j in range(len(EFFECTS))])
    level = np.asarray(effects.intercept) + np.outer(calls_score, effects.calls_slope)
    session = np.repeat(np.arange(wanted), count)
    step = np.arange(len(session)) - np.repeat(np.cumsum(count) - count, count)
    return Rows(
        session=session,
        step=step,
        key=child_keys(child_keys(session_key, CALLS)[session], step),
        session_key=session_key,
        calls_score=calls_score,
        first_score=first_score,
        effects=level + np.outer(first_score, effects.first_slope) + noise @ root.T,
    )


def _turns(surface: FittedSurface, rows: Rows) -> tuple[Bools, Ints]:
    if surface.calls_per_turn is None:
        return np.zeros(len(rows.step), np.bool_), np.zeros(len(rows.step), np.int64)
    place = EFFECTS.index("turn")
    score = rows.effects[rows.session, place] + surface.effects.within_sigma_ratio[place] * normals(rows.key, D_TURN)
    length = np.maximum(surface.calls_per_turn.drawn(score), 1).astype(np.int64)
    turn = turns_of(rows.step, length)
    opens = np.zeros(len(turn), np.bool_)
    opens[1:] = (turn[1:] != turn[:-1]) & (rows.step[1:] > 0)
    return opens, turn


def _waves(surface: FittedSurface, rows: Rows) -> dict[str, Floats]:
    """Noise of variance 1 of answers, gaps and growth: remembered along the session, tied within a step."""
    effects = surface.effects
    lower = np.linalg.cholesky(np.asarray(effects.step_correlation))
    noise = [normals(rows.key, draw) for draw in (D_OUTPUT, D_GAP, D_GROWTH)]
    output = remembered(rows.step, noise[0], effects.memory_ratio[0])
    before = np.where(rows.step > 0, np.roll(output, 1), 0.0)
    gap_own = remembered(rows.step, noise[1], effects.memory_ratio[1])
    growth_own = remembered(rows.step, noise[2], effects.memory_ratio[2])
    gap = lower[1, 0] * before + lower[1, 1] * gap_own
    growth = lower[2, 0] * before + lower[2, 1] * gap_own + lower[2, 2] * growth_own
    return {"output": output, "gap": gap, "growth": growth}


def _scores(surface: FittedSurface, rows: Rows, name: str, wave: Floats) -> Floats:
    place = EFFECTS.index(name)
    return np.asarray(rows.effects[rows.session, place] + surface.effects.within_sigma_ratio[place] * wave)


def _calls(surface: FittedSurface, rows: Rows, human: Bools) -> pl.DataFrame:
    waves = _waves(surface, rows)
    opening = rows.step == 0
    output = _by_driver(surface.output, _scores(surface, rows, "output", waves["output"]), opening, human)
    growth = _by_driver(surface.growth, _scores(surface, rows, "growth", waves["growth"]), opening, human)
    gap_score = np.where(
        human,
        _scores(surface, rows, "human_gap", waves["gap"]),
        _scores(surface, rows, "tool_gap", waves["gap"]),
    )
    gap = _by_driver(surface.gap, gap_score, opening, human)
    first = np.maximum(surface.first_input.drawn(rows.first_score), 1.0).astype(np.int64)[rows.session]
    prompt, shrank = _prompts(surface, rows, human, first, growth.astype(np.int64))
    shared = _shared(surface, rows, prompt, shrank)
    return pl.DataFrame(
        {
            "human": human,
            "input_tokens": prompt,
            "output_tokens": output.astype(np.int64),
            "gap_s": gap,
            "shared_prefix_tokens": shared,
        }
    )


def _by_driver(laws: dict[Driver, MixtureLaw], score: Floats, opening: Bools, human: Bools) -> Floats:
    """Values of scores by the law of each row's driver; 0 where no law stands for it."""
    values = np.zeros(len(score))
    masks = {Driver.OPENING: opening, Driver.HUMAN: human & ~opening, Driver.TOOL: ~human & ~opening}
    for driver, law in laws.items():
        mask = masks[driver]
        values[mask] = law.drawn(score[mask])
    return values


def _prompts(surface: FittedSurface, rows: Rows, human: Bools, first: Ints, growth: Ints) -> tuple[Ints, Bools]:
    shrink = surface.shrink
    most = surface.most_input_tokens
    if shrink is None:
        none = np.zeros(1)
        kept, edges, tool, person = np.full(len(first), 0.5), np.zeros(0), none, none
    else:
        kept = shrink.kept_ratio.drawn(normals(rows.key, D_KEPT))
        edges = np.asarray(shrink.context_edges_tokens)
        tool, person = np.asarray(shrink.tool_hazard_ratio), np.asarray(shrink.human_hazard_ratio)
    chance = uniforms(rows.key, D_SHRINK)
    return prompts_of(rows.step, human, first, growth, chance, kept, edges, tool, person, most)


def _shared(surface: FittedSurface, rows: Rows, prompt: Ints, shrank: Bools) -> Ints:
    law = surface.prefix
    if law is None:
        return np.zeros(len(prompt), np.int64)
    before = np.where(rows.step > 0, np.roll(prompt, 1), 0)
    both = np.minimum(before, prompt).astype(np.float64)
    shared = both
    if law.cut_lost_ratio is not None:
        cut = uniforms(rows.key, D_CUT) < law.cut_ratio
        shared = np.where(cut, both * (1.0 - law.cut_lost_ratio.drawn(normals(rows.key, D_LOST))), shared)
    if law.shrunk_kept_tokens is not None:
        shared = np.where(shrank, np.minimum(law.shrunk_kept_tokens.drawn(normals(rows.key, D_LOST)), both), shared)
    opening = np.minimum(law.opening_tokens.drawn(normals(rows.key, D_OPENING)), prompt)
    shared = np.where(rows.step == 0, opening, shared)
    return np.asarray(np.floor(np.maximum(shared, 0.0) / law.block_tokens) * law.block_tokens).astype(np.int64)
