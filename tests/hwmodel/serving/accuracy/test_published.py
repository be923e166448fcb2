"""Published points: what can be run is searched, what cannot is said."""

import pytest

from hwmodel.catalog import load_catalog
from hwmodel.serving.accuracy.best_load import Load, best_load
from hwmodel.serving.accuracy.deployed import chip_named
from hwmodel.serving.accuracy.first_results import least_step, variants
from hwmodel.serving.accuracy.published import POINTS, published_rows

SHORT = Load(input_tokens=64, output_tokens=32)


def test_a_limit_on_the_time_per_token_costs_throughput_and_is_kept() -> None:
    llm, chip = load_catalog().llm("llama-3.1-8b"), chip_named("h100-sxm")
    free = best_load(llm, chip, SHORT, precision="fp8", widths=(1,))
    assert free is not None
    limit_s = 0.5 * free.times.tpot_s
    bound = best_load(
        llm, chip, Load(input_tokens=64, output_tokens=32, tpot_limit_s=limit_s), precision="fp8", widths=(1,)
    )
    assert bound is not None
    assert bound.times.tpot_s <= limit_s
    assert bound.output_tokens_per_s < free.output_tokens_per_s


def test_what_does_not_fit_has_no_best_load() -> None:
    llm = load_catalog().llm("deepseek-r1")
    assert best_load(llm, chip_named("h100-sxm"), SHORT, precision="fp8", widths=(1, 2)) is None


def test_unpublished_numbers_spread_the_least_step_of_jalapeno_and_of_no_other() -> None:
    llm = load_catalog().llm("gpt-oss-120b")
    worse, middle, better = (least_step(llm, chip, host_step_s=0.0).step_s for chip in variants("jalapeno"))
    assert worse > middle > better
    assert len(set(variants("gb200-nvl72"))) == 1


def test_every_point_names_a_chip_of_the_catalogue_or_says_why_it_cannot_be_run() -> None:
    for point in POINTS:
        assert point.load is not None or point.note


@pytest.mark.slow
def test_all_points_are_printed_and_the_median_error_is_as_reported() -> None:
    rows = published_rows()
    assert len(rows) == 1 + sum(len(point.values) for point in POINTS)
    assert rows[-1].ours is not None
    assert rows[-1].ours <= 0.26
