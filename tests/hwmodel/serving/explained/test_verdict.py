"""The verdict: alike services hold, others fail for the right reason, and little telemetry tells nothing."""

import polars as pl
import pytest

from hwmodel.serving.explained import Finding, Verdict, judge
from tests.hwmodel.serving.explained.timed_calls import timed_calls

OBSERVED = timed_calls(seed=1)


def findings(verdict: Verdict) -> dict[str, Finding]:
    return {test.name: test.finding for test in verdict.tests}


@pytest.mark.parametrize("factor", [0.3, 1.0, 5.0])
def test_another_draw_of_the_same_service_holds_at_any_speed(factor: float) -> None:
    other = timed_calls(seed=2).with_columns(pl.col("ttft_s") * factor, pl.col("tpot_s") * factor)
    verdict = judge(OBSERVED, other)
    assert set(findings(verdict).values()) == {Finding.HOLDS}
    assert verdict.finding is Finding.HOLDS
    assert verdict.likeness is not None
    assert verdict.likeness.unexplained_ratio == pytest.approx(factor, rel=0.03)


def test_slower_decoding_alone_fails_on_the_profile_of_times() -> None:
    verdict = judge(OBSERVED, timed_calls(seed=2, token_s=0.03))
    assert findings(verdict)["profile of times"] is Finding.FAILS
    assert findings(verdict)["order of surfaces by time to first token"] is Finding.HOLDS
    assert verdict.finding is Finding.FAILS


def test_hours_in_opposite_phase_fail_on_the_hours_alone() -> None:
    verdict = judge(OBSERVED, timed_calls(seed=2, slowest_hour=3))
    assert {name for name, finding in findings(verdict).items() if finding is Finding.FAILS} == {"hours of the day"}


def test_surfaces_in_another_order_fail_on_the_order() -> None:
    turned = timed_calls(seed=2).with_columns(ttft_s=pl.col("ttft_s") / pl.col("ttft_s").median().over("surface") ** 2)
    assert findings(judge(OBSERVED, turned))["order of surfaces by time to first token"] is Finding.FAILS


def test_telemetry_without_a_pattern_of_hours_tells_nothing_about_them() -> None:
    even = timed_calls(seed=1, swing_ratio=0.0)
    assert findings(judge(even, timed_calls(seed=2)))["hours of the day"] is Finding.UNTOLD


def test_a_hundred_calls_tell_neither_lengths_nor_hours() -> None:
    few = OBSERVED.head(100)
    verdict = judge(few, few)
    assert verdict.finding is Finding.UNTOLD
    assert findings(verdict)["profile of times"] is Finding.UNTOLD
    assert findings(verdict)["hours of the day"] is Finding.UNTOLD


def test_the_verdict_is_the_same_twice() -> None:
    other = timed_calls(seed=2)
    assert judge(OBSERVED, other).tests == judge(OBSERVED, other).tests
