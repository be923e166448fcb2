"""The numbers of the draws: which random number of a stream decides what. A session's stream, then a row's.

A number is used once per stream. New behaviour takes the next free number, so that what exists keeps its bytes.
"""

import numpy as np

from telemetry_sim.laws import Ints
from telemetry_sim.streams import Keys, child_keys, root_key
from warehouse.contracts import Surface

SESSION_STREAMS = 3
"""What sessions hang from below (seed, surface); clients hang from 1, crowds from 2."""

(
    CALLS_OF_SESSION,
    HAS_SUBAGENT,
    SPAWN_STEP,
    SUBAGENT_CALLS,
    LARGE_LIMIT,
    IS_FRESH,
    FIRST_PROMPT,
    HAS_MORE_TURNS,
    LATER_TURNS,
    FIRST_MODEL,
    IS_LINKED,
    MESSAGE,
    ANSWER,
) = (np.uint64(number) for number in range(13))
"""Draws of a session."""
ATTEMPTS = np.uint64(64)
"""Draws of a session from here on: the jitter of its attempts."""

(
    CALL_FATE,
    TURN_LENGTH,
    NEXT_PHASE,
    PHASE_FAILS,
    GIVES_UP,
    INTERRUPTED,
    INTERRUPT_PLACE,
    INTERRUPT_TIME,
    SWITCHES_MODEL,
    NEXT_MODEL,
    TOOL_COUNT,
    NEEDS_APPROVAL,
    APPROVAL_TIME,
    OVERHEAD,
    PAUSES,
    PAUSE_TIME,
    HUMAN_GAP,
    OUTPUT,
    THINKS,
    THINKING_SHARE,
    THINKS_MOST,
    ADDED,
    SUBAGENT_FIRST,
    COMPACTED,
    REWRITES,
    REWRITE_KEPT,
    CACHE_LOST,
    CACHE_EXPIRED,
    SERVICE_NOISE,
    DECODE_NOISE,
    QUEUE,
    WATCHED,
    FIRST_PATIENCE,
    LAST_PATIENCE,
    DOCUMENT,
    HAS_DOCUMENT,
    BRINGS_IMAGES,
    IMAGE_COUNT,
    IMAGE_SIZE,
    OTHER_IMAGE_SIZE,
    BACKOFF,
    CACHE_LOST_AT_TURN,
) = (np.uint64(number) for number in range(42))
"""Draws of a row of a session."""
TOOLS = 256
"""Children of a row's stream from here on: its tools."""
TOOL_KIND, TOOL_TIME, TOOL_IS_SLOW = (np.uint64(number) for number in range(3))
"""Draws of a tool."""


def session_keys(seed: int, surface: Surface, day_number: int, client: Ints, ordinal: Ints) -> Keys:
    """Streams of sessions: of each client's `ordinal`-th session that starts on a day (proleptic day number)."""
    clients = child_keys(root_key(seed, list(Surface).index(surface), SESSION_STREAMS), client)
    return child_keys(child_keys(clients, day_number), ordinal)
