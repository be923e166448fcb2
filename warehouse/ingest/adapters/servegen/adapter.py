"""Adapter of ServeGen's client data: rates and lengths per client and window, and calls drawn from them."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.contracts import ClientLengths, ClientWindows, Quarantine, Surface
from warehouse.contracts.telemetry import MAX_TOKENS
from warehouse.ingest.adapters.servegen.draw import CALL_CAP, busiest_span, draw_arrivals, draw_lengths, like_clients
from warehouse.ingest.adapters.servegen.files import CHUNK_NAME, WINDOW_COLUMNS, ServeGenRows, read_servegen_files
from warehouse.ingest.adapters.servegen.unit import LONGEST_TRACE_S, refuse_window_unit
from warehouse.ingest.clues import Clues
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import REFUSED_SCHEMA, Ingested, Parsed
from warehouse.ingest.shaping.checks import Check, plain_text, split_rows
from warehouse.ingest.shaping.finish import finish

__all__ = ["FOLDER", "fits", "read_servegen"]

FOLDER = ("chunk-*-trace.csv",)
HIGHEST_RATE_PER_S = 1e5
"""Assumed: no client sends more; the busiest public one sends 2,442 a second."""
PATTERNS = {"Gamma": "gamma", "Weibull": "weibull"}
PROMPT_FIELDS = ("text_tokens", "image_tokens", "audio_tokens", "video_tokens")


def fits(clues: Clues) -> bool:
    """Whether a trace looks like ServeGen's: a chunk file by its name, a windows file by its columns."""
    names = clues.files or (clues.file_name,)
    return any(CHUNK_NAME.fullmatch(name) for name in names) or clues.has(*WINDOW_COLUMNS)


def read_servegen(path: Path, surface: Surface | None, anchor: date) -> Ingested:
    """Reads ServeGen's client data; its seconds count from midnight UTC of the anchor day.

    Args:
        path: a folder of chunk files of one model, one chunk-N-trace.csv, or a Parquet file of windows; `PATH#MODEL`
            chooses one of several models.
        surface: of all calls; by category of the model if not given.
        anchor: day on which the trace begins.

    Raises:
        UnreadableTrace: if not one window of it can be used.
    """
    read = read_servegen_files(path)
    if read.windows.is_empty():
        raise UnreadableTrace(f"{path}: has no windows; was the download or export finished?")
    refuse_window_unit(read.windows, path)
    good, refused = split_rows(read.windows, _window_checks(), _raw_window())
    if good.is_empty():
        first = refused["reason"][0]
        raise UnreadableTrace(f"{path}: no usable window among {read.windows.height}; first: {first}")
    windows = _client_windows(good, read.source.source_id)
    lengths, refused_lengths = _client_lengths(read, good)
    files = [{"row_number": 0, "rule": "file_is_readable", "reason": f"{n} {why}"} for n, why in read.refused_files]
    refused_files = pl.DataFrame(files, schema=REFUSED_SCHEMA)
    drawn = _draw(windows, lengths, read.source.source_id)
    if drawn.calls.is_empty():
        raise UnreadableTrace(f"{path}: every window is silent (rate 0): there is nothing to draw calls from")
    category = good["category"].drop_nulls().unique().to_list()
    served = surface or (Surface.MULTIMODAL if category == ["multimodal"] else Surface.API_BURST)
    notes = (
        *drawn.notes,
        f"assumed: times count from midnight UTC of {anchor.isoformat()}; surface {served.value}, tier by surface",
        "every call is its own session; a client is its own tenant; lengths are drawn apart from each other",
        *read.notes,
    )
    refusals = [part for part in (refused, refused_lengths, refused_files) if part.height]
    parsed = Parsed(
        calls=_calls(drawn.calls, read.source.source_id, datetime.combine(anchor, time(), tzinfo=UTC)),
        refused=pl.concat(refusals, how="diagonal") if refusals else refused,
        rows_read=read.windows.height,
        notes=notes,
    )
    finished = finish(parsed, read.source, served)
    return replace(
        finished,
        rows_kept=windows.height,
        client_windows=windows,
        client_lengths=lengths,
        quarantine=Quarantine.validate(finished.quarantine),
    )


