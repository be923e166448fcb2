"""The rows of a play: sessions laid out as calls, each with its stream, and the numbers of the draws they make."""

from dataclasses import dataclass

from telemetry_sim.laws import Floats, Ints
from telemetry_sim.streams import Keys

ARRIVALS, SESSIONS, CALLS = 1, 2, 1_000_003
"""Streams: under the surface's key; under a session's key."""
D_OUTPUT, D_GAP, D_GROWTH, D_SHRINK, D_KEPT, D_CUT, D_LOST, D_FINISH = range(8)
D_SERVICE, D_TTFT, D_STREAMED, D_TOLD, D_TURN, D_OPENING, D_MODEL = range(8, 15)
"""Numbers of the draws of a call's stream."""
S_CALLS, S_FIRST, S_SERVICE, S_MODEL, S_EFFECT = 0, 1, 2, 3, 4
"""Numbers of the draws of a session's stream; effects follow one another from S_EFFECT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The sessions of a play laid out as rows, in order of session and step."""

    session: Ints
    step: Ints
    key: Keys
    """Stream of each row."""
    session_key: Keys
    """Stream of each session."""
    calls_score: Floats
    """Normal score of each session's number of calls."""
    first_score: Floats
    """Normal score of each session's first prompt."""
    effects: Floats
    """Mean score of each session by quantity, shape (sessions, effects)."""
