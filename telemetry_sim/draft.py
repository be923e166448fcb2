"""What a block of sessions would do if nobody left: the ragged table that behaviours fill and the incumbent plays."""

from dataclasses import dataclass

import numpy as np

from telemetry_sim.laws import Bools, Codes, Floats, Ints

SERVED, CANCELLED, REFUSED, FAILED = 0, 1, 2, 3
"""Codes of a call's fate, in the order of `CallStatus`."""
ROOT = -1
"""Row number that stands for no row."""


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
class Draft:
    """Columns over sessions, then columns over call rows; the rows of a session lie together, in order of request."""

    client: Ints
    start_s: Floats
    first_row: Ints
    row_count: Ints
    """Rows that the session would request."""
    escalated: Bools

    session: Ints
    step: Ints
    turn: Ints
    phase: Codes
    is_subagent: Bools
    asks_tools: Bools
    is_watched: Bools
    """Whether somebody may be waiting for this call."""
    gap_s: Floats
    """After the end of the row before; 0 in a session's first row."""
    idle_s: Floats
    """Since the parent's answer, model time of calls in between left out; what the cache expires on."""
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
    """SERVED, REFUSED or FAILED; the play turns some SERVED into CANCELLED."""
    tools: ToolDraft
    refusal_s: float
    """Duration of a refused call."""


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
