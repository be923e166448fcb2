"""The fit of the pace: planted spells of long answers raise the queue's tail, and the fitted law's play has them."""

from dataclasses import replace

import numpy as np
import pytest

from telemetry_sim.fidelity.queue import waits_s
from telemetry_sim.fit.pace import paced_law
from telemetry_sim.fitted.arrivals import FLAT, ArrivalFamily, ArrivalLaw, law_from_dict, law_to_dict
from telemetry_sim.fitted.arrivals_draw import draw_arrivals
from telemetry_sim.fitted.arrivals_sizes import near_log_rates, placed_by_size
from telemetry_sim.laws import Floats
from telemetry_sim.streams import root_key

LAW = ArrivalLaw(family=ArrivalFamily.RENEWAL, rate_per_s=4.0)
SPAN_S, COUNT = 600.0, 2400


def tail_of_wait(times: Floats, work: Floats) -> float:
    order = np.argsort(times)
    return float(np.quantile(waits_s(times[order], work[order] * 0.7 * SPAN_S / work.sum()), 0.99))


def test_planted_spells_are_found_and_give_back_the_tail_of_the_queue() -> None:
    planted = replace(LAW, course=replace(FLAT, size_sigma_ratio=0.6, size_memory_s=15.0))
    times = draw_arrivals(LAW, root_key(3), SPAN_S, count=COUNT)
    drawn = np.random.default_rng(4).exponential(size=COUNT)
    at = placed_by_size(planted, root_key(5), times, drawn)
    law = paced_law(LAW, at, drawn, drawn, SPAN_S)
    assert law.course.size_sigma_ratio > 0.3
    assert law_from_dict(law_to_dict(law)) == law
    starts = [draw_arrivals(LAW, root_key(seed), SPAN_S, count=COUNT) for seed in range(20, 80)]
    played = [tail_of_wait(placed_by_size(law, root_key(at), one, drawn), drawn) for at, one in enumerate(starts)]
    assert tail_of_wait(at, drawn) > 1.5 * np.median([tail_of_wait(one, drawn) for one in starts])
    assert np.median(played) == pytest.approx(tail_of_wait(at, drawn), rel=0.25)


def test_calls_dealt_without_a_pace_get_none_that_matters() -> None:
    times = draw_arrivals(LAW, root_key(6), SPAN_S, count=COUNT)
    drawn = np.random.default_rng(7).exponential(size=COUNT)
    law = paced_law(LAW, times, drawn, drawn, SPAN_S)
    assert abs(law.course.size_sigma_ratio) < 0.3
    assert abs(law.course.size_rate_slope_ratio) < 0.7


def test_few_calls_keep_their_law() -> None:
    times = np.arange(50.0)
    assert paced_law(LAW, times, times, times, 50.0) is LAW


def test_the_rate_around_a_call_is_told_over_the_expected_one() -> None:
    times = np.concatenate((np.arange(0.0, 500.0, 0.5), np.arange(500.0, 1000.0, 0.25)))
    found = near_log_rates(replace(LAW, rate_per_s=3.0), times)
    assert found[300] == pytest.approx(np.log(2 / 3), abs=0.05)
    assert found[2000] == pytest.approx(np.log(4 / 3), abs=0.05)
