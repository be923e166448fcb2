"""Whose blocks a call's prefix lies in: lineages brought to the call, or system prompt, that first wrote them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numba import njit

from hwmodel.serving.engine.calls import NONE, EngineCalls


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Where each call's content begins to be its own.

    Contents are numbered: call c owns content c, system prompt s owns content (calls + s).
    """

    owner: Int[np.ndarray, "calls"]
    """Content in which the last shared block lies; -1 where nothing is shared."""
    shared_blocks: Int[np.ndarray, "calls"]
    """Whole blocks shared: the call's own content starts there."""
    systems_count: int


def owners_of(calls: EngineCalls, *, block_tokens: int, prefix_caching: bool) -> Owners:
    """Owner and whole shared blocks of every call.

    A block is shared where all its tokens are; the last prompt token never is, for the model must run on it.
    """
    size = len(calls)
    system = np.where(calls.parent == NONE, calls.system, NONE)
    systems_count = int(system.max(initial=NONE)) + 1
    if not prefix_caching:
        none = np.full(size, NONE, dtype=np.int64)
        return Owners(owner=none, shared_blocks=np.zeros(size, dtype=np.int64), systems_count=0)
    shared = np.minimum(calls.shared_tokens, calls.input_tokens - 1)
    held = calls.input_tokens + calls.output_tokens - 1
    shared = np.where(calls.parent >= 0, np.minimum(shared, held[np.maximum(calls.parent, 0)]), shared)
    shared = np.where((calls.parent >= 0) | (system >= 0), shared, 0)
    blocks = shared // block_tokens
    owner = _resolved(calls.parent, system, blocks)
    return Owners(owner=owner, shared_blocks=blocks, systems_count=systems_count)


@njit(cache=True)
def _resolved(parent: np.ndarray, system: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """The nearest forebear whose own content reaches into the shared part; a system prompt has no forebear."""
    size = parent.size
    owner = np.full(size, NONE, dtype=np.int64)
    for call in range(size):
        if blocks[call] == 0:
            continue
        before = parent[call]
        if before < 0:
            owner[call] = size + system[call]
            continue
        while before < size and blocks[before] >= blocks[call]:
            before = owner[before]
        owner[call] = before
    return owner
