"""The rows of a play: which call of which session each is, its stream, and the numbers of the draws it makes."""

from dataclasses import dataclass

from telemetry_sim.laws import Ints
from telemetry_sim.streams import Keys

ARRIVALS, SESSIONS, CALLS = 1, 2, 1_000_003
"""Streams: under the surface's key; under a session's key."""
D_OUTPUT, D_GAP, D_GROWTH, D_SHRINK, D_KEPT, D_CUT, D_LOST, D_FINISH = range(8)
D_SERVICE, D_TTFT, D_STREAMED, D_TOLD, D_TURN, D_OPENING, D_END = range(8, 15)
"""Numbers of the draws of a call's stream."""
S_FIRST, S_SERVICE, S_MODEL, S_CLASS, S_EFFECT = range(5)
"""Numbers of the draws of a session's stream; effects follow one another from S_EFFECT."""
S_TURN = 64
"""Numbers of the draws that turn the lattice of sessions, from the first session's stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The calls of a play, in order of session and step."""

    session: Ints
    step: Ints
    key: Keys
    """Stream of each row."""
