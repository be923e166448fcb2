"""Everything the loop of the Sarathi scheduler reads and writes."""

from typing import NamedTuple

import numpy as np

from hwmodel.serving.engine import EngineCalls

NO_BLOCKS = -1
NOT_YET = -1

CALL = np.dtype(
    [
        ("arrival_ns", np.int64),
        ("prompt", np.int64),
        ("output", np.int64),
        ("done", np.int64),  # tokens with KV, the emitted one included
        ("blocks", np.int64),
        ("decoding", np.bool_),
        ("part", np.int64),  # tokens in the current step
        ("scheduled_ns", np.int64),
        ("first_ns", np.int64),
        ("last_ns", np.int64),
        ("restarts", np.int64),
    ]
)
TOTALS = np.dtype(
    [
        ("arrived", np.int64),
        ("waiting_from", np.int64),
        ("waiting_to", np.int64),
        ("running", np.int64),
        ("batch", np.int64),
        ("tokens", np.int64),
        ("free_blocks", np.int64),
        ("holding", np.int64),
        ("steps", np.int64),
        ("busy_ns", np.int64),
        ("computed_tokens", np.int64),
    ]
)


class SarathiState(NamedTuple):
    """Calls in order of arrival, and lists of their positions."""

    calls: np.ndarray
    waiting: np.ndarray
    running: np.ndarray
    """Calls of earlier steps, first to last."""
    batch: np.ndarray
    totals: np.ndarray
    """One row."""


class SarathiLimits(NamedTuple):
    """Bounds of a step and of the cache."""

    sequences: int
    tokens: int
    block_tokens: int
    watermark_blocks: int


def fresh_state(calls: EngineCalls, order: np.ndarray, kv_blocks: int) -> SarathiState:
    """Nobody has arrived; the calls stand in `order`."""
    rows = np.zeros(len(calls), dtype=CALL)
    rows["arrival_ns"] = calls.start_ns[order]
    rows["prompt"], rows["output"] = calls.input_tokens[order], calls.output_tokens[order]
    rows["blocks"] = NO_BLOCKS
    rows["scheduled_ns"] = rows["first_ns"] = rows["last_ns"] = NOT_YET
    totals = np.zeros(1, dtype=TOTALS)
    totals["free_blocks"] = kv_blocks
    waiting, running, batch = (np.zeros(len(calls), dtype=np.int64) for _ in range(3))
    return SarathiState(rows, waiting, running, batch, totals)
