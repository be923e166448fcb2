"""Random numbers by name: every draw is a hash of who draws it and which draw it is, so any part can be made alone.

A stream is a 64-bit key. Keys are derived downwards (seed, surface, client, day, session, row), each step by one round
of the SplitMix64 finaliser (Steele, Lea, Flood, OOPSLA 2014, doi:10.1145/2660193.2660195, with Stafford's mix 13), and
a draw hashes the key with the draw's number. Nothing is consumed in order: processes, blocks and days cannot disturb
each other, and the same key and draw give the same number on every machine.
"""

import numpy as np
import numpy.typing as npt
from numba import njit, vectorize
from scipy.special import ndtri

from telemetry_sim.laws import Floats, Ints

Keys = npt.NDArray[np.uint64]
"""Streams, one per element."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
SHIFT_30, SHIFT_27, SHIFT_31, SHIFT_11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
UNIT = 1.0 / 9007199254740992.0
"""2 to the power -53: the spacing of the uniform draws."""


@njit(cache=True, inline="always")
def mixed(word: np.uint64) -> np.uint64:
    """The SplitMix64 finaliser: every input bit reaches every output bit."""
    word = (word ^ (word >> SHIFT_30)) * MIX_1
    word = (word ^ (word >> SHIFT_27)) * MIX_2
    return word ^ (word >> SHIFT_31)


@njit(cache=True, inline="always")
def child_key(key: np.uint64, number: np.uint64) -> np.uint64:
    """Key of a stream below another one; for use inside compiled loops."""
    return mixed(mixed(key + GOLDEN) ^ (number * GOLDEN + MIX_1))


@njit(cache=True, inline="always")
def unit_draw(key: np.uint64, draw: np.uint64) -> float:
    """Uniform draw in (0, 1) of a stream; for use inside compiled loops."""
    return (np.float64(child_key(key, draw) >> SHIFT_11) + 0.5) * UNIT


@vectorize(["uint64(uint64, uint64)"], cache=True)  # type: ignore[no-untyped-call]
def _children(key: np.uint64, number: np.uint64) -> np.uint64:
    return child_key(key, number)


@vectorize(["float64(uint64, uint64)"], cache=True)  # type: ignore[no-untyped-call]
def _units(key: np.uint64, draw: np.uint64) -> float:
    return unit_draw(key, draw)


def root_key(seed: int, *numbers: int) -> np.uint64:
    """Key of a stream that hangs under the seed, such as (surface number, purpose)."""
    key = np.asarray(np.uint64(seed))
    for number in numbers:
        key = _children(key, np.uint64(number))
    return np.uint64(key)


def child_keys(keys: Keys | np.uint64, numbers: Ints | int) -> Keys:
    """Keys of streams below `keys`, by number; broadcasts.

    Args:
        keys: Parent streams.
        numbers: Number of each child under its parent, from 0.
    """
    return np.asarray(_children(keys, np.asarray(numbers).astype(np.uint64)), dtype=np.uint64)


def uniforms(keys: Keys | np.uint64, draw: int | Ints) -> Floats:
    """Uniform draws in the open interval (0, 1), one per stream; `draw` numbers the draws of one stream."""
    return np.asarray(_units(keys, np.asarray(draw).astype(np.uint64)), dtype=np.float64)


def normals(keys: Keys | np.uint64, draw: int | Ints) -> Floats:
    """Standard normal draws, one per stream, by the inverse of the normal distribution function."""
    return np.asarray(ndtri(uniforms(keys, draw)), dtype=np.float64)
