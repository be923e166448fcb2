"""Sessions of a fitted surface laid out as calls: turns, answers, gaps, prompts, and where each session ends."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.special import ndtr, ndtri

from telemetry_sim.fitted.dependence import shares_given
from telemetry_sim.fitted.mixture import MixtureLaw
from telemetry_sim.fitted.play import prompts_of, remembered, turns_of
from telemetry_sim.fitted.rows import (
    CALLS,
    D_END,
    D_GAP,
    D_GROWTH,
    D_KEPT,
    D_OUTPUT,
    D_SHRINK,
    D_TURN,
    S_CLASS,
    S_EFFECT,
    S_FIRST,
    S_TURN,
    Rows,
)
from telemetry_sim.fitted.surface import EFFECTS, Driver, FittedSurface
from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.streams import Keys, child_keys, normals, uniforms

FIRST_HORIZON = 64
"""Calls that a session is laid out with at first; sessions that go on are laid out again, twice as long."""
DIMENSIONS = 2 + len(EFFECTS)
"""Draws that make a session: its first prompt, its class, its effects."""
MOST_ROWS = 4_000_000
"""Rows laid out at once."""

FALLBACKS = (
    (Driver.OPENING, Driver.TOOL, Driver.HUMAN),
    (Driver.TOOL, Driver.HUMAN, Driver.OPENING),
    (Driver.HUMAN, Driver.TOOL, Driver.OPENING),
)
"""Whose law a driver has, first choice first: for an opening, a tool-driven and a human-driven call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Columns over rows."""

    human: Bools
    """Whether a human's request brought the call about; False for a session's first."""
    turn: Ints
    prompt: Ints
    shrank: Bools
    output: Ints
    gap_s: Floats
    ends: Bools
    scores: Floats
    """Normal scores by effect, shape (rows, effects); that of turns counts where a turn opens."""


def drawn_sessions(surface: FittedSurface, session_key: Keys) -> tuple[Rows, Drawn]:
    """All calls of the sessions, each to its end.

    A session's draws carry the number of its call, so a session laid out twice as long begins with the same calls.

    Args:
        surface: What to play.
        session_key: Stream of each session.
    """
    most = surface.ending.most_calls
    open_places = np.arange(len(session_key))
    horizon = min(FIRST_HORIZON, most)
    parts: list[tuple[Rows, Drawn]] = []
    while len(open_places):
        chunk = max(MOST_ROWS // horizon, 1)
        going: list[Ints] = []
        for begin in range(0, len(open_places), chunk):
            places = open_places[begin : begin + chunk]
            rows, drawn = _laid_out(surface, session_key, places, horizon)
            ends = drawn.ends.reshape(len(places), horizon)
            closed = np.asarray(ends.any(axis=1) | (horizon == most), dtype=np.bool_)
            length = np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, horizon)
            parts.append(_kept(rows, drawn, (np.arange(horizon) < length[:, None]) & closed[:, None]))
            going.append(places[~closed])
        open_places = np.concatenate(going)
        horizon = min(2 * horizon, most)
    return _joined(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traits:
    """What a session is, repeated over its rows."""

    level: Floats
    """Mean score of sessions of this kind by effect, shape (rows, effects)."""
    own: Floats
    """What the session adds."""
    first: Ints
    """First prompt, tokens."""
    kind: Ints
    """Class of the context."""
    alone: Floats | None
    """Score of the answer where calls stand alone and their dependence is told by a table."""


def evenly_spread(key: np.uint64, number: Ints) -> Floats:
    """Uniform draws of sessions that fill the unit cube evenly: a lattice turned by chance, one turn per play.

    Two plays of a few hundred sessions differ less from each other than independent sessions would, each session is
    still uniform and still made from its number alone (additive recurrence on the roots of x^(d+1) = x + 1; Roberts,
    The unreasonable effectiveness of quasirandom sequences, 2018).

    Args:
        key: Stream of the play's first session, for the turn.
        number: Number of each session.

    Returns:
        Shape (sessions, 2 + effects), in the open interval (0, 1).
    """
    root = 2.0
    for _ in range(40):
        root = (1.0 + root) ** (1.0 / (DIMENSIONS + 1))
    stride = root ** -np.arange(1.0, DIMENSIONS + 1)
    turn = uniforms(key, S_TURN + np.arange(DIMENSIONS))
    return np.asarray(np.clip((turn + np.outer(number, stride)) % 1.0, 1e-9, 1.0 - 1e-9))


def _laid_out(surface: FittedSurface, session_key: Keys, places: Ints, horizon: int) -> tuple[Rows, Drawn]:
    keys = session_key[places]
    spread_out = surface.ending.most_calls > 1 or surface.dependence
    even = evenly_spread(session_key[0], places) if spread_out else None
    first_score = normals(keys, S_FIRST) if even is None else ndtri(even[:, 0])
    first = np.maximum(surface.first_input.drawn(first_score), 1.0).astype(np.int64)
    share = np.asarray(surface.classes.large_ratio)[np.searchsorted(surface.classes.first_edges_tokens, first)]
    is_large = (uniforms(keys, S_CLASS) if even is None else even[:, 1]) < share
    effects = surface.effects
    values, vectors = np.linalg.eigh(np.asarray(effects.residual_covariance))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    own_draws = [normals(keys, S_EFFECT + j) for j in range(len(EFFECTS))]
    noise = np.column_stack(own_draws) if even is None else ndtri(even[:, 2:])
    level = np.asarray(effects.intercept) + np.outer(first_score, effects.first_slope)
    level += np.outer(is_large, effects.large_shift)
    own = noise @ root.T
    local = np.repeat(np.arange(len(places)), horizon)
    step = np.tile(np.arange(horizon), len(places))
    rows = Rows(session=places[local], step=step, key=child_keys(child_keys(keys, CALLS)[local], step))
    kind = np.where(is_large, 2, first > surface.classes.resumed_from_tokens)
    kind = np.minimum(kind, len(surface.contexts) - 1)
    alone = None
    if surface.dependence and even is not None:
        alone = ndtri(shares_given(surface.dependence, ndtr(first_score), even[:, 2]))[local]
    traits = _Traits(level=level[local], own=own[local], first=first[local], kind=kind[local], alone=alone)
    return rows, _calls(surface, rows, traits)


def _calls(surface: FittedSurface, rows: Rows, traits: _Traits) -> Drawn:
    human, turn, turn_score = _turns(surface, rows, traits.level + traits.own)
    waves = _waves(surface, rows)
    sigma = surface.effects.within_sigma_ratio
    first_band = np.searchsorted(surface.course.first_edges_tokens, traits.first)
    step_band = np.searchsorted(surface.course.step_edges_count, rows.step)
    shift = np.asarray(surface.course.shift)[:, first_band, step_band]
    spread = np.asarray(surface.course.spread)[:, first_band, step_band]
    reach = np.asarray(surface.course.reach)[:, first_band, step_band]
    score = {
        name: traits.level[:, j] + shift[j] + reach[j] * traits.own[:, j] + spread[j] * sigma[j] * waves[name]
        for j, name in enumerate(EFFECTS[:-1])
    }
    if traits.alone is not None:
        score["output"] = traits.alone
    opening = rows.step == 0
    output = _by_driver(surface.output, score["output"], opening, human)
    second = (rows.step == 1) & (traits.first <= surface.classes.resumed_from_tokens)
    growth = _by_driver(surface.growth, score["growth"], second, human)
    gap = _by_driver(surface.gap, np.where(human, score["human_gap"], score["tool_gap"]), opening, human)
    prompt, shrank, ends = _prompts(surface, rows, traits, human, growth.astype(np.int64))
    return Drawn(
        human=human,
        turn=turn,
        prompt=prompt,
        shrank=shrank,
        output=output.astype(np.int64),
        gap_s=gap,
        ends=ends,
        scores=np.stack([*(score[name] for name in EFFECTS[:-1]), turn_score], axis=1),
    )


def _turns(surface: FittedSurface, rows: Rows, level: Floats) -> tuple[Bools, Ints, Floats]:
    """Whether a row opens a turn inside its session, the turn's number, and the score of a turn that would open."""
    if surface.calls_per_turn is None:
        return np.zeros(len(rows.step), np.bool_), np.zeros(len(rows.step), np.int64), np.zeros(len(rows.step))
    place = EFFECTS.index("turn")
    score = level[:, place] + surface.effects.within_sigma_ratio[place] * normals(rows.key, D_TURN)
    length = np.maximum(surface.calls_per_turn.drawn(score), 1).astype(np.int64)
    turn = turns_of(rows.step, length)
    opens = np.zeros(len(turn), np.bool_)
    opens[1:] = (turn[1:] != turn[:-1]) & (rows.step[1:] > 0)
    return opens, turn, score


