"""Builds columns of frames from arrays: words of codes, ids of rows, instants, nulls."""

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from telemetry_sim.draft import ROOT
from telemetry_sim.laws import Bools, Floats, Ints

MICROSECONDS = 1_000_000
DAY_US = 86_400 * MICROSECONDS
EPOCH = date(1970, 1, 1)


def words_of(vocabulary: tuple[str, ...], codes: npt.NDArray[np.integer]) -> pl.Series:
    """Words of codes; null for negative codes."""
    words = pl.Series(vocabulary, dtype=pl.Enum(list(vocabulary)))
    named = words.gather(pl.Series(np.maximum(codes, 0)))
    return known_or_null(np.asarray(codes >= 0, dtype=np.bool_), named)


def known_or_null(known: Bools, values: Ints | Floats | pl.Series) -> pl.Series:
    """Values, null where not known."""
    return pl.select(pl.when(pl.Series(known)).then(pl.Series(values))).to_series()


def numbered(prefix: str, numbers: Ints) -> pl.Series:
    """The prefix followed by each number."""
    return pl.select(pl.format(prefix + "{}", pl.Series(numbers))).to_series()


def named_or_null(names: pl.Series, place: Ints, template: str) -> pl.Series:
    """Names at places written into the template; null where the place is ROOT."""
    named = pl.format(template, names.gather(np.maximum(place, 0)))
    return pl.select(pl.when(pl.Series(place != ROOT)).then(named)).to_series()


def call_ids(session_ids: pl.Series, session: Ints, step: Ints, rows: Ints) -> pl.Series:
    """Ids of calls by row, made of the session's id and the step; null where the row is ROOT."""
    known = np.maximum(rows, 0)
    named = pl.format("{}-{}", session_ids.gather(session[known]), pl.Series(step[known]))
    return pl.select(pl.when(pl.Series(rows != ROOT)).then(named)).to_series()


def is_on_day(seconds: Floats, start_day: date, day: date) -> Bools:
    """Whether instants (seconds since the start day's UTC midnight), to the microsecond, fall on a UTC day."""
    return np.asarray(_microseconds(seconds) // DAY_US == (day - start_day).days, dtype=np.bool_)


def instants(seconds: Floats, start_day: date) -> pl.Series:
    """UTC instants of seconds since the start day's midnight, to the microsecond."""
    since_epoch = _microseconds(seconds) + (start_day - EPOCH).days * DAY_US
    return pl.Series(since_epoch).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _microseconds(seconds: Floats) -> Ints:
    return np.rint(seconds * MICROSECONDS).astype(np.int64)
