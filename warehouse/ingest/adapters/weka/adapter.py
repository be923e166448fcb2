"""Adapter of the weka traces of Claude Code sessions: who waited for whom, what was shared, when each call came."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from warehouse.contracts import Surface
from warehouse.ingest.adapters.weka.frame import WekaRows
from warehouse.ingest.adapters.weka.lineage import (
    ordered,
    time_goes_forward,
    with_lineage,
    with_predecessors,
    with_turns,
)
from warehouse.ingest.adapters.weka.parquet import fits_columns, read_weka_parquet
from warehouse.ingest.adapters.weka.session_files import read_weka_json
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.reading.source import ContentDigest, Source, folder_files, is_parquet, open_file
from warehouse.ingest.shaping.checks import Check, plain_text, split_rows, token_checks
from warehouse.ingest.shaping.finish import finish

__all__ = ["fits", "read_weka"]

LONGEST_S = 366 * 86_400.0
"""Assumed: no session, call or pause lasts longer than a year; a larger number is in another unit."""
DAY_BEGINS = time(9)
WORKING_MS = 9 * 3_600_000
"""Assumed: sessions start between 09:00 and 18:00 UTC of the anchor day, as the trace tells only relative times."""


def fits(clues: Clues) -> bool:
    """Whether a trace looks like weka's: a session's `requests`, or the columns of a requests file."""
    return clues.has("requests") or fits_columns(list(clues.names))


def read_weka(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads a weka trace: a session file, a folder of them, or a requests Parquet file.

    Raises:
        UnreadableTrace: if nothing in it can be used.
    """
    read, source = _read(path)
    _refuse_nothing(read, source)
    sound, refused = split_rows(read.rows, _checks(), pl.col("raw"))
    forward, backward = split_rows(ordered(sound), [time_goes_forward()], pl.col("raw"))
    served = surface or Surface.CODEX_LOOP
    calls = _calls(forward, source, anchor) if forward.height else _no_calls()
    capped = calls["_capped"].sum() if forward.height else 0
    notes = (
        f"assumed: session starts spread over 09:00 to 18:00 UTC of {anchor.isoformat()} by a hash of the trace id",
        "order and gaps inside a session are the trace's own; it tells only times inside a session",
        f"{read.marker_count} sub-agent markers are not calls and are not counted as rows",
        "a marker stands at its sub-agent's end: the sub-agent's calls are placed from marker time minus duration",
        f"assumed: surface {served.value}, tier by surface; tenant and client are unknown; no tool durations are told",
        f"{capped} gaps capped at the time since the last request, whose server time is unknown",
        *read.notes,
    )
    parts = [part for part in (refused, backward, read.refused_files) if part.height]
    parsed = Parsed(
        calls=calls.drop("_capped", strict=False),
        refused=pl.concat(parts, how="diagonal") if parts else refused,
        rows_read=read.rows.height,
        notes=notes,
    )
    return finish(parsed, source, served)


def _read(path: Path) -> tuple[WekaRows, Source]:
    if not path.is_dir():
        source = open_file(path)
        if is_parquet(source.content):
            return read_weka_parquet(source)
        return read_weka_json([(source.name, source.content)]), source
    tables, _ = folder_files(path, "*_requests.parquet")
    files, links = folder_files(path, "*.json")
    if bool(tables) == bool(files) or len(tables) > 1:
        raise UnreadableTrace(
            f"{path}: holds {len(files)} JSON files and {len(tables)} *_requests.parquet files; a weka folder has "
            "either trace_NNNN.json files or one requests file: name one of them"
        )
    if tables:
        return read_weka_parquet(open_file(tables[0]))
    digest = ContentDigest()
    read = read_weka_json(_contents(files, digest))
    source = Source(path=path, name=path.resolve().name, source_id=digest.source_id, content=b"")
    if not links:
        return read, source
    note = f"links out of the folder were not followed: {', '.join(links[:10])}"
    notes = (*read.notes, note)
    rows, refused_files, marker_count = read.rows, read.refused_files, read.marker_count
    return WekaRows(rows=rows, refused_files=refused_files, marker_count=marker_count, notes=notes), source


def _contents(files: list[Path], digest: ContentDigest) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of one file after another, all of which go into the digest."""
    for file in files:
        content = _content(file)
        digest.add(file.name.encode())
        digest.add(content)
        yield file.name, content


def _content(file: Path) -> bytes:
    """Bytes of one file of a folder; nothing where it cannot be read, which refuses that file alone."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _refuse_nothing(read: WekaRows, source: Source) -> None:
    if read.rows.height:
        return
    reason = read.refused_files["reason"][0] if read.refused_files.height else "it holds no requests"
    raise UnreadableTrace(f"{source.path}: {reason}; a weka trace is trace_NNNN.json or a *_requests.parquet file")