def _waves(surface: FittedSurface, rows: Rows) -> dict[str, Floats]:
    """Noise of variance 1 of answers, gaps and growth: remembered along the session, tied within a step."""
    effects = surface.effects
    lower = np.linalg.cholesky(np.asarray(effects.step_correlation))
    noise = [normals(rows.key, draw) for draw in (D_OUTPUT, D_GAP, D_GROWTH)]
    gap_own = remembered(rows.step, noise[1], effects.memory_ratio[1])
    output_own = remembered(rows.step, noise[0], effects.memory_ratio[0])
    tie = effects.gap_output_correlation_ratio
    output = np.where(rows.step > 0, tie * gap_own + np.sqrt(1.0 - tie * tie) * output_own, output_own)
    before = np.where(rows.step > 0, np.roll(output, 1), 0.0)
    growth_own = remembered(rows.step, noise[2], effects.memory_ratio[2])
    gap = lower[1, 0] * before + lower[1, 1] * gap_own
    growth = lower[2, 0] * before + lower[2, 1] * gap_own + lower[2, 2] * growth_own
    return {"output": output, "tool_gap": gap, "human_gap": gap, "growth": growth}


def _by_driver(laws: dict[Driver, MixtureLaw], score: Floats, opening: Bools, human: Bools) -> Floats:
    """Values of scores by the law of each row's driver; a driver without a law has another's, without any 0."""
    values = np.zeros(len(score))
    driver = np.where(opening, 0, np.where(human, 2, 1))
    for place, order in enumerate(FALLBACKS):
        law = next((laws[word] for word in order if word in laws), None)
        mask = driver == place
        if law is not None:
            values[mask] = law.drawn(score[mask])
    return values


