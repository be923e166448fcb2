"""Speculation as both schedulers take it: how many drafts a decoding call has in a step, and how many are accepted."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from jaxtyping import Float
from numba import njit

from hwmodel.serving.errors import BadSettings

MIX_STEP, MIX_FIRST, MIX_SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""Constants of splitmix64 (Steele, Lea, Flood 2014): each value of a counter gives 64 bits that look drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speculation:
    """Drafts of a decoding call in every step, and the chance that they are accepted.

    How many are accepted is drawn by a counter, from the call and from where in its answer it stands: the same text is
    as easy to guess on every chip and in whatever step.
    """

    chances: tuple[float, ...]
    """By place of the draft: the chance that it, and so all before it, is accepted."""
    seed: int = 0

    def __post_init__(self) -> None:
        for chance in self.chances:
            if not 0.0 <= chance <= 1.0:
                raise BadSettings(f"a draft is accepted with a chance of {chance}; give 0 to 1")
        for before, after in pairwise(self.chances):
            if after > before:
                raise BadSettings(
                    f"a draft is accepted with a chance of {after} behind one of {before}: it is only where all before "
                    "it are, so chances cannot grow (a list of chances each given the one before is multiplied up)"
                )

    @classmethod
    def geometric(cls, alpha: float, tokens_count: int) -> Self:
        """Every draft is as good as the one before it (Leviathan et al. 2023): the j-th is accepted with alpha^j."""
        return cls(chances=tuple(alpha ** (place + 1) for place in range(tokens_count)))

    @property
    def tokens_count(self) -> int:
        """Drafts that a decoding call has in a step, where the rest of its answer and the budget allow."""
        return len(self.chances)

    @property
    def tokens_per_step(self) -> float:
        """Expected tokens of a decoding call in a step, far from its end: (1 - a^(k+1)) / (1 - a) if geometric."""
        return 1.0 + sum(self.chances)

    @property
    def table(self) -> Float[np.ndarray, "drafts"]:
        """The chances as the compiled draw takes them."""
        return np.array(self.chances, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftCounts:
    """What a whole replay drafted, steps of calls that left in the midst of them not counted."""

    verified_count: int
    """Times that a decoding call was in a step that ended."""
    drafted_tokens: int
    accepted_tokens: int

    @property
    def tokens_per_step(self) -> float:
        """Tokens that a decoding call got in a step, on average; 1 where none decoded."""
        return 1.0 + self.accepted_tokens / max(self.verified_count, 1)

    @property
    def accepted_ratio(self) -> float:
        """Share of the drafts that were accepted; 0 of none."""
        return self.accepted_tokens / max(self.drafted_tokens, 1)


_DRAWN: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False}
"""Options without reference counts, as the loops that draw have them."""


@njit(**_DRAWN)
def _mixed(state: np.uint64, part: np.uint64) -> np.uint64:
    state = (state ^ part) + np.uint64(MIX_STEP)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(MIX_FIRST)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(MIX_SECOND)
    return state ^ (state >> np.uint64(31))


@njit(**_DRAWN)
def drawn_ratio(seed: int, call: int, place: int) -> float:
    """A number of [0, 1) that is the same whenever it is asked for."""
    drawn = _mixed(_mixed(np.uint64(seed), np.uint64(call)), np.uint64(place))
    return float(drawn >> np.uint64(11)) * 2.0**-53


@njit(**_DRAWN)
def accepted_drafts(chances: np.ndarray, seed: int, call: int, place: int, drafts: int) -> int:
    """How many of a call's first `drafts` drafts are accepted, `place` tokens into its answer."""
    drawn = drawn_ratio(seed, call, place)
    accepted = 0
    while accepted < drafts and drawn < chances[accepted]:
        accepted += 1
    return accepted
