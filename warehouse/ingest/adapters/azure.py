"""Adapter of the Azure LLM inference traces 2023 to 2025: one CSV or Parquet row per call, wall-clock times, counts."""

from datetime import date
from pathlib import Path

import polars as pl

from warehouse.contracts import Surface
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import Ingested, Parsed
from warehouse.ingest.reading.flat_cells import csv_cells, csv_header, end_note, parquet_cells, whole_number
from warehouse.ingest.reading.source import Source, is_parquet, open_file, read_parquet
from warehouse.ingest.shaping.checks import Check, content_note, line_checks, split_rows, token_checks
from warehouse.ingest.shaping.finish import finish

__all__ = ["COLUMNS", "fits", "read_azure"]

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
IMAGES = "NumImages"
"""Column of the 2025 multimodal trace: images of a request, whose tokens are not told."""
MOST_IMAGES = 100_000
"""Assumed: no request holds more images; the public trace stays far below."""
EPOCH_UNITS = ((1e8, 1e11, "seconds"), (1e11, 1e14, "milliseconds"), (1e14, 1e17, "microseconds"))
ISO = "%Y-%m-%d %H:%M:%S%.f"
NUMBERS_ONLY = r"^[0-9TZ:+. eE-]{0,64}$"


def fits(clues: Clues) -> bool:
    """Whether a trace looks like Azure's (a format is recognised by its columns)."""
    return clues.has(*COLUMNS)


