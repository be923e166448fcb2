"""Plays a fitted surface: sessions drawn by name, their calls, gaps, prompts and times as a frame of model calls."""

import hashlib

import numpy as np
import polars as pl

from telemetry_sim.errors import SettingsError
from telemetry_sim.fitted.arrivals_draw import draw_arrivals
from telemetry_sim.fitted.arrivals_sizes import placed_by_size
from telemetry_sim.fitted.frame import model_calls, standing_alone, with_service
from telemetry_sim.fitted.rows import ARRIVALS, D_CUT, D_LOST, D_OPENING, SESSIONS, Rows
from telemetry_sim.fitted.sessions import Drawn, drawn_sessions
from telemetry_sim.fitted.surface import FittedSurface
from telemetry_sim.laws import Floats, Ints
from telemetry_sim.streams import child_keys, normals, root_key, uniforms


def simulate_fitted(surface: FittedSurface, *, seed: int, sessions_count: int | None = None) -> pl.DataFrame:
    """Model calls of a fitted surface.

    Args:
        surface: What to play.
        seed: Seed of all draws; the same seed gives the same frame, and session k has the same calls whatever the
            number of sessions.
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
    if wanted == 0:
        return _played(surface, key, seed, np.zeros(1)).clear()
    starts_key = child_keys(key, ARRIVALS)[()]
    if surface.lookback_s is None:
        return _played(
            surface, key, seed, draw_arrivals(surface.arrivals, starts_key, surface.provenance.span_s, count=wanted)
        )
    span_s = surface.provenance.span_s * wanted / surface.provenance.sessions_count
    whole_s = span_s + surface.lookback_s
    expected = round(surface.arrivals.rate_per_s * whole_s)
    starts = draw_arrivals(surface.arrivals, starts_key, whole_s, count=expected) - surface.lookback_s
    calls = _played(surface, key, seed, starts if len(starts) else np.zeros(1))
    return standing_alone(surface, calls, span_s)


def _played(surface: FittedSurface, key: np.uint64, seed: int, start_s: Floats) -> pl.DataFrame:
    session_key = child_keys(child_keys(key, SESSIONS)[()], np.arange(len(start_s)))
    rows, drawn = drawn_sessions(surface, session_key)
    if surface.dependence:
        start_s = placed_by_size(surface.arrivals, key, start_s, drawn.output.astype(np.float64))
    table = pl.DataFrame(
        {
            "human": drawn.human,
            "turn_id": drawn.turn,
            "input_tokens": drawn.prompt,
            "output_tokens": drawn.output,
            "gap_s": drawn.gap_s,
            "shared_prefix_tokens": _shared(surface, rows, drawn),
        }
    )
    return model_calls(surface, rows, session_key, with_service(surface, rows, session_key, table), start_s, seed)


def _number_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")


def _shared(surface: FittedSurface, rows: Rows, drawn: Drawn) -> Ints:
    """Tokens that each prompt shares with the prompt before, in whole blocks."""
    law = surface.prefix
    if law is None:
        return np.zeros(len(drawn.prompt), np.int64)
    before = np.where(rows.step > 0, np.roll(drawn.prompt, 1), 0)
    both = np.minimum(before, drawn.prompt).astype(np.float64)
    lost, shared = normals(rows.key, D_LOST), both
    chance = uniforms(rows.key, D_CUT)
    if law.cut_lost_ratio is not None:
        cut = np.where(drawn.shrank, chance / max(law.shrunk_tail_ratio, 1e-9), chance) < law.cut_ratio
        shared = np.where(cut, both * (1.0 - law.cut_lost_ratio.drawn(lost)), shared)
    if law.shrunk_kept_tokens is not None:
        rewritten = drawn.shrank & (chance >= law.shrunk_tail_ratio)
        shared = np.where(rewritten, np.minimum(law.shrunk_kept_tokens.drawn(lost), both), shared)
    opening = np.minimum(law.opening_tokens.drawn(normals(rows.key, D_OPENING)), drawn.prompt)
    shared = np.where(rows.step == 0, opening, shared)
    return np.asarray(np.floor(np.maximum(shared, 0.0) / law.block_tokens) * law.block_tokens).astype(np.int64)
