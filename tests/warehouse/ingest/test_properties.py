"""Whatever the bytes are: an expected error, or frames under contract whose counts add up."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.ingest.seeds import SEEDS
from tests.warehouse.ingest.trace_files import GOLDEN_SESSION, MOONCAKE_ROWS, counts_add_up, weka_session
from warehouse.ingest import FORMATS, Ingested, IngestError, detect_format, ingest

FEW = 20
"""Examples per format in the fast run; the fuzz run draws as many as its time allows."""
GOOD = {name: seeds[0].content for name, seeds in SEEDS.items()}


def parquet_bytes() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        pl.DataFrame(MOONCAKE_ROWS).write_parquet(Path(folder) / "x", compression="uncompressed")
        return (Path(folder) / "x").read_bytes()


def survives(name_of_format: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SEEDS[name_of_format][0].name
        path.write_bytes(content)
        result = outcome(lambda: ingest(name_of_format, path))
        assert counts_add_up(result) if isinstance(result, Ingested) else "\n" not in str(result)
        found = outcome(lambda: detect_format(path))
        assert found in FORMATS if isinstance(found, str) else "\n" not in str(found)


def outcome(attempt: Callable[[], Ingested | str]) -> Ingested | str | IngestError:
    """What came out: a value, or an expected error; anything else is a bug and escapes."""
    try:
        return attempt()
    except IngestError as error:
        return error


@st.composite
def mutated(draw: st.DrawFn, good: bytes) -> bytes:
    """A good file with a few stretches replaced, repeated or cut out."""
    content = good
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        until = min(len(content), at + draw(st.integers(0, 12)))
        pieces = (
            st.binary(max_size=6),
            st.sampled_from(
                [
                    b"\n",
                    b",",
                    b"-",
                    b"null",
                    b"1e400",
                    b"NaN",
                    b'"',
                    b"[",
                    b"{}",
                    b"9" * 25,
                    b"\xff",
                    b"\x00",
                    b"\r",
                    b"true",
                ]
            ),
            st.just(content[at:until] * 2),
        )
        content = content[:at] + draw(st.one_of(*pieces)) + content[until:]
    return content


@pytest.mark.parametrize("name_of_format", list(FORMATS))
@given(content=st.binary(max_size=200))
@settings(max_examples=FEW)
def test_byte_soup_is_refused_or_counted(name_of_format: str, content: bytes) -> None:
    survives(name_of_format, content)


@pytest.mark.parametrize("name_of_format", list(FORMATS))
@given(data=st.data())
@settings(max_examples=FEW)
def test_a_mutated_good_file_is_refused_or_counted(name_of_format: str, data: st.DataObject) -> None:
    survives(name_of_format, data.draw(mutated(GOOD[name_of_format])))


@pytest.mark.parametrize("name_of_format", list(FORMATS))
@given(cut=st.floats(0, 1))
@settings(max_examples=FEW)
def test_a_file_cut_anywhere_is_refused_or_counted(name_of_format: str, cut: float) -> None:
    survives(name_of_format, GOOD[name_of_format][: int(cut * len(GOOD[name_of_format]))])


@given(data=st.data())
def test_a_mutated_parquet_file_is_refused_or_counted(data: st.DataObject) -> None:
    survives("mooncake", data.draw(mutated(parquet_bytes())))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
KEYS = {
    "azure": (),
    "mooncake": ("timestamp", "input_length", "output_length", "hash_ids"),
    "weka": (
        "t", "type", "model", "in", "out", "hash_ids", "stop", "api_time", "think_time", "ttft", "input_types",
        "agent_id", "duration_ms", "requests",
    ),
}  # fmt: skip


@given(rows=st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS["mooncake"], JSON)), max_size=4))
def test_any_json_value_in_any_mooncake_key_is_refused_or_counted(rows: list[dict[str, object]]) -> None:
    lines = [json.dumps({**MOONCAKE_ROWS[0], **row}) for row in rows]
    survives("mooncake", "\n".join([json.dumps(MOONCAKE_ROWS[0]), *lines]).encode())


@given(
    requests=st.lists(
        st.fixed_dictionaries({}, optional={**dict.fromkeys(KEYS["weka"], JSON), "type": st.just("subagent") | JSON}),
        max_size=4,
    ),
    size=JSON,
)
@settings(max_examples=60)
def test_any_json_value_in_any_weka_key_is_refused_or_counted(requests: list[dict[str, object]], size: object) -> None:
    good = GOLDEN_SESSION["requests"]
    mixed = [{**good[at % len(good)], **request} for at, request in enumerate(requests)]
    survives("weka", json.dumps(weka_session([*good, *mixed], block_size=size)).encode())
