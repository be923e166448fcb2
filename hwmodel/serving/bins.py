"""Counters of what the steps of a replay were made of, kept inside the loop."""

from typing import NamedTuple

import numpy as np
from numba import njit

from warehouse.contracts import SURFACES

SURFACE_COUNT = len(SURFACES)
CHUNK_BINS, CONTEXT_BINS, SEQUENCE_BINS, KV_BINS = 16, 17, 21, 24
BIN_COUNT = CHUNK_BINS * CONTEXT_BINS * SEQUENCE_BINS * KV_BINS


class Bins(NamedTuple):
    """Sums over the steps of each bin. One bin holds steps alike in chunk, context, sequences and KV (log scale)."""

    steps: np.ndarray
    sums: np.ndarray
    """(bins, 5): busy ns, prompt tokens, prompt tokens x context before them, decoding sequences, KV tokens."""
    caused: np.ndarray
    """(bins, 3, surfaces): prompt tokens, decoding sequences, KV tokens of each surface."""


def fresh_bins(*, counting: bool) -> Bins:
    """Empty counters; without counting they have no room and cost nothing."""
    size = BIN_COUNT if counting else 0
    return Bins(
        np.zeros(size, dtype=np.int64),
        np.zeros((size, 5), dtype=np.float64),
        np.zeros((size, 3, SURFACE_COUNT), dtype=np.float64),
    )


@njit(nogil=True)
def _log_bin(value: float, first: float, per_octave: float, count: int) -> int:
    """0 below `first`, then `per_octave` bins per doubling, the last one open."""
    if value < first:
        return 0
    return min(1 + int(np.log2(value / first) * per_octave), count - 1)


@njit(nogil=True)
def bin_of(chunk: int, context: float, decoding: int, kv_tokens: int) -> int:
    """The bin of a step."""
    a = _log_bin(float(chunk), 1.0, 1.0, CHUNK_BINS)
    b = _log_bin(context, 64.0, 1.0, CONTEXT_BINS) if chunk > 0 else 0
    c = _log_bin(float(decoding), 1.0, 2.0, SEQUENCE_BINS)
    d = _log_bin(float(kv_tokens), 64.0, 1.0, KV_BINS)
    return ((a * CONTEXT_BINS + b) * SEQUENCE_BINS + c) * KV_BINS + d


@njit(nogil=True)
def count_step(
    bins: Bins,
    duration_ns: int,
    chunk: int,
    context: float,
    decoding: int,
    kv_tokens: int,
    chunk_of: np.ndarray,
    decoding_of: np.ndarray,
    kv_of: np.ndarray,
) -> None:
    """Add one step to its bin."""
    at = bin_of(chunk, context, decoding, kv_tokens)
    bins.steps[at] += 1
    bins.sums[at, 0] += duration_ns
    bins.sums[at, 1] += chunk
    bins.sums[at, 2] += chunk * context
    bins.sums[at, 3] += decoding
    bins.sums[at, 4] += kv_tokens
    for surface in range(decoding_of.size):
        if chunk > 0:
            bins.caused[at, 0, surface] += chunk_of[surface]
        bins.caused[at, 1, surface] += decoding_of[surface]
        bins.caused[at, 2, surface] += kv_of[surface]
