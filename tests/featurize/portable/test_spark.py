from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyspark.sql import SparkSession

from tests.featurize.call_frames import calls_frame, many_calls, tools_frame, tools_of
from tests.featurize.portable.portable_frames import QUESTIONS, portable_calls, portable_tools

RELATIVE_ERROR = 1e-12


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    builder = SparkSession.builder.master("local[2]").appName("scoville-parity")
    session = (
        builder.config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    yield session
    session.stop()


def shuffled(frame: pl.LazyFrame) -> pl.DataFrame:
    return frame.collect().sample(fraction=1.0, shuffle=True, seed=3)


def frames_of(name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    if name == "no calls":
        return portable_calls(calls_frame()).collect(), portable_tools(tools_frame()).collect()
    calls = many_calls(3000)
    return shuffled(portable_calls(calls)), shuffled(portable_tools(tools_of(calls)))


@pytest.mark.parametrize("data", ["many calls", "no calls"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_spark_and_polars_give_the_same_rows(spark: Any, question: str, data: str, tmp_path: Path) -> None:
    calls, tools = frames_of(data)
    calls.write_parquet(tmp_path / "calls.parquet")
    tools.write_parquet(tmp_path / "tools.parquet")
    ask, keys = QUESTIONS[question]
    on_polars = ask(calls.lazy(), tools.lazy()).collect()
    asked = ask(
        spark.read.parquet(str(tmp_path / "calls.parquet")), spark.read.parquet(str(tmp_path / "tools.parquet"))
    )
    on_spark = pl.DataFrame(pl.from_arrow(asked.toArrow()))
    assert (len(on_polars) > 100) == (data == "many calls" and question != "wait_quantiles")
    assert set(on_spark.columns) == set(on_polars.columns)
    same_types = on_spark.select(pl.col(name).cast(dtype) for name, dtype in on_polars.schema.items())
    assert_frame_equal(same_types.sort(keys), on_polars.sort(keys), rel_tol=RELATIVE_ERROR, abs_tol=0.0)
