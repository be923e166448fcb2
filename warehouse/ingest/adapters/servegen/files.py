"""The two forms of ServeGen's client data, read into one frame of windows and one of length histograms."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.reading.source import Source, content_id, folder_files, is_parquet, open_file, read_parquet

__all__ = ["LENGTH_SCHEMA", "WINDOW_COLUMNS", "WINDOW_SCHEMA", "ServeGenRows", "read_servegen_files", "split_selection"]

WINDOW_COLUMNS = ("model", "client_id", "window_start_s", "rate", "cv", "pattern", "arg1", "arg2")
NUMBERS = ("window_start_s", "rate", "cv", "arg1", "arg2")
WINDOW_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_number": pl.Int64,
    "complete": pl.Boolean,
    "category": pl.String,
    "model": pl.String,
    "client": pl.String,
    **dict.fromkeys(NUMBERS, pl.Float64),
    "pattern": pl.String,
    "source_name": pl.String,
}
LENGTH_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "model": pl.String,
    "client": pl.String,
    "window_start_s": pl.Float64,
    "field": pl.String,
    "bin": pl.List(pl.Float64),
    "prob": pl.List(pl.Float64),
    "source_name": pl.String,
}
CHUNK_NAME = re.compile(r"chunk-(\w{1,40})-trace\.csv")
PAIR = re.compile(r"\s*(-?[\d.]+(?:[eE][+-]?\d+)?)\s*:\s*(-?[\d.]+(?:[eE][+-]?\d+)?)\s*(?:,|$)")
LARGEST_FILE_BYTES = 64 << 20
"""Assumed: histograms of one client over two weeks take less; the public ones take at most 2 MB."""
CATEGORIES = {"language", "reason", "multimodal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeGenRows:
    """All windows, good or not, and all histograms that could be read."""

    windows: pl.DataFrame
    """Columns of WINDOW_SCHEMA; null where a cell is no number."""
    lengths: pl.DataFrame
    """Columns of LENGTH_SCHEMA, one row per client, span and field; lists empty where the client was silent."""
    refused_files: list[tuple[str, str]]
    """File and what is wrong with it."""
    source: Source
    notes: tuple[str, ...]


def split_selection(path: Path) -> tuple[Path, str | None]:
    """The file, and the model chosen in it by `FILE#MODEL`, if there is no file of that whole name."""
    name, mark, model = path.name.partition("#")
    if not mark or not model or path.exists():
        return path, None
    return path.with_name(name), model


def read_servegen_files(path: Path) -> ServeGenRows:
    """Reads a folder of chunk files, one chunk file, or a Parquet file of windows with lengths beside it.

    Raises:
        UnreadableTrace: if there is nothing of that kind.
    """
    path, model = split_selection(path)
    if path.is_dir():
        return _read_chunks(path, model)
    if path.exists() and CHUNK_NAME.fullmatch(path.name):
        return _read_chunk_files([path], path, model)
    source = open_file(path)
    if not is_parquet(source.content):
        raise UnreadableTrace(
            f"{path}: is neither a chunk-N-trace.csv nor a Parquet file of windows; name one, or the folder of chunks"
        )
    return _read_tables(source, model)


def _read_tables(source: Source, model: str | None) -> ServeGenRows:
    frame = read_parquet(source)
    lacking = [name for name in WINDOW_COLUMNS if name not in frame.columns]
    if lacking:
        raise UnreadableTrace(f"{source.path}: lacks columns of servegen windows: {', '.join(lacking)}")
    if "category" not in frame.columns:
        frame = frame.with_columns(category=pl.lit(None, dtype=pl.String))
    flat = [name for name in ("category", *WINDOW_COLUMNS) if frame.schema[name].is_nested()]
    if flat or pl.Binary in frame.select("category", *WINDOW_COLUMNS).dtypes:
        raise UnreadableTrace(f"{source.path}: columns hold lists, objects or bytes; servegen windows are flat")
    numbered = frame.with_row_index("row_number", offset=1).select(
        pl.col("row_number").cast(pl.Int64),
        complete=pl.lit(value=True),
        category=pl.col("category").cast(pl.String),
        model=pl.col("model").cast(pl.String),
        client=pl.col("client_id").cast(pl.String),
        **{name: _number(frame.schema[name], name) for name in NUMBERS},
        pattern=pl.col("pattern").cast(pl.String),
        source_name=pl.lit(source.name),
    )
    models = numbered["model"].drop_nulls().unique().sort().to_list()
    if model is not None and model not in models:
        raise UnreadableTrace(f"{source.path}: holds no model {model[:60]!r}; it holds: {', '.join(models)[:300]}")
    kept = numbered if model is None else numbered.filter(pl.col("model") == model)
    lengths, parts, notes = _beside(source, models if model is None else [model])
    whole = Source(
        path=source.path,
        name=source.name,
        source_id=content_id(source.content, (model or "").encode(), *parts),
        content=b"",
    )
    return ServeGenRows(
        windows=kept.select(*WINDOW_SCHEMA), lengths=lengths, refused_files=[], source=whole, notes=tuple(notes)
    )


def _number(kind: pl.DataType, name: str) -> pl.Expr:
    numeric = kind.is_numeric() or kind == pl.String
    return pl.col(name).cast(pl.Float64, strict=False) if numeric else pl.lit(None, dtype=pl.Float64)


def _beside(source: Source, models: list[str]) -> tuple[pl.DataFrame, list[bytes], list[str]]:
    """Histograms of the models, from the Parquet files beside the windows."""
    frames, parts, notes = [pl.DataFrame(schema=LENGTH_SCHEMA)], [], []
    for model in models:
        name = source.name.replace("client_windows", f"lengths_{model}")
        path = source.path.with_name(name) if "/" not in model else source.path
        inside = path.resolve().is_relative_to(source.path.resolve().parent)
        if name == source.name or path == source.path or not path.is_file() or not inside:
            notes.append(f"no lengths of model {model[:60]} beside the windows: its calls have no token counts")
            continue
        beside = open_file(path)
        frame = read_parquet(beside)
        needed = {"client_id", "window_start_s", "field", "bin", "prob"}
        lists = all(isinstance(frame.schema.get(column), pl.List) for column in ("bin", "prob"))
        if not needed <= set(frame.columns) or not lists:
            raise UnreadableTrace(f"{path}: is no servegen lengths file (needs {', '.join(sorted(needed))})")
        frames.append(
            frame.select(
                model=pl.lit(model),
                client=pl.col("client_id").cast(pl.String),
                window_start_s=pl.col("window_start_s").cast(pl.Float64, strict=False),
                field=pl.col("field").cast(pl.String),
                bin=pl.col("bin").cast(pl.List(pl.Float64), strict=False),
                prob=pl.col("prob").cast(pl.List(pl.Float64), strict=False),
                source_name=pl.lit(name),
            )
        )
        parts.append(beside.content)
    return pl.concat(frames), parts, notes


def _read_chunks(folder: Path, model: str | None) -> ServeGenRows:
    root = folder / model if model and (folder / model).is_dir() else folder
    files, links = folder_files(root, "chunk-*-trace.csv")
    if not files:
        raise UnreadableTrace(f"{root}: holds no chunk-N-trace.csv; name the folder of one model")
    read = _read_chunk_files(files, root, None if root != folder else model)
    if not links:
        return read
    return ServeGenRows(
        windows=read.windows,
        lengths=read.lengths,
        refused_files=read.refused_files,
        source=read.source,
        notes=(*read.notes, f"links out of the folder were not followed: {', '.join(links[:10])}"),
    )


def _read_chunk_files(files: list[Path], path: Path, model: str | None) -> ServeGenRows:
    """Windows of the chunk files, and histograms of the dataset files beside them, under the name of their folder."""
    folder = path if path.is_dir() else path.parent
    served = model or folder.resolve().name
    category = folder.resolve().parent.name
    windows, lengths, refused, parts = [], [], [], []
    for file in files:
        found = CHUNK_NAME.fullmatch(file.name)
        client = found.group(1) if found else file.name
        content = file.read_bytes()
        windows.append(_chunk_cells(content, client, file.name))
        beside = file.with_name(file.name.replace("-trace.csv", "-dataset.json"))
        parts += [file.name.encode(), content]
        if not beside.is_file() or not beside.resolve().is_relative_to(folder.resolve()):
            continue
        histogram = beside.read_bytes()
        parts += [beside.name.encode(), histogram]
        groups = _dataset(histogram)
        if isinstance(groups, str):
            refused.append((beside.name, groups))
        else:
            lengths += [{"model": served, "client": client, "source_name": beside.name, **group} for group in groups]
    cells = pl.concat(windows)
    numbered = cells.with_columns(
        row_number=pl.int_range(1, cells.height + 1, dtype=pl.Int64),
        category=pl.lit(category if category in CATEGORIES else None, dtype=pl.String),
        model=pl.lit(served),
    )
    return ServeGenRows(
        windows=numbered.select(*WINDOW_SCHEMA).cast(WINDOW_SCHEMA),  # type: ignore[arg-type]
        lengths=pl.DataFrame(lengths, schema=LENGTH_SCHEMA),
        refused_files=refused,
        source=Source(path=path, name=path.resolve().name, source_id=content_id(*parts), content=b""),
        notes=(f"assumed: the model is called {served[:60]}, after its folder",),
    )


def _chunk_cells(content: bytes, client: str, name: str) -> pl.DataFrame:
    """The lines of a chunk as six cells each; a line with another number of cells is incomplete."""
    text = content.decode("utf-8-sig", errors="replace").replace("\r", "")
    lines = pl.Series("line", [line for line in text.split("\n") if line.strip()], dtype=pl.String).to_frame()
    names = ["window_start_s", "rate", "cv", "pattern", "arg1", "arg2"]
    cells = lines.select(
        pl.col("line").str.split_exact(",", 5).struct.rename_fields(names).alias("cells"),
        complete=pl.col("line").str.count_matches(",", literal=True) == 5,
    ).unnest("cells")
    return cells.select(
        "complete",
        *(pl.col(column).str.strip_chars().cast(pl.Float64, strict=False) for column in NUMBERS),
        pattern=pl.col("pattern").str.strip_chars().fill_null(""),
        client=pl.lit(client),
        source_name=pl.lit(name),
    )


def _dataset(content: bytes) -> list[dict[str, Any]] | str:
    """Histograms of a dataset file, or what is wrong with the file."""
    if len(content) > LARGEST_FILE_BYTES:
        return f"has {len(content):,} bytes, more than {LARGEST_FILE_BYTES:,}"
    try:
        value = json.loads(content)
    except RecursionError:
        return "is nested too deeply"
    except (ValueError, UnicodeDecodeError):
        return "is not JSON (cut short?)"
    if not isinstance(value, dict) or not all(isinstance(fields, dict) for fields in value.values()):
        return "is no object of windows with an object of fields each"
    groups = []
    for start, fields in value.items():
        for name, histogram in fields.items():
            bins, probabilities = _histogram(histogram)
            at = float(start) if re.fullmatch(r"\d{1,12}(\.\d*)?", start) else None
            groups.append({"window_start_s": at, "field": name[:60], "bin": bins, "prob": probabilities})
    return groups


def _histogram(value: Any) -> tuple[list[float] | None, list[float] | None]:
    """Bins and probabilities of a histogram, given as an object or as the text of a Python dictionary."""
    if isinstance(value, dict):
        value = "{" + ",".join(f"{name}:{share}" for name, share in value.items()) + "}"
    if not isinstance(value, str) or not (value.strip().startswith("{") and value.strip().endswith("}")):
        return None, None
    inside = value.strip()[1:-1].strip()
    pairs = PAIR.findall(inside)
    if PAIR.sub("", inside).strip():
        return None, None
    try:
        return [float(left) for left, _ in pairs], [float(right) for _, right in pairs]
    except ValueError:
        return None, None
