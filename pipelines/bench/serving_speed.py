"""The suite `serving-speed`: scheduler steps and calls replayed per CPU second, beside the literal scheduler."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hwmodel.catalog import Deployment, DesignTable, design_of, load_catalog
from hwmodel.serving import Scheduler, StepCost, StepTimer, step_cost_tables
from hwmodel.serving.bins import fresh_bins
from hwmodel.serving.engine import EngineCalls, EngineRun, EngineSettings, Policy
from hwmodel.serving.fast import replay_fast
from hwmodel.serving.reference import replay_literally
from hwmodel.serving.step_cost import step_ns
from pipelines.bench.rows import Spent, spent

VIDUR_ITERATIONS_PER_CPU_S = 4_000.0
"""Published by nobody; measured once on Vidur 7d47513, the most of several runs (docs/sources.md, vidur)."""
CALLS_COUNT = 200_000
LITERAL_CALLS_COUNT = 300
REEVALUATED_CALLS_COUNT = 3_000
ROUNDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSpeedRow:
    """One case, on one core; the quickest of several rounds."""

    case: str
    mean_batch: float
    """Sequences that get a token, over all steps."""
    iterations_per_cpu_s: float
    calls_per_cpu_s: float
    kernel_bill: bool
    """Whether the counters that the bill is made of were kept."""
    reference_iterations_per_cpu_s: float
    """The literal scheduler on the first calls of the same case."""
    vidur_iterations_per_cpu_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A load on one replica."""

    name: str
    calls: EngineCalls
    settings: EngineSettings


def serving_speed(told: Callable[[str], None]) -> list[ServingSpeedRow]:
    """Replay each case with and without counters, then one design from its tables on."""
    timer = _timer()
    cost = step_cost_tables(timer, scheduler=Scheduler()).cost(0)
    rows = []
    for case in _cases(cost):
        literal = _head(case.calls, LITERAL_CALLS_COUNT)
        took, run = spent(lambda: replay_literally(literal, case.settings, lambda f: step_ns(cost, f)))  # noqa: B023
        reference = run.steps_count / took.cpu_s
        for counting in (False, True):
            _replayed(_head(case.calls, LITERAL_CALLS_COUNT), case.settings, cost, counting=counting)
            took, run = _quickest(lambda: _replayed(case.calls, case.settings, cost, counting=counting))  # noqa: B023
            rows.append(_row(case.name, took, run, counting=counting, reference=reference))
            told(f"{case.name}: {rows[-1].iterations_per_cpu_s / 1e6:.1f} M iterations per CPU second")
    rows.append(_reevaluation(timer))
    return rows


def _timer() -> StepTimer:
    llm, chip = load_catalog().llm("gpt-oss-120b"), design_of(load_catalog().chip("h100-sxm"))
    return StepTimer(designs=DesignTable.of([chip]), llm=llm, deployment=Deployment(tp_count=2))


def _cases(cost: StepCost) -> Iterator[Case]:
    for batch, answer_tokens, blocks_count in ((20, 200, 20_000), (80, 400, 20_000), (140, 400, 8_000)):
        settings = EngineSettings(blocks_count=blocks_count)
        calls = _loaded(cost, settings, batch=batch, answer_tokens=answer_tokens)
        yield Case(name=f"batch {batch}", calls=calls, settings=settings)
        if batch == 80:
            urgent = replace(settings, policy=Policy.PRIORITY)
            yield Case(name=f"batch {batch}, sessions, patience, priorities", calls=_with_users(calls), settings=urgent)


def _loaded(cost: StepCost, settings: EngineSettings, *, batch: int, answer_tokens: int) -> EngineCalls:
    """Poisson calls at the rate that keeps about so many sequences decoding, found by a few trials."""
    rate = 1.0
    for _ in range(ROUNDS):
        trial = _poisson(20_000, rate, answer_tokens)
        run = replay_fast(trial, settings, cost)
        rate *= min(batch / max(_mean_batch(run), 1e-3), 8.0)
    return _poisson(CALLS_COUNT, rate, answer_tokens)


def _poisson(count: int, calls_per_s: float, answer_tokens: int) -> EngineCalls:
    rng = np.random.default_rng(0)
    return EngineCalls.of(
        start_ns=np.cumsum(rng.exponential(1e9 / calls_per_s, count)).astype(np.int64),
        input_tokens=np.maximum(1, rng.exponential(300.0, count)).astype(np.int64),
        output_tokens=np.maximum(1, rng.exponential(answer_tokens, count)).astype(np.int64),
    )


def _with_users(calls: EngineCalls) -> EngineCalls:
    """The same work in sessions of four turns that share their prefix, with users who leave and three priorities."""
    size = len(calls)
    rng, number = np.random.default_rng(1), np.arange(size)
    before = np.where(number % 4 > 0, number - 1, -1)
    context = calls.input_tokens + calls.output_tokens
    shared = np.where(before >= 0, context[np.maximum(before, 0)], 0)
    return replace(
        calls,
        after=before,
        gap_ns=rng.exponential(2e9, size).astype(np.int64),
        parent=before,
        shared_tokens=shared,
        input_tokens=calls.input_tokens + shared,
        priority=rng.integers(0, 3, size),
        patience_ns=rng.exponential(20e9, size).astype(np.int64) + 1,
        stop_ns=rng.exponential(200e9, size).astype(np.int64) + 1,
    )


def _head(calls: EngineCalls, count: int) -> EngineCalls:
    return EngineCalls(**{name: getattr(calls, name)[:count] for name in EngineCalls.__slots__})


def _replayed(calls: EngineCalls, settings: EngineSettings, cost: StepCost, *, counting: bool) -> EngineRun:
    return replay_fast(calls, settings, cost, bins=fresh_bins(counting=True) if counting else None)


def _mean_batch(run: EngineRun) -> float:
    return float(run.times.generated_tokens.sum()) / run.steps_count


def _reevaluation(timer: StepTimer) -> ServingSpeedRow:
    """One design on a trace of 3,000 calls: its tables compiled, the trace replayed."""
    scheduler = Scheduler()
    calls = _poisson(REEVALUATED_CALLS_COUNT, 30.0, 200)
    settings = EngineSettings(blocks_count=20_000)

    def evaluate() -> EngineRun:
        return replay_fast(calls, settings, step_cost_tables(timer, scheduler=scheduler).replica(0).cost)

    took, run = _quickest(evaluate)
    return _row("one design, tables and 3,000 calls", took, run, counting=False, reference=float("nan"))


def _quickest(work: Callable[[], EngineRun]) -> tuple[Spent, EngineRun]:
    """The least of several rounds: a round is a tenth of a second, and the first ones wait for memory."""
    return min((spent(work) for _ in range(ROUNDS)), key=lambda one: one[0].cpu_s)


def _row(name: str, took: Spent, run: EngineRun, *, counting: bool, reference: float) -> ServingSpeedRow:
    return ServingSpeedRow(
        case=name,
        mean_batch=_mean_batch(run),
        iterations_per_cpu_s=run.steps_count / took.cpu_s,
        calls_per_cpu_s=run.times.outcome.size / took.cpu_s,
        kernel_bill=counting,
        reference_iterations_per_cpu_s=reference,
        vidur_iterations_per_cpu_s=VIDUR_ITERATIONS_PER_CPU_S,
        cpu_s=took.cpu_s,
    )