def _prompts(
    surface: FittedSurface, rows: Rows, traits: _Traits, human: Bools, growth: Ints
) -> tuple[Ints, Bools, Bools]:
    ending, laws = surface.ending, surface.contexts
    kept = np.full(len(growth), 0.5)
    if surface.kept_ratio is not None:
        kept = surface.kept_ratio.drawn(normals(rows.key, D_KEPT))
    hazards = [_padded([getattr(law, f"{who}_hazard_ratio") for law in laws], 0.0) for who in ("tool", "human")]
    return prompts_of(
        rows.step,
        human,
        traits.kind,
        traits.first,
        growth,
        uniforms(rows.key, D_SHRINK),
        kept,
        np.array([law.most_tokens for law in laws], dtype=np.int64),
        _padded([law.shrink_edges_tokens for law in laws], np.inf),
        np.stack(hazards, axis=1),
        uniforms(rows.key, D_END),
        np.asarray(ending.step_rate_ratio)[np.searchsorted(ending.step_edges_count, rows.step)],
        _padded([law.end_edges_tokens for law in laws], np.inf),
        _padded([law.end_factor_ratio for law in laws], 1.0),
    )


def _padded(rows: Sequence[Sequence[float]], filling: float) -> Floats:
    """Rows of unequal length as one table."""
    table = np.full((len(rows), max(len(row) for row in rows)), filling)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _kept(rows: Rows, drawn: Drawn, mask: Bools) -> tuple[Rows, Drawn]:
    flat = mask.ravel()
    return (
        Rows(**{entry.name: getattr(rows, entry.name)[flat] for entry in fields(Rows)}),
        Drawn(**{entry.name: getattr(drawn, entry.name)[flat] for entry in fields(Drawn)}),
    )


def _joined(parts: list[tuple[Rows, Drawn]]) -> tuple[Rows, Drawn]:
    """All parts, in order of session and step."""
    session = np.concatenate([rows.session for rows, _ in parts] or [np.zeros(0, np.int64)])
    order = np.argsort(session, kind="stable")
    columns = {e.name: np.concatenate([getattr(rows, e.name) for rows, _ in parts])[order] for e in fields(Rows)}
    values = {e.name: np.concatenate([getattr(drawn, e.name) for _, drawn in parts])[order] for e in fields(Drawn)}
    return Rows(**columns), Drawn(**values)
