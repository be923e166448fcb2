"""What the compiled replay knows of drafts beside the machine."""

from typing import NamedTuple

import numpy as np

from hwmodel.serving.engine import DraftCounts, Speculation


class Drafting(NamedTuple):
    """The law by which drafts are accepted, and what became of them."""

    chances: np.ndarray
    """By place of the draft: that it, and so all before it, is accepted."""
    seed: int
    step: np.ndarray
    """(1,): drafts in the step being made."""
    counts: np.ndarray
    """(3,): see `DraftCounts`."""


def fresh_drafting(speculation: Speculation) -> Drafting:
    """Nothing drafted yet."""
    return Drafting(speculation.table, speculation.seed, np.zeros(1, dtype=np.int64), np.zeros(3, dtype=np.int64))


def counts_of(drafting: Drafting) -> DraftCounts:
    """What became of the drafts of a replay that has run."""
    verified, drafted, accepted = drafting.counts.tolist()
    return DraftCounts(verified_count=verified, drafted_tokens=drafted, accepted_tokens=accepted)
