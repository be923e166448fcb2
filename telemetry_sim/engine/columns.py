"""Builds columns of frames from arrays: words of codes, fixed-width ids, instants, nulls."""

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from numba import njit

from telemetry_sim.laws import Bools, Floats, Ints

MICROSECONDS = 1_000_000
DAY_US = 86_400 * MICROSECONDS
EPOCH = date(1970, 1, 1)
ID_DIGITS = 5
"""Digits of base 36 for a client's number and for a session's number among its client's: 60 million of each."""
STEP_DIGITS = 4
"""Decimal digits of a step."""
DIGITS = np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
DASH = ord("-")

Bytes = npt.NDArray[np.uint8]
"""Ids of equal width, one per row."""


def words_of(vocabulary: tuple[str, ...], codes: npt.NDArray[np.integer], *, closed: bool = True) -> pl.Series:
    """Words of codes, null for negative codes; `closed` vocabularies become an Enum."""
    words = pl.Series(vocabulary, dtype=pl.Enum(list(vocabulary)) if closed else pl.String)
    return gathered(words, codes)


def gathered(values: pl.Series, place: npt.NDArray[np.integer]) -> pl.Series:
    """Values at places, null for negative places."""
    known = place >= 0
    if known.all():
        return values.gather(pl.Series(place))
    if not known.any():
        return pl.Series(values.name, [None], dtype=values.dtype).new_from_index(0, len(place))
    return known_or_null(np.asarray(known, dtype=np.bool_), values.gather(pl.Series(np.maximum(place, 0))))


def known_or_null(known: Bools, values: Ints | Floats | pl.Series) -> pl.Series:
    """Values, null where not known."""
    return pl.select(pl.when(pl.Series(known)).then(pl.Series(values))).to_series()


def text(ids: Bytes) -> pl.Series:
    """Ids of equal width as a column of text."""
    count, width = ids.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int64)
    column = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(ids))
    return pl.Series(column)


def session_bytes(prefix: str, client: Ints, ordinal: Ints) -> Bytes:
    """Ids of sessions: prefix, client, number among its client's, all of one width; they sort in that order."""
    return _session_bytes(np.frombuffer(prefix.encode(), dtype=np.uint8), client, ordinal)


def call_bytes(sessions: Bytes, session: Ints, step: Ints) -> Bytes:
    """Ids of calls: the session's id and the step."""
    return _numbered_bytes(sessions, session, step, STEP_DIGITS, np.frombuffer(b"-", dtype=np.uint8))


def tool_bytes(calls: Bytes, row: Ints, place: Ints) -> Bytes:
    """Ids of tool calls: the call's id and the place of the tool in it."""
    return _numbered_bytes(calls, row, place, 2, np.frombuffer(b"-tool", dtype=np.uint8))


def suffixed(ids: Bytes, suffix: str) -> Bytes:
    """Ids followed by a suffix."""
    ending = np.frombuffer(suffix.encode(), dtype=np.uint8)
    return np.ascontiguousarray(np.hstack([ids, np.broadcast_to(ending, (len(ids), len(ending)))]))


def day_offsets(seconds: Floats) -> Ints:
    """Whole UTC days since the start day of instants (seconds since its midnight), to the microsecond."""
    return _microseconds(seconds) // DAY_US


def instants(seconds: Floats, start_day: date) -> pl.Series:
    """UTC instants of seconds since the start day's midnight, to the microsecond."""
    since_epoch = _microseconds(seconds) + (start_day - EPOCH).days * DAY_US
    return pl.Series(since_epoch).cast(pl.Datetime("us", "UTC"))


def _microseconds(seconds: Floats) -> Ints:
    return np.rint(seconds * MICROSECONDS).astype(np.int64)


@njit(cache=True, nogil=True)
def _session_bytes(prefix: Bytes, client: Ints, ordinal: Ints) -> Bytes:
    start = len(prefix)
    ids = np.empty((len(client), start + 2 * ID_DIGITS + 1), np.uint8)
    for s in range(len(client)):
        for place in range(start):
            ids[s, place] = prefix[place]
        ids[s, start + ID_DIGITS] = DASH
        left, right = client[s], ordinal[s]
        for digit in range(ID_DIGITS - 1, -1, -1):
            ids[s, start + digit] = DIGITS[left % 36]
            ids[s, start + ID_DIGITS + 1 + digit] = DIGITS[right % 36]
            left, right = left // 36, right // 36
    return ids


@njit(cache=True, nogil=True)
def _numbered_bytes(ids: Bytes, owner: Ints, number: Ints, digits: int, between: Bytes) -> Bytes:
    width = ids.shape[1]
    named = np.empty((len(owner), width + len(between) + digits), np.uint8)
    for row in range(len(owner)):
        for place in range(width):
            named[row, place] = ids[owner[row], place]
        for place in range(len(between)):
            named[row, width + place] = between[place]
        left = number[row]
        for digit in range(digits - 1, -1, -1):
            named[row, width + len(between) + digit] = DIGITS[left % 10]
            left = left // 10
    return named
