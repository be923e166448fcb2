"""Any JSON value under any key of the event formats and of ServeGen's histograms: refused or counted, never a crash."""

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.ingest.dynamo_files import DYNAMO_EVENTS, dynamo_lines
from tests.warehouse.ingest.otlp_files import CLAUDE, CODEX, GEN_AI, OPENINFERENCE
from tests.warehouse.ingest.trace_files import SERVEGEN_WINDOWS, counts_add_up, servegen_folder
from warehouse.ingest import Ingested, IngestError, ingest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


def survives(name_of_format: str, write: Callable[[Path], Path]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder))
        with suppress(IngestError):
            assert counts_add_up(ingest(name_of_format, path))


def written(content: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "trace.jsonl").write_text(content, encoding="utf-8")
        return folder / "trace.jsonl"

    return write


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Paths of everything inside a JSON value."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for key, held in inner for place in places(held, (*path, key)))]


def planted(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    """The JSON value with another at a place."""
    if not path:
        return new
    if isinstance(value, dict):
        return {key: planted(held, path[1:], new) if key == path[0] else held for key, held in value.items()}
    return [planted(held, path[1:], new) if at == path[0] else held for at, held in enumerate(value)]


@given(data=st.data())
@settings(max_examples=30)
def test_any_value_anywhere_in_a_dynamo_trace_is_refused_or_counted(data: st.DataObject) -> None:
    events: Any = list(DYNAMO_EVENTS)
    for _ in range(data.draw(st.integers(1, 3))):
        events = planted(events, data.draw(st.sampled_from(places(events)[1:])), data.draw(JSON))
    survives("dynamo", written(dynamo_lines(*(json.dumps(event) for event in events))))


@given(data=st.data())
@settings(max_examples=30)
def test_any_value_anywhere_in_an_otlp_export_is_refused_or_counted(data: st.DataObject) -> None:
    document: Any = data.draw(st.sampled_from([GEN_AI, OPENINFERENCE, CLAUDE, CODEX]))
    for _ in range(data.draw(st.integers(1, 3))):
        document = planted(document, data.draw(st.sampled_from(places(document)[1:])), data.draw(JSON))
    survives("otlp", written(json.dumps(document)))


CELL = st.sampled_from(["0", "-1", "", "nan", "inf", "1e400", "Gamma", "Weibull", "0.01", "600", "9" * 30, "\x00", '"'])


@given(
    lines=st.lists(st.lists(CELL, min_size=4, max_size=7).map(",".join), max_size=6),
    fields=st.dictionaries(st.sampled_from(["input_tokens", "output_tokens", "image_count", "image_tokens"]), JSON),
)
@settings(max_examples=30)
def test_any_cell_in_a_servegen_chunk_is_refused_or_counted(lines: list[str], fields: dict[str, object]) -> None:
    windows = {"1": [*SERVEGEN_WINDOWS["1"], *lines]}
    survives("servegen", lambda folder: servegen_folder(folder, windows, {"1": {"0": fields}}))


@given(
    shapes=st.lists(st.floats(0.005, 500), min_size=1, max_size=6),
    counts=st.lists(st.integers(1, 400), min_size=6, max_size=6),
    law=st.sampled_from(["Gamma", "Weibull"]),
)
@settings(max_examples=20)
def test_a_draw_holds_as_many_calls_as_its_windows_counted(shapes: list[float], counts: list[int], law: str) -> None:
    lines = [
        f"{600 * at},{count / 600!r},1.0,{law},{shape!r},1.0"
        for at, (shape, count) in enumerate(zip(shapes, counts, strict=False))
    ]
    with tempfile.TemporaryDirectory() as folder:
        result: Ingested = ingest("servegen", servegen_folder(Path(folder), {"1": lines}))
    assert result.model_calls.height == sum(counts[: len(shapes)])
    at_s = result.model_calls.select(pl.col("requested_at").dt.timestamp("us") % 86_400_000_000 // 600_000_000)
    assert at_s.to_series().value_counts(sort=False).height == len(shapes)
