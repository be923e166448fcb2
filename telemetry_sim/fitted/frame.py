"""The times and words of a play, and its columns in the form of the contract `ModelCalls`."""

import numpy as np
import polars as pl

from telemetry_sim.fitted.rows import (
    D_FINISH,
    D_SERVICE,
    D_STREAMED,
    D_TOLD,
    D_TTFT,
    S_MODEL,
    S_SERVICE,
    Rows,
)
from telemetry_sim.fitted.surface import FittedSurface, ShareTable
from telemetry_sim.laws import Floats, Ints
from telemetry_sim.streams import Keys, normals, uniforms
from warehouse.contracts import SERVICE_TIERS, SURFACES, CallStatus, values_of

MICROSECONDS = 1_000_000
CLOCK_SKEW_S = 0.5
"""Contract `ModelCalls`: how much later than the last token the first may seem."""


def with_service(surface: FittedSurface, rows: Rows, session_key: Keys, table: pl.DataFrame) -> pl.DataFrame:
    """Adds ttft_s and duration_s (null where the trace would not tell) and spent_s (0 there, as the gap holds it)."""
    law = surface.service
    if law is None:
        nothing = pl.lit(None, dtype=pl.Float64)
        return table.with_columns(ttft_s=nothing, duration_s=nothing, spent_s=pl.lit(0.0))
    output = table["output_tokens"].to_numpy().astype(np.float64)
    noise = law.session_sigma_ratio * normals(session_key, S_SERVICE)[rows.session]
    noise = noise + law.call_sigma_ratio * normals(rows.key, D_SERVICE)
    spent = (law.base_s + law.per_output_token_s * output) * np.exp(noise)
    told = pl.Series(uniforms(rows.key, D_TOLD) < np.asarray(law.told_ratio)[next_driver(rows, table)])
    columns = table.with_columns(
        spent_s=pl.when(told).then(pl.Series(spent)).otherwise(0.0),
        duration_s=pl.when(told).then(pl.Series(spent)).otherwise(None),
    )
    if not law.ttft_median_s:
        return columns.with_columns(ttft_s=pl.lit(None, dtype=pl.Float64))
    band = np.searchsorted(np.asarray(law.ttft_edges_tokens), table["input_tokens"].to_numpy())
    first = np.asarray(law.ttft_median_s)[band] * np.exp(law.ttft_sigma_ratio * normals(rows.key, D_TTFT))
    streamed = uniforms(rows.key, D_STREAMED) < np.asarray(law.streamed_ratio)[band]
    return columns.with_columns(
        ttft_s=pl.when(pl.Series(streamed)).then(pl.Series(np.minimum(first, spent))).otherwise(None)
    )


def next_driver(rows: Rows, table: pl.DataFrame) -> Ints:
    """Who drives the next call, by row: 0 a tool, 1 a human, 2 nobody."""
    if len(rows.step) == 0:
        return np.zeros(0, dtype=np.int64)
    last = np.append(rows.session[1:] != rows.session[:-1], True)
    human_next = np.append(table["human"].to_numpy()[1:], False)
    return np.where(last, 2, np.where(human_next, 1, 0))


def words_by_band(table: ShareTable, band: Ints, chance: Floats) -> pl.Series:
    """One word per row, drawn from its band's shares; null for the empty word."""
    summed = np.cumsum(np.asarray(table.shares), axis=1)[band]
    place = np.minimum((chance[:, None] > summed).sum(axis=1), len(table.words) - 1)
    words = pl.Series([word or None for word in table.words], dtype=pl.String)
    return words.gather(place)


def model_calls(
    surface: FittedSurface, rows: Rows, session_key: Keys, table: pl.DataFrame, start_s: Floats, seed: int
) -> pl.DataFrame:
    """The contract's columns, in order of request."""
    opening = rows.step == 0
    gap = np.where(opening, 0.0, table["gap_s"].to_numpy())
    before = np.where(opening, 0.0, np.roll(table["spent_s"].to_numpy(), 1))
    total = np.cumsum(gap + before)
    firsts = np.flatnonzero(opening)
    since = total - np.repeat(total[firsts], np.diff(np.append(firsts, len(total))))
    at_us = np.rint((start_s[rows.session] + since) * MICROSECONDS).astype(np.int64)
    ids = pl.DataFrame({"session": rows.session, "step": rows.step}).select(
        session_id=pl.format(surface.name + "-{}-{}", pl.lit(seed), "session"),
        call_id=pl.format(surface.name + "-{}-{}-{}", pl.lit(seed), "session", "step"),
        before_id=pl.format(surface.name + "-{}-{}-{}", pl.lit(seed), "session", pl.col("step") - 1),
    )
    began = pl.lit(surface.provenance.first_day).str.to_date().cast(pl.Datetime("us"))
    inside = pl.Series(~opening)
    tells_prefix = surface.prefix is not None
    shared = pl.col("shared_prefix_tokens") if tells_prefix else pl.lit(None, dtype=pl.Int64)
    frame = pl.concat([table, ids], how="horizontal").with_columns(
        *_words(surface, rows, session_key, table),
        step_index=pl.Series(rows.step),
        requested_at=(began + pl.duration(microseconds=pl.lit(pl.Series(at_us)))).dt.replace_time_zone("UTC"),
        shared_prefix_tokens=shared,
        parent_call_id=pl.when(inside & (shared > 0)).then("before_id") if tells_prefix else pl.lit(None, pl.String),
        starts_after_call_id=pl.when(inside).then("before_id"),
        gap_s=pl.when(inside).then("gap_s"),
    )
    return _typed(surface, frame, seed).sort("requested_at", "session_id", "step_index")


