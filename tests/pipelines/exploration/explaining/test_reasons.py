"""Reasons and bill on a small real replay: kernels and resources named, shares that sum."""

import polars as pl
import pytest

from pipelines.exploration.explaining.reasons import RESOURCE_WORDS, bill_shift, reasons
from tests.pipelines.exploration.pair_of_designs import Pair, small_pair
from warehouse.contracts import BindingResource, values_of


@pytest.fixture(scope="module")
def pair() -> Pair:
    return small_pair()


def shift_of(pair: Pair) -> pl.DataFrame:
    return bill_shift(pair.base, pair.before, pair.faster, pair.after)


def test_the_bill_sums_to_the_busy_time_of_the_fleet(pair: Pair) -> None:
    part = pair.base.pools[0]
    busy_chips = (
        part.fleet.result.busy_s / part.fleet.result.span_s * part.pool.traffic_ratio * part.deployment.tp_count
    )
    assert pair.before["cost_usd"].sum() == pytest.approx(busy_chips * pair.base.usd_per_chip_h, rel=1e-3)
    assert (pair.before["bound_s"] <= pair.before["time_s"] * (1.0 + 1e-9)).all()


def test_the_baselines_shares_sum_to_one_and_the_designs_to_its_bill_per_value(pair: Pair) -> None:
    shift = shift_of(pair)
    assert shift["baseline_share_ratio"].sum() == pytest.approx(1.0)
    per_value = [
        float(frame["cost_usd"].sum()) / e.value_usd_per_h
        for frame, e in ((pair.before, pair.base), (pair.after, pair.faster))
    ]
    assert shift["design_share_ratio"].sum() == pytest.approx(per_value[1] / per_value[0])


def test_the_largest_saving_of_more_memory_bandwidth_is_told_as_memory_bandwidth(pair: Pair) -> None:
    told = reasons(shift_of(pair), pair.base, pair.faster)
    assert "kernels bound by HBM bandwidth" in told[0]
    kernels = {name.replace("_", " ") for name in pair.before["kernel"].to_list()}
    for line in told[1:-1]:
        assert any(line.startswith(f"{kernel} of llama-3.1-8b, bound by ") for kernel in kernels), line
        assert any(word in line for word in RESOURCE_WORDS.values())
    assert len(told) > 2
    assert told[-1].startswith("Chips for the same demand: llama-3.1-8b")


def test_every_binding_resource_has_words() -> None:
    assert set(RESOURCE_WORDS) == set(values_of(BindingResource))