def _window_checks() -> list[Check]:
    start, rate, active = pl.col("window_start_s"), pl.col("rate"), pl.col("rate") > 0
    known = pl.col("pattern").is_in(list(PATTERNS))
    positive = pl.all_horizontal(pl.col("arg1", "arg2").is_finite() & (pl.col("arg1", "arg2") > 0))
    return [
        Check(
            rule="row_is_complete",
            holds=pl.col("complete"),
            reason=pl.lit("the line has not six fields: window start, rate, cv, pattern, arg1, arg2 (cut short?)"),
        ),
        Check(
            rule="window_has_client",
            holds=pl.col("model").is_not_null() & pl.col("client").is_not_null(),
            reason=pl.lit("model or client_id is missing"),
        ),
        Check(
            rule="window_start_is_plausible",
            holds=start.is_between(0, LONGEST_TRACE_S),
            reason=pl.format("window start {} s is missing or outside 0 s to a year", start.cast(pl.String)),
        ),
        Check(
            rule="rate_is_plausible",
            holds=rate.is_between(0, HIGHEST_RATE_PER_S),
            reason=pl.format("rate {} a second is missing or outside 0 to 100,000", rate.cast(pl.String)),
        ),
        Check(
            rule="arrival_law_is_known",
            holds=~active | known,
            reason=pl.lit("the window is not silent and names no law of gaps (Gamma or Weibull)"),
        ),
        Check(
            rule="arrival_law_has_parameters",
            holds=~active | positive,
            reason=pl.lit("shape (arg1) or scale (arg2) is missing, not finite or not above 0"),
        ),
        Check(
            rule="gap_variation_is_plausible",
            holds=~active | pl.col("cv").is_between(0, 1e6),
            reason=pl.lit("cv is missing, negative or not finite"),
        ),
        Check(
            rule="window_is_unique",
            holds=pl.struct("model", "client", "window_start_s").is_first_distinct(),
            reason=pl.lit("an earlier row has the same client and window"),
        ),
    ]


def _raw_window() -> pl.Expr:
    return pl.struct("client", "window_start_s", "rate", "cv", "arg1", "arg2").struct.json_encode()


def _client_id() -> pl.Expr:
    return pl.format("{}/{}", plain_text("model"), plain_text("client"))


def _client_windows(good: pl.DataFrame, source_id: str) -> pl.DataFrame:
    """Contract ClientWindows; the length of a window is the commonest step between windows of the file."""
    active = pl.col("rate") > 0
    steps = good.sort("model", "client", "window_start_s").select(
        step=pl.col("window_start_s").diff().over("model", "client")
    )
    positive = steps["step"].drop_nulls()
    positive = positive.filter(positive > 0)
    usual = float(positive.mode().min()) if len(positive) else 600.0  # type: ignore[arg-type]
    frame = good.select(
        client_id=_client_id(),
        window_start_s="window_start_s",
        window_s=pl.lit(max(usual, 1.0)),
        rate_per_s="rate",
        gap_cv_ratio=pl.when(active).then("cv"),
        gap_law=pl.when(active).then(pl.col("pattern").replace(PATTERNS)),
        gap_shape_ratio=pl.when(active).then("arg1"),
        gap_scale_s=pl.when(active).then("arg2"),
        model=plain_text("model"),
        source_id=pl.lit(source_id),
    ).unique(["client_id", "window_start_s"], keep="first", maintain_order=True)
    return ClientWindows.validate(frame.sort("client_id", "window_start_s"), cast=True)


