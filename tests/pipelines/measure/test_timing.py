"""Timing a kernel: warm-up does not count, calls share a run, runs end in time, caches are emptied when asked."""

import pytest

from pipelines.measure.timing import Plan, timed
from tests.pipelines.measure.machines import LawfulMachine

ROW = {"kernel": "first"}


def test_the_median_is_that_of_one_call_after_the_warm_up() -> None:
    plan = Plan(warm_up_runs=2, least_runs=5, most_runs=5, calls_count=10)
    machine = LawfulMachine(law_s=lambda family, row: 1e-5)
    time = timed(machine, machine.prepared("gemm", ROW, plan.calls_per_run), plan)
    assert time.runs_count == 5
    assert time.median_s == pytest.approx(1e-5 * 1.04)  # runs 2 to 6 take 1.02 to 1.06
    assert time.p10_s == pytest.approx(1e-5 * 1.024)
    assert time.p90_s == pytest.approx(1e-5 * 1.056)


@pytest.mark.parametrize(("one_s", "runs_count"), [(1e-6, 60), (1e-3, 17), (1.0, 7)])
def test_short_kernels_run_often_and_long_ones_as_seldom_as_allowed(one_s: float, runs_count: int) -> None:
    plan = Plan(warm_up_runs=0, least_runs=7, most_runs=60, budget_s=0.09, calls_count=5)
    machine = LawfulMachine(law_s=lambda family, row: one_s)
    assert timed(machine, machine.prepared("gemm", ROW, plan.calls_per_run), plan).runs_count == runs_count


def test_caches_are_emptied_before_each_run_of_one_call() -> None:
    plan = Plan(is_flushed=True, warm_up_runs=1, least_runs=3, most_runs=3, calls_count=10)
    machine = LawfulMachine()
    time = timed(machine, machine.prepared("gemm", ROW, plan.calls_per_run), plan)
    assert machine.events == ["run", *["forget", "run"] * 3]
    assert time.median_s == pytest.approx(1e-5 * 1.02)


def test_caches_are_left_alone_otherwise() -> None:
    machine = LawfulMachine()
    timed(machine, machine.prepared("gemm", ROW, 5), Plan())
    assert set(machine.events) == {"run"}
