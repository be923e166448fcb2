"""Whole numbers in text as numpy columns: which bytes are digits, and the numbers that they spell, eight at a time."""

import numpy as np
import numpy.typing as npt

__all__ = ["LONGEST_NUMBER", "PADDING", "is_digit", "numbers_at"]

LONGEST_NUMBER = 18
"""Digits that always fit 64 bits."""
PADDING = 16
"""Bytes behind the text that are read and then shifted out."""
WORD = 8

Text = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


def is_digit(text: Text) -> npt.NDArray[np.bool_]:
    """Whether each byte is one of 0 to 9. Shape (bytes,)."""
    return (text - np.uint8(ord("0"))) < 10


def numbers_at(words: npt.NDArray[np.uint64], start: Places, end: Places) -> npt.NDArray[np.int64]:
    """The numbers that digits spell, without a Python object for any of them.

    Each is loaded as the eight bytes from its start, moved up so that its last digit is the last byte, and its digits
    are added in pairs, fours and eights inside the word; what is longer adds the digits before those.

    Args:
        words: the text as little-endian words of eight bytes, with at least PADDING bytes behind it.
        start: where each number begins. Shape (numbers,).
        end: one behind its last digit; all bytes between are digits, 1 to LONGEST_NUMBER of them. Shape (numbers,).
    """
    length = end - start
    longest = int(length.max(initial=0))
    if longest <= WORD:
        return _up_to_eight(words, start, length)
    value = _up_to_eight(words, np.maximum(start, end - WORD), np.minimum(length, WORD))
    long = np.flatnonzero(length > WORD)
    value[long] += 10**WORD * numbers_at(words, start[long], end[long] - WORD)
    return value


def _up_to_eight(words: npt.NDArray[np.uint64], start: Places, length: Places) -> npt.NDArray[np.int64]:
    u = np.uint64
    at = start >> 3
    shift = ((start & 7) << 3).astype(u)
    value = words.take(at)
    value >>= shift
    at += 1
    behind = words.take(at)
    behind <<= u(1)
    np.subtract(u(63), shift, out=shift)
    behind <<= shift
    value |= behind
    value ^= u(0x3030303030303030)
    value <<= ((WORD - length) << 3).astype(u)
    for factor, step, kept in ((10, 8, 0x00FF00FF00FF00FF), (100, 16, 0x0000FFFF0000FFFF), (10_000, 32, 0xFFFFFFFF)):
        np.right_shift(value, u(step), out=behind)
        value *= u(factor)
        value += behind
        value &= u(kept)
    return value.view(np.int64)