def _checks() -> list[Check]:
    return [
        Check(rule="row_is_readable", holds=pl.col("problem").is_null(), reason=pl.col("problem")),
        Check(
            rule="call_has_a_place",
            holds=pl.col("trace_id").is_not_null() & pl.col("seq").is_not_null(),
            reason=pl.lit("trace_id or seq is missing"),
        ),
        Check(
            rule="call_is_unique",
            holds=pl.struct("trace_id", "agent_id", "seq").is_first_distinct(),
            reason=pl.lit("an earlier row has the same trace_id, agent_id and seq"),
        ),
        Check(
            rule="agent_has_marker",
            holds=pl.col("begin_s").is_not_null(),
            reason=pl.format("no sub-agent marker tells when {} began", pl.col("agent_id").fill_null("it")),
        ),
        Check(
            rule="time_is_plausible",
            holds=pl.all_horizontal(pl.col("t", "begin_s").is_between(0, LONGEST_S)),
            reason=pl.lit("t is missing, no number, negative or above a year of seconds (milliseconds?)"),
        ),
        Check(
            rule="duration_is_plausible",
            holds=pl.all_horizontal(
                pl.col("api_time", "think_time", "ttft").is_between(0, LONGEST_S).fill_null(value=True)
            ),
            reason=pl.lit("api_time, think_time or ttft is no number, negative or above a year of seconds"),
        ),
        Check(
            rule="first_token_not_after_last",
            holds=(pl.col("ttft") <= pl.col("api_time") + 0.5).fill_null(value=True),
            reason=pl.format("first token after {} s of a call of {} s", "ttft", "api_time"),
        ),
        *token_checks("in", "out"),
        *_block_checks(),
    ]


def _block_checks() -> list[Check]:
    size, length = pl.col("block_size"), pl.col("run_len").list.sum()
    runs = pl.col("run_start").list.len() == pl.col("run_len").list.len()
    runs &= (pl.col("run_len").list.min() > 0).fill_null(value=True)
    runs &= ~_holds_null("run_start") & ~_holds_null("run_len")
    return [
        Check(
            rule="hash_ids_are_integers",
            holds=~pl.col("has_blocks") | (pl.col("run_start").is_not_null() & pl.col("run_len").is_not_null() & runs),
            reason=pl.lit("hash ids are no list of whole numbers"),
        ),
        Check(
            rule="hash_ids_match_length",
            holds=~pl.col("has_blocks") | (length == pl.col("in") // size),
            reason=pl.format("{} hash ids, but {} tokens fill {} blocks", length, pl.col("in"), pl.col("in") // size),
        ),
    ]


def _holds_null(column: str) -> pl.Expr:
    return pl.col(column).list.drop_nulls().list.len() != pl.col(column).list.len()


def _calls(rows: pl.DataFrame, source: Source, anchor: date) -> pl.DataFrame:
    """The calls as columns of ModelCalls, sorted by session and step."""
    short = source.source_id[:8]
    named = rows.sort("trace_order", "agent_order", "at_s", maintain_order=True).with_columns(
        call_id=pl.format("{}-{}", pl.lit(short), pl.col("row_number")),
        session_id=pl.format("{}-{}", pl.lit(short), plain_text("trace_id")),
    )
    placed = with_predecessors(with_turns(with_lineage(named)))
    starts = _session_starts(placed["trace_id"].unique(maintain_order=True), anchor)
    dated = placed.join(starts, on="trace_id", how="left", maintain_order="left").with_columns(
        requested_at=pl.col("starts_at") + pl.duration(microseconds=(pl.col("at_s") * 1e6).round().cast(pl.Int64))
    )
    stepped = dated.sort("trace_order", "at_s", "row_number").with_columns(
        step_index=pl.int_range(pl.len()).over("trace_order")
    )
    return stepped.sort("starts_at", "trace_order", "step_index").select(
        "row_number",
        "call_id",
        "session_id",
        "turn_id",
        "step_index",
        "requested_at",
        "parent_call_id",
        "gap_s",
        "shared_prefix_tokens",
        "starts_after_call_id",
        "_capped",
        plain_text("agent_id"),
        plain_text("parent_agent_id"),
        plain_text("model"),
        input_tokens="in",
        output_tokens="out",
        ttft_s="ttft",
        duration_s="api_time",
        finish_reason=pl.when(pl.col("stop") != "").then(plain_text("stop")),
    )


def _no_calls() -> pl.DataFrame:
    return pl.DataFrame(schema={"row_number": pl.Int64, "requested_at": pl.Datetime("us", "UTC")})


def _session_starts(trace_ids: pl.Series, anchor: date) -> pl.DataFrame:
    """Session starts inside the working hours of the anchor day, a pure function of the trace id."""
    begin = datetime.combine(anchor, DAY_BEGINS, tzinfo=UTC)
    starts = [
        begin + timedelta(milliseconds=int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % WORKING_MS)
        for name in trace_ids
    ]
    types: dict[str, pl.DataType | type[pl.DataType]] = {"trace_id": pl.String, "starts_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame({"trace_id": trace_ids, "starts_at": starts}, schema=types)
