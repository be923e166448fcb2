"""How a kernel is timed: warm-up, runs until they have taken long enough, the median."""

from dataclasses import dataclass
from statistics import median, quantiles

from pipelines.measure.machine import Machine, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How often a kernel runs."""

    is_flushed: bool = False
    """Whether caches are overwritten before each run; then a run is one call. Else calls follow one another, as the
    collectors of the published tables do it, and a small operand stays in the L2 cache."""
    calls_count: int = 5
    """Calls in a run that is not flushed: what starting a run costs is shared among them."""
    warm_up_runs: int = 2
    least_runs: int = 7
    most_runs: int = 60
    budget_s: float = 0.1
    """Runs end when they have taken so long, though not before `least_runs`."""

    @property
    def calls_per_run(self) -> int:
        """Calls whose time is measured together."""
        return 1 if self.is_flushed else self.calls_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Times of one call, over the runs."""

    median_s: float
    p10_s: float
    p90_s: float
    runs_count: int


def timed(machine: Machine, run: Run, plan: Plan) -> Timed:
    """Median and spread of a call's time.

    Args:
        machine: Has the clock.
        run: Calls the kernel `plan.calls_per_run` times.
        plan: How often.
    """
    for _ in range(plan.warm_up_runs):
        machine.seconds(run)
    runs_s: list[float] = []
    while len(runs_s) < plan.least_runs or (len(runs_s) < plan.most_runs and sum(runs_s) < plan.budget_s):
        if plan.is_flushed:
            machine.forget()
        runs_s.append(machine.seconds(run))
    tenths = quantiles(runs_s, n=10, method="inclusive")
    calls = plan.calls_per_run
    return Timed(
        median_s=median(runs_s) / calls, p10_s=tenths[0] / calls, p90_s=tenths[-1] / calls, runs_count=len(runs_s)
    )