def _words(surface: FittedSurface, rows: Rows, session_key: Keys, table: pl.DataFrame) -> list[pl.Series]:
    """Columns finish_reason and model."""
    none = pl.Series([None], dtype=pl.String).new_from_index(0, len(rows.step))
    finish, model = none, none
    if surface.finish is not None:
        finish = words_by_band(surface.finish, next_driver(rows, table), uniforms(rows.key, D_FINISH))
    if surface.model is not None:
        first = table["input_tokens"].to_numpy()[rows.step == 0]
        band = np.searchsorted(np.asarray(surface.model_edges_tokens), first)
        words = words_by_band(surface.model, band, uniforms(session_key, S_MODEL))
        model = words.gather(rows.session)
    return [finish.alias("finish_reason"), model.alias("model")]


def standing_alone(surface: FittedSurface, calls: pl.DataFrame, span_s: float) -> pl.DataFrame:
    """Calls of found conversations as the trace shows them: inside the span, each on its own, tied by prefixes alone.

    A call whose parent lies before the span, or that opens a conversation, shares the prefix that everybody has with
    the call before it.
    """
    began = pl.lit(surface.provenance.first_day).str.to_date().cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    tick_us = round(surface.arrivals.tick_s * MICROSECONDS)
    since = (pl.col("requested_at") - began).dt.total_microseconds()
    inside = calls.with_columns(since=since).filter(pl.col("since").is_between(0, int(span_s * MICROSECONDS)))
    if tick_us:
        inside = inside.with_columns(
            requested_at=began + pl.duration(microseconds=pl.col("since") // tick_us * tick_us)
        )
    here = inside["call_id"].implode()
    opening = float(surface.prefix.opening_tokens.quantiles(0.5)) if surface.prefix is not None else 0.0
    block = surface.prefix.block_tokens if surface.prefix is not None else 1
    orphan = ~pl.col("parent_call_id").is_in(here).fill_null(value=False)
    common = pl.min_horizontal(pl.lit(int(opening)), pl.col("input_tokens") // block * block)
    common = pl.when(pl.int_range(pl.len()) == 0).then(0).otherwise(common)
    previous = pl.when(common > 0).then(pl.col("call_id").shift(1))
    return (
        inside.with_columns(
            parent_call_id=pl.when(orphan).then(previous).otherwise("parent_call_id"),
            shared_prefix_tokens=pl.when(orphan).then(common).otherwise("shared_prefix_tokens"),
        )
        .with_columns(
            session_id="call_id",
            turn_id=pl.lit(0, pl.Int64),
            step_index=pl.lit(0, pl.Int64),
            starts_after_call_id=pl.lit(None, pl.String),
            gap_s=pl.lit(None, pl.Float64),
            day=pl.col("requested_at").dt.date(),
        )
        .drop("since")
    )


def _typed(surface: FittedSurface, frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    text, count, real = pl.lit(None, pl.String), pl.lit(None, pl.Int64), pl.lit(None, pl.Float64)
    return frame.select(
        "call_id",
        "session_id",
        "turn_id",
        pl.col("step_index").cast(pl.Int64),
        tenant_id=pl.lit(surface.name),
        client_id=pl.lit(surface.name),
        agent_id=text,
        parent_agent_id=text,
        surface=pl.lit(surface.product).cast(pl.Enum(list(SURFACES))),
        phase=text,
        model="model",
        service_tier=pl.lit(surface.tier).cast(pl.Enum(list(SERVICE_TIERS))),
        region=text,
        requested_at="requested_at",
        input_tokens="input_tokens",
        cache_read_tokens=count,
        output_tokens="output_tokens",
        reasoning_tokens=count,
        image_tokens=count,
        parent_call_id="parent_call_id",
        shared_prefix_tokens="shared_prefix_tokens",
        starts_after_call_id="starts_after_call_id",
        gap_s="gap_s",
        queue_s=real,
        ttft_s="ttft_s",
        duration_s="duration_s",
        status=pl.lit(CallStatus.OK.value).cast(pl.Enum(list(values_of(CallStatus)))),
        finish_reason="finish_reason",
        source_id=pl.lit(f"synthetic:{seed}"),
        day=pl.col("requested_at").dt.date(),
    )
