"""The Parquet form of a weka trace: requests, with the sub-agents and traces files beside them under one prefix."""

from pathlib import Path

import polars as pl

from warehouse.ingest.adapters.weka.frame import BLOCK_TOKENS, REQUEST_SCHEMA, WekaRows, begin_of_agent
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import REFUSED_SCHEMA
from warehouse.ingest.reading.source import Source, content_id, open_file, read_parquet
from warehouse.ingest.shaping.checks import content_note

__all__ = ["fits_columns", "read_weka_parquet"]

OPTIONAL = {
    "model": pl.String,
    "stop": pl.String,
    "api_time": pl.Float64,
    "think_time": pl.Float64,
    "ttft": pl.Float64,
    "input_types": pl.List(pl.String),
}
NEEDED = {
    "trace_id": pl.String,
    "agent_id": pl.String,
    "seq": pl.Int64,
    "t": pl.Float64,
    "in": pl.Int64,
    "out": pl.Int64,
    "hash_run_start": pl.List(pl.Int64),
    "hash_run_len": pl.List(pl.Int64),
}
UNUSED = {"type", "output_types", "family_id"}


def fits_columns(columns: list[str]) -> bool:
    """Whether these names are a weka requests file's (a format is recognised by them)."""
    return set(NEEDED) <= set(columns)


def read_weka_parquet(source: Source) -> tuple[WekaRows, Source]:
    """Reads the requests file and its neighbours.

    Returns:
        The rows, and the source with an id that covers all files read.

    Raises:
        UnreadableTrace: if the requests file lacks columns or a file is damaged.
    """
    requests = read_parquet(source)
    if not fits_columns(requests.columns):
        found = ", ".join(repr(name[:40]) for name in requests.columns[:20])
        lacking = ", ".join(name for name in NEEDED if name not in requests.columns)
        raise UnreadableTrace(f"{source.path}: columns found: {found}; lacking for a weka requests file: {lacking}")
    markers, marker_part, marker_notes = _neighbour(source, "subagents")
    traces, trace_part, trace_notes = _neighbour(source, "traces")
    typed = _typed(requests)
    placed = _with_blocks(_with_markers(typed, markers), traces)
    raw = pl.struct("trace_id", "agent_id", "seq", "t", "in", "out", "api_time", "think_time", "ttft")
    rows = placed.with_columns(
        raw=raw.struct.json_encode(), problem=pl.lit(None), parent_agent_id=pl.lit(None), has_blocks=pl.lit(value=True)
    )
    spare = [name for name in requests.columns if name not in NEEDED | OPTIONAL.keys() | UNUSED]
    whole = Source(
        path=source.path,
        name=source.name,
        source_id=content_id(source.content, marker_part, trace_part),
        content=source.content,
    )
    return (
        WekaRows(
            rows=rows.select(*REQUEST_SCHEMA).cast(REQUEST_SCHEMA),  # type: ignore[arg-type]
            refused_files=pl.DataFrame(schema={**REFUSED_SCHEMA, "source_name": pl.String}),
            marker_count=0 if markers is None else markers.height,
            notes=(*marker_notes, *trace_notes, *_family_note(requests), *content_note(spare)),
        ),
        whole,
    )


def _typed(requests: pl.DataFrame) -> pl.DataFrame:
    """The known columns in their types; a cell or column of another type becomes null (and is refused later)."""
    columns = []
    for name, kind in (NEEDED | OPTIONAL).items():
        found = requests.schema.get(name)
        listed = isinstance(kind, pl.List)
        usable = found is not None and isinstance(found, pl.List) == listed and found != pl.Binary
        if usable and found is not None and kind == pl.Int64:
            usable = found.is_integer()
        if usable and found is not None and kind == pl.Float64:
            usable = found.is_numeric()
        column = pl.col(name).cast(kind, strict=False) if usable else pl.lit(None, dtype=kind)  # type: ignore[arg-type]
        columns.append(column.alias(name))
    frame = requests.select(columns)
    types = pl.col("input_types").list
    human = types.contains("text") & ~types.contains("tool_result")
    return frame.with_row_index("row_number", offset=1).with_columns(
        is_human=human & pl.col("agent_id").is_null(), run_start="hash_run_start", run_len="hash_run_len"
    )


def _with_markers(rows: pl.DataFrame, markers: pl.DataFrame | None) -> pl.DataFrame:
    """Adds where each sub-agent's marker stands and when the sub-agent began."""
    key = ["trace_id", "agent_id"]
    main = pl.col("agent_id").is_null()
    if markers is None:
        none = pl.lit(None, dtype=pl.Int64)
        begin = pl.when(main).then(0.0).otherwise(None)
        return rows.with_columns(marker_seq=none, root_marker_seq=none, begin_s=begin)
    known = markers.select(
        pl.col(*key).cast(pl.String),
        marker_seq=pl.col("seq").cast(pl.Int64, strict=False),
        marker_t=pl.col("t").cast(pl.Float64, strict=False),
        duration_s=pl.col("duration_ms").cast(pl.Float64, strict=False) / 1000,
    ).unique(key, keep="first", maintain_order=True)
    joined = rows.join(known, on=key, how="left", maintain_order="left")
    first_t = pl.col("t").min().over(key)
    begin = begin_of_agent(pl.col("marker_t"), pl.col("duration_s"), first_t)
    return joined.with_columns(root_marker_seq="marker_seq", begin_s=pl.when(main).then(0.0).otherwise(begin))


def _with_blocks(rows: pl.DataFrame, traces: pl.DataFrame | None) -> pl.DataFrame:
    if traces is None:
        return rows.with_columns(block_size=pl.lit(BLOCK_TOKENS))
    sizes = traces.select(pl.col("trace_id").cast(pl.String), pl.col("block_size").cast(pl.Int64, strict=False)).unique(
        "trace_id", keep="first", maintain_order=True
    )
    joined = rows.join(sizes, on="trace_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("block_size").fill_null(BLOCK_TOKENS))


def _neighbour(source: Source, kind: str) -> tuple[pl.DataFrame | None, bytes, tuple[str, ...]]:
    """The file of this kind beside the requests file, if it is there and no link leads out of the folder."""
    needed = {"subagents": {"trace_id", "agent_id", "seq", "t", "duration_ms"}, "traces": {"trace_id", "block_size"}}
    path = source.path.with_name(source.name.replace("_requests", f"_{kind}"))
    if path == source.path or not path.is_file():
        loss = "sub-agents cannot be placed" if kind == "subagents" else f"block size {BLOCK_TOKENS} assumed"
        return None, b"", (f"no {kind} file beside the requests: {loss}",)
    if not path.resolve().is_relative_to(Path(source.path).resolve().parent):
        return None, b"", (f"{path.name} is a link out of the folder and was not followed",)
    beside = open_file(path)
    frame = read_parquet(beside)
    if not needed[kind] <= set(frame.columns):
        lacking = ", ".join(sorted(needed[kind] - set(frame.columns)))
        raise UnreadableTrace(f"{path}: lacks columns of a weka {kind} file: {lacking}; export it again or remove it")
    return frame, beside.content, ()


def _family_note(requests: pl.DataFrame) -> tuple[str, ...]:
    if "family_id" not in requests.columns:
        return ()
    sessions, families = requests["trace_id"].n_unique(), requests["family_id"].n_unique()
    if families >= sessions:
        return ()
    return (f"{sessions} sessions are only {families} families: forked or resumed sessions repeat calls",)