def read_azure(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads an Azure trace; times are its own, so the anchor is not used.

    Raises:
        UnreadableTrace: if the file cannot be used at all.
    """
    del anchor
    return finish(*_parsed(path, surface))


def _parsed(path: Path, surface: Surface | None) -> tuple[Parsed, Source, Surface]:
    """The calls, whose cells and bytes are let go before they are finished."""
    source = open_file(path)
    cells, spare = _cells(source)
    if cells.is_empty():
        raise UnreadableTrace(f"{path}: has a header and no rows; was the download or export finished?")
    _refuse_epoch(cells, source)
    typed = _typed(cells)
    good, refused = split_rows(typed, _checks(), _raw())
    has_images = IMAGES in cells.columns
    served = surface or _surface(path, has_images=has_images)
    number = pl.col("row_number").cast(pl.String)
    calls = good.select(
        "row_number",
        call_id=pl.format("{}-{}", pl.lit(source.source_id[:8]), number),
        session_id=pl.format("{}-s{}", pl.lit(source.source_id[:8]), number),
        requested_at=pl.col("requested_at").dt.replace_time_zone("UTC"),
        input_tokens="ContextTokens",
        output_tokens="GeneratedTokens",
        image_tokens=pl.when(pl.col(IMAGES) == 0).then(0),
    ).sort("requested_at", maintain_order=True)
    notes = (
        "the trace tells no sessions: every call is its own session, tenant and client are unknown",
        f"assumed: surface {served.value} (from the file name and columns unless chosen), tier by surface",
        *_image_notes(good),
        *content_note(spare),
        *end_note(source),
    )
    parsed = Parsed(calls=calls, refused=refused, rows_read=cells.height, notes=notes, one_call_sessions=True)
    return parsed, source.without_content(), served


def _checks() -> list[Check]:
    when = pl.col("requested_at")
    return [
        *line_checks(),
        Check(
            rule="timestamp_is_iso",
            holds=when.is_not_null(),
            reason=pl.lit("TIMESTAMP is not a time like 2023-11-16 18:15:46.6805900 (UTC)"),
        ),
        Check(
            rule="timestamp_is_plausible",
            holds=when.dt.year().is_between(2015, 2100),
            reason=pl.format("TIMESTAMP lies in the year {}", when.dt.year()),
        ),
        *token_checks("ContextTokens", "GeneratedTokens"),
        Check(
            rule="image_count_is_plausible",
            holds=~pl.col("tells_images") | pl.col(IMAGES).is_between(0, MOST_IMAGES),
            reason=pl.lit(f"{IMAGES} is missing, not a whole number, negative or above {MOST_IMAGES}"),
        ),
    ]


def _surface(path: Path, *, has_images: bool) -> Surface:
    if has_images:
        return Surface.MULTIMODAL
    return Surface.API_BURST if "code" in path.name.lower() else Surface.LONG_CONTEXT_CHAT


def _image_notes(good: pl.DataFrame) -> tuple[str, ...]:
    if not good.height or not good["tells_images"][0]:
        return ()
    with_images, images = (good[IMAGES] > 0).sum(), good[IMAGES].sum()
    return (f"{images:,} images in {with_images:,} calls: their tokens are not told and stay null (0 without images)",)


def _cells(source: Source) -> tuple[pl.DataFrame, list[str]]:
    """The known columns with row numbers, and the names of the spare columns."""
    if is_parquet(source.content):
        frame = read_parquet(source)
        _need_columns(frame.columns, source)
        wanted = _wanted(frame.columns)
        return parquet_cells(frame, wanted), [name for name in frame.columns if name not in wanted]
    columns = csv_header(source)
    _need_columns(columns, source)
    wanted = _wanted(columns)
    return csv_cells(source, columns, wanted), [name for name in columns if name not in wanted]


def _wanted(columns: list[str]) -> list[str]:
    return [*COLUMNS, *(name for name in columns if name == IMAGES)]


def _need_columns(columns: list[str], source: Source) -> None:
    if not set(COLUMNS) <= set(columns) or len(set(columns)) < len(columns):
        found = ", ".join(repr(name[:40]) for name in columns[:12])
        raise UnreadableTrace(
            f"{source.path}: columns found: {found}; an azure trace has TIMESTAMP, ContextTokens, GeneratedTokens. "
            "Rename the columns or choose another format"
        )


def _refuse_epoch(cells: pl.DataFrame, source: Source) -> None:
    """Numbers instead of ISO times are a wrong unit of the whole file.

    Raises:
        UnreadableTrace: with the guessed unit.
    """
    if cells.schema["TIMESTAMP"].is_temporal():
        return
    numbers = cells["TIMESTAMP"].cast(pl.String).str.strip_chars('" ').cast(pl.Float64, strict=False).drop_nulls()
    if len(numbers) * 2 <= cells.height:
        return
    typical = float(numbers.abs().median() or 0)  # type: ignore[arg-type]
    unit = next((name for low, high, name in EPOCH_UNITS if low <= typical < high), None)
    guess = (
        f"they look like Unix {unit}"
        if unit
        else "they look like Unix nanoseconds"
        if typical >= 1e17
        else ("they look like an offset from the start")
    )
    raise UnreadableTrace(
        f"{source.path}: TIMESTAMP holds numbers (typically {typical:.10g}) where an azure trace has UTC times like "
        f"2023-11-16 18:15:46.6805900; {guess}: convert the column to ISO times"
    )


def _typed(cells: pl.DataFrame) -> pl.DataFrame:
    """Times and whole numbers, null where a cell is neither; the cells themselves stay as `cell_...` for _raw."""
    has_images = IMAGES in cells.columns
    filled = cells if has_images else cells.with_columns(pl.lit(None, dtype=pl.Int64).alias(IMAGES))
    return filled.with_columns(
        pl.col(*COLUMNS, IMAGES).name.prefix("cell_"),
        *(whole_number(filled, name).alias(name) for name in ("ContextTokens", "GeneratedTokens", IMAGES)),
        requested_at=_times(cells["TIMESTAMP"]),
        tells_images=pl.lit(value=has_images),
    )


def _raw() -> pl.Expr:
    """The cells of a refused row as JSON, as far as they look like numbers or times; text may be what people wrote."""
    cells = {name: pl.col(f"cell_{name}").cast(pl.String).str.strip_chars('" \r') for name in (*COLUMNS, IMAGES)}
    shown = (pl.when(cell.str.contains(NUMBERS_ONLY)).then(cell).alias(name) for name, cell in cells.items())
    return pl.struct(shown).struct.json_encode()


def _times(stamps: pl.Series) -> pl.Series:
    """UTC times without zone, null where a cell is no time."""
    kind = stamps.dtype
    if isinstance(kind, pl.Datetime):
        utc = stamps.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else stamps
        return utc.cast(pl.Datetime("us"))
    if kind.is_temporal():
        return pl.Series(stamps.name, [None] * len(stamps), dtype=pl.Datetime("us"))
    text = stamps.cast(pl.String)
    plain = text.str.to_datetime(ISO, time_unit="us", strict=False)
    if not plain.null_count():
        return plain
    bare = text.str.strip_chars('" ').str.replace("T", " ", literal=True).str.replace(r"(Z|\+00:?00| UTC)$", "")
    return bare.str.to_datetime(ISO, time_unit="us", strict=False)
