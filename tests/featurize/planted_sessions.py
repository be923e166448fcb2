"""Rows of session features over days, with a shift, a new kind of session or a growth planted in them."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from warehouse.contracts import SessionFeatures

START = date(2026, 3, 2)
"""A Monday."""

_CENTRES = {
    "first_input_tokens": 8.0,
    "peak_input_tokens": 9.5,
    "output_tokens": 6.5,
    "call_count": 2.0,
    "turn_count": 1.0,
    "span_s": 5.0,
    "tool_s": 3.5,
    "human_s": 4.0,
}


def sessions_over_days(
    rng: np.random.Generator,
    *,
    days: int,
    per_day: int,
    surfaces: tuple[str, ...] = ("codex_loop", "long_context_chat"),
    unrest: float = 0.0,
    shift: tuple[str, float, int] | None = None,
    new_kind: tuple[float, int] | None = None,
) -> pl.LazyFrame:
    """Lognormal session features, alike on all days but for what is planted.

    Args:
        rng: source of the draws.
        days: how many, from `START`.
        per_day: sessions per surface and day.
        surfaces: which.
        unrest: standard deviation of each day's own shift of the logs.
        shift: (feature, ratio, from day) of a shift of the first surface.
        new_kind: (share, from day) of long, hands-free sessions of the first surface.
    """
    parts = []
    for number, surface in enumerate(surfaces):
        day = np.repeat(np.arange(days), per_day)
        count = len(day)
        logs = {name: rng.normal(centre, 0.8, count) for name, centre in _CENTRES.items()}
        for name in logs:
            logs[name] += unrest * rng.standard_normal(days)[day]
        if number == 0 and shift is not None:
            logs[shift[0]] += np.log(shift[1]) * (day >= shift[2])
        if number == 0 and new_kind is not None:
            new = (day >= new_kind[1]) & (rng.random(count) < new_kind[0])
            logs["call_count"][new] += 3.0
            logs["tool_s"][new] += 4.0
            logs["human_s"][new] -= 3.0
        columns = {
            name: np.exp(values) if name.endswith("_s") else np.ceil(np.exp(values)) for name, values in logs.items()
        }
        parts.append(
            pl.DataFrame(columns).with_columns(
                session_id=pl.format("{}-{}", pl.lit(surface), pl.int_range(count)),
                surface=pl.lit(surface),
                shared_ratio=pl.Series(rng.beta(8, 2, count)),
                day=pl.lit(START) + pl.Series(day).cast(pl.Int64) * pl.duration(days=1),
            )
        )
    schema = SessionFeatures.create_empty().schema
    return pl.concat(parts).with_columns(pl.col(name).cast(schema[name]) for name in parts[0].columns).lazy()


def mix_over_days(
    rng: np.random.Generator,
    *,
    days: int,
    sizes: dict[str, float],
    growth: dict[str, tuple[float, int]] | None = None,
    unrest: float = 0.03,
    weekend_ratio: float = 0.6,
) -> pl.DataFrame:
    """Sessions by surface and day: Poisson around a level with weekends and unrest, and a growth from a day on.

    Args:
        rng: source of the draws.
        days: how many, from `START`.
        sizes: mean sessions of a working day, by surface.
        growth: (per day, from day) by surface.
        unrest: standard deviation of the log of each day's level.
        weekend_ratio: level of a weekend day.
    """
    rows = []
    for surface, size in sizes.items():
        rate, begin = (growth or {}).get(surface, (0.0, 0))
        for number in range(days):
            day = START + timedelta(days=number)
            level = size * (weekend_ratio if day.isoweekday() >= 6 else 1.0) * (1 + rate) ** max(number - begin, 0)
            rows.append((surface, day, int(rng.poisson(level * np.exp(unrest * rng.standard_normal())))))
    return pl.DataFrame(rows, schema={"surface": pl.String, "day": pl.Date, "session_count": pl.Int64}, orient="row")


def with_lengths(
    mix: pl.DataFrame, rng: np.random.Generator, *, growth_per_day_ratio: float = 0.0, unrest: float = 0.05
) -> pl.DataFrame:
    """The mix with medians and 90th percentiles of prompts, which grow, and of answers, which do not."""
    days = (mix["day"] - mix["day"].min()).dt.total_days().to_numpy()
    prompt = 5000.0 * (1.0 + growth_per_day_ratio) ** days
    noise = np.exp(unrest * rng.standard_normal((3, len(days))))
    return mix.with_columns(
        input_p50_tokens=pl.Series(prompt * noise[0]),
        input_p90_tokens=pl.Series(4.0 * prompt * noise[1]),
        output_p50_tokens=pl.Series(300.0 * noise[2]),
    )
