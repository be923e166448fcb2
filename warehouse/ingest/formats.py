"""The table of trace formats, how a format is recognised, and the one entry point that reads any of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from warehouse.contracts import Surface
from warehouse.ingest.adapters import (
    azure,
    bailian,
    burstgpt,
    copilot2026,
    dynamo,
    mooncake,
    otlp,
    ragpulse,
    servegen,
    tracelab,
    weka,
)
from warehouse.ingest.clues import Clues, look
from warehouse.ingest.errors import UnknownFormat, UnreadableTrace
from warehouse.ingest.ingested import Ingested

__all__ = ["DEFAULT_ANCHOR", "FORMATS", "Evidence", "TraceFormat", "described_formats", "detect_format", "ingest"]

DEFAULT_ANCHOR = date(2025, 1, 6)
"""The Monday on which traces that tell only relative times begin."""


class Evidence(StrEnum):
    """What an adapter was tried on."""

    TESTED = "tested on real files"
    SCHEMA_ONLY = "schema-only"
    """On files made up after the published schema, as no real one was at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFormat:
    """A trace format that can be ingested."""

    name: str
    description: str
    default_surface: Surface
    """Surface of its calls unless one is chosen (an azure file with `code` in its name counts as api_burst)."""
    read: Callable[[Path, Surface | None, date], Ingested]
    fits: Callable[[Clues], bool]
    """Whether a trace that looks like this is of this format."""
    evidence: Evidence
    folder: tuple[str, ...] = ()
    """Patterns of the files that it reads in a folder, surest first; none: the trace is one file."""


FORMATS: Mapping[str, TraceFormat] = {
    row.name: row
    for row in (
        TraceFormat(
            name="azure",
            description="Azure LLM inference 2023 to 2025: CSV or Parquet of TIMESTAMP, ContextTokens, GeneratedTokens",
            default_surface=Surface.LONG_CONTEXT_CHAT,
            read=azure.read_azure,
            fits=azure.fits,
            evidence=Evidence.TESTED,
        ),
        TraceFormat(
            name="mooncake",
            description="Mooncake: JSON lines or Parquet of timestamp (ms), input_length, output_length, hash_ids",
            default_surface=Surface.LONG_CONTEXT_CHAT,
            read=mooncake.read_mooncake,
            fits=mooncake.fits,
            evidence=Evidence.TESTED,
        ),
        TraceFormat(
            name="weka",
            description="Claude Code sessions of kv-cache-tester: trace_NNNN.json, a folder, or *_requests.parquet",
            default_surface=Surface.CODEX_LOOP,
            read=weka.read_weka,
            fits=weka.fits,
            evidence=Evidence.TESTED,
            folder=("*_requests.parquet", "trace_*.json", "*.json"),
        ),
        TraceFormat(
            name="servegen",
            description="ServeGen: folder of chunk-N-trace.csv and chunk-N-dataset.json, Parquet of windows (#MODEL)",
            default_surface=Surface.API_BURST,
            read=servegen.read_servegen,
            fits=servegen.fits,
            evidence=Evidence.TESTED,
            folder=servegen.FOLDER,
        ),
        TraceFormat(
            name="burstgpt",
            description="BurstGPT: CSV or Parquet, Timestamp (s), Model, Request tokens, ...; also with Session ID",
            default_surface=Surface.LONG_CONTEXT_CHAT,
            read=burstgpt.read_burstgpt,
            fits=burstgpt.fits,
            evidence=Evidence.SCHEMA_ONLY,
        ),
        TraceFormat(
            name="bailian",
            description="Qwen-Bailian: JSON lines or Parquet of chat_id, parent_chat_id, timestamp (s), ..., hash_ids",
            default_surface=Surface.LONG_CONTEXT_CHAT,
            read=bailian.read_bailian,
            fits=bailian.fits,
            evidence=Evidence.SCHEMA_ONLY,
        ),
        TraceFormat(
            name="ragpulse",
            description="RAGPulse: 0_trace.jsonl with its component files, their folder, or *_requests.parquet",
            default_surface=Surface.ALWAYS_ON_ASSISTANT,
            read=ragpulse.read_ragpulse,
            fits=ragpulse.fits,
            evidence=Evidence.TESTED,
            folder=("0_trace.jsonl",),
        ),
        TraceFormat(
            name="copilot2026",
            description="GitHub Copilot coding agent release 2026: shard-NNNN.jsonl.gz, or the folder of a day",
            default_surface=Surface.CODEX_LOOP,
            read=copilot2026.read_copilot2026,
            fits=copilot2026.fits,
            evidence=Evidence.SCHEMA_ONLY,
            folder=("shard-*.jsonl.gz", *copilot2026.SHARDS),
        ),
        TraceFormat(
            name="tracelab",
            description="TraceLab rounds of Claude Code and Codex: JSON lines or Parquet with timing_events and tools",
            default_surface=Surface.CODEX_LOOP,
            read=tracelab.read_tracelab,
            fits=tracelab.fits,
            evidence=Evidence.TESTED,
        ),
        TraceFormat(
            name="dynamo",
            description="Dynamo request trace v1: JSON lines (also gzip), a folder of shards, or flattened Parquet",
            default_surface=Surface.AUTONOMOUS_WORKFLOW,
            read=dynamo.read_dynamo,
            fits=dynamo.fits,
            evidence=Evidence.TESTED,
            folder=dynamo.FOLDER,
        ),
        TraceFormat(
            name="otlp",
            description="OTLP JSON export of spans (gen_ai, OpenInference) or log events (Codex, Claude Code)",
            default_surface=Surface.CODEX_LOOP,
            read=otlp.read_otlp,
            fits=otlp.fits,
            evidence=Evidence.SCHEMA_ONLY,
        ),
    )
}
"""Formats by name. A new one is a row here and a file of its own; rows that fit one file must exclude each other."""


