"""What a batch of sessions would do if nobody left: the ragged table that behaviours fill and the incumbent plays."""

from dataclasses import dataclass

import numpy as np

from telemetry_sim.laws import Bools, Codes, Floats, Ints
from telemetry_sim.streams import Keys, child_keys

SERVED, CANCELLED, REFUSED, FAILED, INTERRUPTED = 0, 1, 2, 3, 4
"""Codes of a call's fate, in the order of `CallStatus`; an interrupted call was cut by a user who stays."""
ROOT = -1
"""Row number that stands for no row."""
NO_PHASE = -1
"""Phase code of surfaces without phases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Columns over the sessions of a batch, in order of client and number: who starts what, and when."""

    client: Ints
    ordinal: Ints
    """Number of the session among its client's sessions of the start day."""
    start_s: Floats
    """Seconds since the UTC midnight that begins the start day."""
    key: Keys
    """Stream of each session: all its random numbers come from it."""
    tier: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDraft:
    """Columns over tool calls, in order of the asking row."""

    row: Ints
    kind: Codes
    duration_s: Floats
    """Not a number for a sub-agent: its span is known only after the play."""
    ok: Bools

    @classmethod
    def none(cls) -> "ToolDraft":
        """No tools."""
        return cls(row=np.empty(0, np.int64), kind=np.empty(0, np.int8), duration_s=np.empty(0), ok=np.empty(0, bool))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """Sessions of given lengths laid out as rows."""

    first_row: Ints
    session: Ints
    step: Ints

    @classmethod
    def of(cls, row_count: Ints) -> "Ragged":
        """Row numbers, owners and places for sessions of `row_count` rows each."""
        first_row = np.concatenate([np.zeros(1, np.int64), np.cumsum(row_count)[:-1]])[: len(row_count)]
        session = np.repeat(np.arange(len(row_count), dtype=np.int64), row_count)
        return cls(first_row=first_row, session=session, step=np.arange(len(session)) - first_row[session])

    def row_keys(self, session_key: Keys) -> Keys:
        """Stream of each row."""
        return child_keys(session_key[self.session], self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Columns over sessions, then columns over call rows; the rows of a session lie together, in order of request."""

    opened: Opened
    rows: Ragged
    row_count: Ints
    """Rows that the session would request."""
    escalated: Bools
    is_linked: Bools
    """Sessions that may go on from a prompt of their client's session before."""
    is_fresh: Bools
    """Sessions whose first prompt is new but for the system prompt."""

    row_key: Keys
    turn: Ints
    phase: Codes
    model: Codes
    is_subagent: Bools
    asks_tools: Bools
    is_watched: Bools
    """Whether somebody may be waiting for this call."""
    opens_turn: Bools
    gap_s: Floats
    """After the end of the row before; 0 in a session's first row."""
    approval_s: Floats
    """Time that this row's tools waited for approval before they ran."""
    input_tokens: Ints
    shared_tokens: Ints
    parent_row: Ints
    output_tokens: Ints
    reasoning_tokens: Ints
    image_tokens: Ints
    """Tokens of pictures that came with this call (earlier ones are part of the shared prefix)."""
    fate: Codes
    """SERVED, REFUSED, FAILED or INTERRUPTED; the play turns some SERVED into CANCELLED."""
    tools: ToolDraft
    system_tokens: int
    """Part of a prompt that all fresh prompts of one client share; 0 where the behaviour links prompts by itself."""
    refusal_s: float
    """Duration of a refused call."""