def _client_lengths(read: ServeGenRows, good: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Contract ClientLengths, and the refused histograms with row number 0 (they are no windows)."""
    known = good.select("model", "client").unique().with_columns(is_known=pl.lit(value=True))
    groups = read.lengths.join(known, on=["model", "client"], how="left", maintain_order="left").with_columns(
        row_number=pl.lit(0, dtype=pl.Int64)
    )
    told = groups.filter(pl.col("bin").is_null() | (pl.col("bin").list.len() > 0))
    kept, refused = split_rows(told, _length_checks(), pl.struct("client", "window_start_s").struct.json_encode())
    bins = kept.select(
        client_id=_client_id(),
        window_start_s="window_start_s",
        field=plain_text("field"),
        amount_count="bin",
        probability_ratio=pl.col("prob") / pl.col("prob").list.sum(),
        model=plain_text("model"),
        source_id=pl.lit(read.source.source_id),
    ).explode("amount_count", "probability_ratio")
    keys = ["client_id", "window_start_s", "field", "amount_count"]
    merged = bins.group_by(keys, maintain_order=True).agg(
        pl.col("probability_ratio").sum().clip(0.0, 1.0), pl.col("model", "source_id").first()
    )
    return ClientLengths.validate(merged.select(*ClientLengths.column_names()), cast=True), refused


def _length_checks() -> list[Check]:
    bins, shares = pl.col("bin").list, pl.col("prob").list
    which = pl.format("{} of client {}: ", pl.col("field").fill_null("?"), pl.col("client").fill_null("?"))
    return [
        Check(
            rule="lengths_are_histogram",
            holds=(bins.len() == shares.len())
            & (bins.drop_nulls().list.len() == bins.len())
            & (shares.drop_nulls().list.len() == shares.len())
            & pl.col("field").is_not_null()
            & pl.col("window_start_s").is_between(0, LONGEST_TRACE_S),
            reason=which + pl.lit("no histogram of numbers, or no window start"),
        ),
        Check(
            rule="lengths_have_client",
            holds=pl.col("is_known"),
            reason=which + pl.lit("the trace holds no window of this client"),
        ),
        Check(
            rule="lengths_are_plausible",
            holds=(bins.min() >= 0) & (bins.max() <= MAX_TOKENS),
            reason=which + pl.lit("a bin is negative, not finite or implausibly large"),
        ),
        Check(
            rule="probabilities_sum_to_one",
            holds=(shares.min() >= 0) & ((shares.sum() - 1).abs() < 0.01),
            reason=which + pl.format("probabilities sum to {}", shares.sum()),
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """Calls of the chosen spans and what is to be said of them."""

    calls: pl.DataFrame
    notes: tuple[str, ...]


def _draw(windows: pl.DataFrame, lengths: pl.DataFrame, source_id: str) -> _Drawn:
    """Calls of each model in its busiest hour, or as much of it as the cap holds."""
    parts, notes = [], []
    givers = like_clients(windows, lengths)
    models = windows.partition_by("model", maintain_order=True)
    for of_model in models:
        name = of_model["model"][0]
        if not (of_model["rate_per_s"] > 0).any():
            notes.append(f"model {name} is silent throughout")
            continue
        span = busiest_span(of_model, float(of_model["window_s"][0]), CALL_CAP // len(models))
        arrivals = draw_arrivals(of_model, span, source_id)
        amounts = draw_lengths(arrivals, lengths.filter(pl.col("model") == name), givers, source_id)
        of_span = arrivals.with_columns(pl.Series(field, values) for field, values in amounts.items())
        parts.append(of_span.with_columns(model=pl.lit(name)))
        notes += _draw_notes(name, of_model, arrivals, span.start_s, span.end_s, givers)
    calls = pl.concat(parts, how="diagonal") if parts else pl.DataFrame()
    return _Drawn(calls=calls, notes=tuple(notes))


def _draw_notes(  # noqa: PLR0917 - each a fact of one sentence
    name: str,
    windows: pl.DataFrame,
    arrivals: pl.DataFrame,
    start_s: float,
    end_s: float,
    givers: dict[str, tuple[str, ...]],
) -> list[str]:
    whole = float((windows["rate_per_s"] * windows["window_s"]).sum())
    borrowed = arrivals["client_id"].is_in(list(givers)).sum()
    without = windows["client_id"].unique().is_in(list(givers)).sum()
    drawn = (
        f"model {name}: the trace tells rates, not calls; {arrivals.height:,} of about {whole:,.0f} calls were drawn "
        f"(seed: the content), those of its busiest stretch, {start_s:,.0f} s to {end_s:,.0f} s; client_windows holds "
        "all windows"
    )
    notes = [drawn]
    if without:
        notes.append(
            f"model {name}: {without} clients have no lengths; {borrowed:,} of the drawn calls take those of "
            "the clients nearest in rate (assumed)"
        )
    return notes


def _calls(drawn: pl.DataFrame, source_id: str, origin: datetime) -> pl.DataFrame:
    """The drawn calls as columns of ModelCalls, in order of time; amounts not told are null."""
    ordered = drawn.sort("at_s", "client_id", maintain_order=True).with_row_index("row_number", offset=1)
    amounts = {
        name: ordered[name].to_numpy() if name in ordered.columns else np.full(ordered.height, np.nan)
        for name in ("input_tokens", "output_tokens", "reason_ratio", *PROMPT_FIELDS)
    }
    parts = np.nansum([amounts[name] for name in PROMPT_FIELDS], axis=0)
    prompt = np.where(np.isnan(amounts["text_tokens"]), amounts["input_tokens"], parts)
    counts = pl.DataFrame(
        {
            "input_tokens": _whole(np.maximum(prompt, 1.0)),  # a call without a prompt is no call
            "output_tokens": _whole(amounts["output_tokens"]),
            "reasoning_tokens": _whole(np.floor(amounts["reason_ratio"] * amounts["output_tokens"])),
            "image_tokens": _whole(amounts["image_tokens"]),
        }
    )
    number = pl.col("row_number").cast(pl.String)
    named = ordered.select(
        pl.col("row_number").cast(pl.Int64),
        call_id=pl.format("{}-{}", pl.lit(source_id[:8]), number),
        session_id=pl.format("{}-s{}", pl.lit(source_id[:8]), number),
        tenant_id="client_id",
        client_id="client_id",
        model="model",
        requested_at=pl.lit(origin) + pl.duration(microseconds=(pl.col("at_s") * 1e6).round().cast(pl.Int64)),
    )
    return pl.concat([named, counts], how="horizontal")


def _whole(amounts: np.ndarray) -> pl.Series:
    """Amounts as whole numbers, NaN as null."""
    return pl.Series(amounts, nan_to_null=True).round().cast(pl.Int64)
