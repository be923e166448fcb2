"""Adapter of the BurstGPT traces: one CSV or Parquet row per call; newer files also tell sessions and elapsed times."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl

from warehouse.contracts import CallStatus, Surface
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.reading.flat_cells import (
    csv_cells,
    csv_header,
    decimal_number,
    end_note,
    parquet_cells,
    whole_number,
)
from warehouse.ingest.reading.source import Source, is_parquet, open_file, read_parquet
from warehouse.ingest.shaping.checks import Check, content_note, line_checks, plain_text, split_rows, token_checks
from warehouse.ingest.shaping.finish import TIERS, finish
from warehouse.ingest.shaping.order import after_previous, with_steps
from warehouse.ingest.shaping.since_start import microseconds, refuse_other_unit, since_start_checks

__all__ = ["COLUMNS", "fits", "read_burstgpt"]

COLUMNS = ("Timestamp", "Model", "Request tokens", "Response tokens", "Log Type")
OPTIONAL = ("Total tokens", "Session ID", "Elapsed time")
SURFACE_OF_LOG = {"conversation log": Surface.LONG_CONTEXT_CHAT, "api log": Surface.API_BURST}
LONGEST_SPAN_S = 3 * 366 * 86_400.0
"""Assumed: a trace file spans at most three years; the public ones span 121 and 213 days."""
LONGEST_CALL_S = 86_400.0
"""Assumed: no call takes longer than a day; a larger number is in another unit."""
NO_VALUE = ("", "nan", "none", "null")
NO_SESSION = (*NO_VALUE, "-1")


def fits(clues: Clues) -> bool:
    """Whether a trace looks like BurstGPT's."""
    return clues.has(*COLUMNS)


def read_burstgpt(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads a BurstGPT trace; its seconds count from midnight UTC of the anchor day.

    Raises:
        UnreadableTrace: if the file cannot be used at all, or its times are in another unit.
    """
    source = open_file(path)
    cells, spare = _cells(source)
    if cells.is_empty():
        raise UnreadableTrace(f"{path}: has a header and no rows; was the download or export finished?")
    typed = _typed(cells)
    refuse_other_unit(typed["Timestamp"], source, LONGEST_SPAN_S)
    good, refused = split_rows(typed, _checks(), _raw())
    calls = _calls(good, source, surface, datetime.combine(anchor, time(), tzinfo=UTC))
    told = "Session ID" in cells.columns
    notes = (
        "sessions and elapsed times are the trace's own; calls without a session id are sessions of their own"
        if told
        else "the trace tells no sessions: every call is its own session, tenant and client are unknown",
        f"assumed: times count from midnight UTC of {anchor.isoformat()}",
        f"assumed: surface {surface.value} for all calls, as chosen"
        if surface
        else "assumed: conversation logs are long_context_chat, API logs are api_burst",
        "a response of 0 tokens is a failed call: its status is error",
        *content_note(spare),
        *end_note(source),
    )
    parsed = Parsed(calls=calls, refused=refused, rows_read=cells.height, notes=notes)
    return finish(parsed, source, surface or Surface.LONG_CONTEXT_CHAT)


def _cells(source: Source) -> tuple[pl.DataFrame, list[str]]:
    frame = read_parquet(source) if is_parquet(source.content) else None
    columns = csv_header(source) if frame is None else frame.columns
    if not set(COLUMNS) <= set(columns) or len(set(columns)) < len(columns):
        found = ", ".join(repr(name[:40]) for name in columns[:12])
        raise UnreadableTrace(
            f"{source.path}: columns found: {found}; a burstgpt trace has {', '.join(COLUMNS)}. Rename the columns or "
            "choose another format"
        )
    wanted = [name for name in columns if name in {*COLUMNS, *OPTIONAL}]
    cells = csv_cells(source, columns, wanted) if frame is None else parquet_cells(frame, wanted)
    return cells, [name for name in columns if name not in wanted]


def _typed(cells: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in OPTIONAL if name not in cells.columns]
    full = cells.with_columns(absent)
    words = {name: pl.col(name).cast(pl.String).str.strip_chars('" \r') for name in ("Model", "Log Type", "Session ID")}
    elapsed = pl.col("Elapsed time").cast(pl.String).str.strip_chars('" \r').str.to_lowercase()
    return full.with_columns(
        *(whole_number(full, name).alias(name) for name in ("Request tokens", "Response tokens", "Total tokens")),
        *(decimal_number(full, name).alias(name) for name in ("Timestamp", "Elapsed time")),
        *(word.alias(name) for name, word in words.items()),
        tells_total=pl.lit(value="Total tokens" in cells.columns),
        tells_elapsed=elapsed.is_not_null() & ~elapsed.is_in(NO_VALUE),
        session=pl.when(~words["Session ID"].str.to_lowercase().is_in(NO_SESSION)).then(words["Session ID"]),
        log=words["Log Type"].str.to_lowercase(),
    )


def _checks() -> list[Check]:
    total = pl.col("Request tokens") + pl.col("Response tokens")
    return [
        *line_checks(),
        *since_start_checks("Timestamp", LONGEST_SPAN_S),
        *token_checks("Request tokens", "Response tokens"),
        Check(
            rule="total_is_sum",
            holds=~pl.col("tells_total") | (pl.col("Total tokens") == total),
            reason=pl.format(
                "Total tokens is {}, not {}", pl.col("Total tokens").cast(pl.String).fill_null("none"), total
            ),
        ),
        Check(
            rule="log_type_is_known",
            holds=pl.col("log").is_in(list(SURFACE_OF_LOG)),
            reason=pl.lit("Log Type is neither `Conversation log` nor `API log`"),
        ),
        Check(
            rule="duration_is_plausible",
            holds=~pl.col("tells_elapsed") | pl.col("Elapsed time").is_between(0, LONGEST_CALL_S),
            reason=pl.lit("Elapsed time is no number, negative or above a day of seconds (milliseconds?)"),
        ),
    ]


def _raw() -> pl.Expr:
    shown = ("Timestamp", "Request tokens", "Response tokens", "Total tokens", "Elapsed time")
    return pl.struct(shown).struct.json_encode()


def _calls(good: pl.DataFrame, source: Source, surface: Surface | None, origin: datetime) -> pl.DataFrame:
    short, number = pl.lit(source.source_id[:8]), pl.col("row_number").cast(pl.String)
    words = {log: served.value for log, served in SURFACE_OF_LOG.items()}
    tiers = {served.value: tier.value for served, tier in TIERS.items()}
    served = pl.lit(surface.value) if surface else pl.col("log").replace_strict(words, return_dtype=pl.String)
    failed = pl.col("Response tokens") == 0
    calls = good.select(
        "row_number",
        call_id=pl.format("{}-{}", short, number),
        session_id=pl.coalesce(pl.format("{}-c{}", short, plain_text("session")), pl.format("{}-s{}", short, number)),
        requested_at=pl.lit(origin) + microseconds("Timestamp"),
        model=plain_text("Model"),
        input_tokens="Request tokens",
        output_tokens="Response tokens",
        duration_s="Elapsed time",
        status=pl.when(failed).then(pl.lit(CallStatus.ERROR.value)).otherwise(pl.lit(CallStatus.OK.value)),
        surface=served,
        service_tier=served.replace_strict(tiers, return_dtype=pl.String),
    )
    return after_previous(with_steps(calls)).with_columns(turn_id="step_index")
