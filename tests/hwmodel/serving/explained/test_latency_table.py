"""A replay as a table: its quantiles are those of the calls, dense, rising, and following hour and length."""

import numpy as np
import polars as pl
import pytest

from hwmodel.serving.explained import service_latency
from tests.hwmodel.serving.explained.timed_calls import timed_calls
from warehouse.contracts import LATENCY_KNOTS, SURFACES

CALLS = timed_calls(count=60_000)
TABLE = service_latency(CALLS)


def cell(surface: int, hour: int, knot: int) -> dict[str, float]:
    rows = TABLE.filter(surface=SURFACES[surface], hour=hour, knot_tokens=knot)
    return rows.row(0, named=True)


def test_every_hour_and_knot_of_a_surface_is_there() -> None:
    assert len(TABLE) == len(SURFACES) * 24 * len(LATENCY_KNOTS)
    assert int(TABLE["call_count"].sum()) == len(CALLS) * len(LATENCY_KNOTS)


@pytest.mark.parametrize(("surface", "knot", "hour"), [(0, 256, 15), (2, 512, 3), (5, 8_192, 9)])
def test_quantiles_are_those_of_the_law_that_made_the_calls(surface: int, knot: int, hour: int) -> None:
    load = 1.0 + 0.4 * np.cos(2.0 * np.pi * (hour + 0.5 - 15.0) / 24.0)
    found = cell(surface, hour, knot)
    typical_s = (0.05 + 2e-5 * knot) * load
    assert found["ttft_p50_s"] == pytest.approx(typical_s, rel=0.08)
    assert found["ttft_p95_s"] / found["ttft_p05_s"] == pytest.approx(np.exp(2.0 * 1.645 * 0.3), rel=0.12)
    assert found["tpot_p50_s"] == pytest.approx(0.01 * (1.0 + 0.3 * surface) * (1.0 + knot / 50_000.0), rel=0.05)
    assert found["queue_ratio"] == pytest.approx(0.25)


def test_beyond_the_lengths_that_were_seen_times_stay_constant() -> None:
    assert cell(0, 12, LATENCY_KNOTS[-1])["ttft_p50_s"] == cell(0, 12, LATENCY_KNOTS[-2])["ttft_p50_s"]


def test_the_order_of_the_calls_changes_nothing() -> None:
    assert service_latency(CALLS.sample(fraction=1.0, shuffle=True, seed=1)).equals(TABLE)


def test_no_calls_make_no_rows() -> None:
    assert service_latency(CALLS.clear()).is_empty()
    assert service_latency(CALLS.with_columns(tpot_s=pl.lit(None, pl.Float64))).is_empty()