def described_formats() -> str:
    """The formats in words, one a line, with `schema-only` behind those that saw no real file."""
    marked = (
        f"{row.name}: {row.description}" + (f" ({row.evidence.value})" if row.evidence is Evidence.SCHEMA_ONLY else "")
        for row in FORMATS.values()
    )
    return "\n".join(marked)


def ingest(format: str, path: Path, *, surface: Surface | None = None, anchor: date = DEFAULT_ANCHOR) -> Ingested:  # noqa: A002
    """Reads a trace into the tables of the house; refused rows go to quarantine with their rule and reason.

    Args:
        format: a name of FORMATS.
        path: the trace file, or where FORMATS says so a folder of them.
        surface: product surface of all calls; the format's default if not given.
        anchor: day on which traces begin that tell only relative times.

    Raises:
        UnknownFormat: if no adapter has that name.
        UnreadableTrace: if not one row of it can be used.
    """
    if format not in FORMATS:
        raise UnknownFormat(f"unknown trace format {format[:40]!r}; known: {', '.join(FORMATS)}")
    return FORMATS[format].read(path, surface, anchor)


def detect_format(path: Path) -> str:
    """Name of the one format that this file or folder looks like.

    Raises:
        UnreadableTrace: if none or several fit.
    """
    path, _ = servegen.split_selection(path)
    if path.is_dir():
        shown = {name: look(path, known.folder) for name, known in FORMATS.items() if known.folder}
    else:
        shown = dict.fromkeys(FORMATS, look(path))
    fitting = [name for name, clues in shown.items() if FORMATS[name].fits(clues)]
    if len(fitting) == 1:
        return fitting[0]
    first = next(iter(shown.values()))
    seen = first.files if path.is_dir() else first.names
    found = ("files: " if path.is_dir() else "columns: ") + (", ".join(repr(name[:40]) for name in seen[:12]) or "none")
    if fitting:
        raise UnreadableTrace(f"{path}: the formats {' and '.join(fitting)} both fit ({found}); name the format")
    known = ", ".join(shown)
    folders = " that read a folder" if path.is_dir() else ""
    raise UnreadableTrace(
        f"{path}: no known format fits ({found}); formats{folders}: {known}. Name a format, or a file inside"
        if path.is_dir()
        else f"{path}: no known format fits ({found}); known formats: {known}. Rename the columns or name a format"
    )
