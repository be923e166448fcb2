"""The suite `search`: how much of the best front of a subspace each way to search finds with so many replays."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.stats import kendalltau

from hwmodel.catalog import DesignTable
from hwmodel.costmodel.conformal import NORMAL_90
from hwmodel.design import OBJECTIVES, Outcome, closed_form_of, evaluate
from hwmodel.design.scoring import Scored
from hwmodel.design.search import (
    Candidates,
    Known,
    Slot,
    billed_shares,
    candidates_of,
    first_batch,
    hypervolume,
    learned,
    next_batch,
    relieving,
)
from pipelines.bench.search_rivals import rivals
from pipelines.bench.search_truth import SearchCase, measures, search_case
from pipelines.errors import BadInput
from warehouse.contracts import BindingResource

PACKAGED = "search_truth.parquet"
BUDGETS = (16, 32, 64, 96)
SEEDS = 10
FIRST_COUNT = 8
BATCH_COUNT = 8
JUDGED_COUNT = 64
"""Replays after which predictions are judged."""
RANDOM_COUNT = 64
"""Designs drawn in every round to see whether intervals hold where no search looks."""

Values = Float[np.ndarray, "designs 2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A subspace with what the replay says of every design of it."""

    case: SearchCase
    candidates: Candidates
    designs: DesignTable
    values: Values
    """Logs of the objectives."""
    bills: dict[int, list[BindingResource]] = field(default_factory=dict)
    """Dearest resources of designs whose bill was asked for."""

    def area_ratio(self, rows: Sequence[int]) -> float:
        """Share of the best front's area over the baseline."""
        whole = hypervolume(self.values, self.candidates.reference)
        return hypervolume(self.values[list(rows)], self.candidates.reference) / whole

    def regret_ratio(self, rows: Sequence[int]) -> float:
        """How far the best of some designs falls short of the best of all, by value per dollar."""
        return float(1.0 - np.exp(self.values[list(rows), 0].max() - self.values[:, 0].max()))

    def dearest(self, row: int) -> list[BindingResource]:
        """Resources of a design's bill, the dearest first."""
        if row not in self.bills:
            shares = billed_shares(evaluate(self.designs.row(row), self.case.scenario))
            self.bills[row] = [BindingResource(name) for name in sorted(shares, key=lambda name: -shares[name])]
        return self.bills[row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round predicted, and what the replay then said; logs, both objectives."""

    replayed_count: int
    """Before the round."""
    predicted: Values
    sd: Values
    found: Values
    is_gain: Float[np.ndarray, "designs"]
    """1 where the design was picked for its gain."""
    random_predicted: Values
    random_sd: Values
    random_found: Values
    tau: float
    """Kendall's tau over all designs that were not replayed, value per dollar."""


def read_truth(path: Path | None) -> pl.DataFrame:
    """The packaged truth, or one of your own.

    Raises:
        BadInput: There is no such file, or it is none.
    """
    if path is None:
        with as_file(files("pipelines").joinpath("bench", PACKAGED)) as packaged:
            return read_truth(packaged)
    if not path.is_file():
        raise BadInput(
            f"{path} is not there; make it with `scoville bench search --full --truth {path}` (half an hour)"
        )
    return pl.read_parquet(path)


def truth_of(frame: pl.DataFrame, case: SearchCase) -> Truth:
    """Match a truth with the designs of this code."""
    points = frame.select(case.space.names).to_numpy()
    designs = case.space.designs(points)
    closed = closed_form_of(designs, case.scenario)
    base_closed = closed_form_of(DesignTable.of([case.space.baseline]), case.scenario)
    scored = Scored(
        points=points,
        designs=designs,
        features=case.space.features(points),
        scenarios=(case.scenario.name,),
        closed_forms=(closed,),
        legal_count=len(points),
        refused=(),
        row_of_baseline=(),
    )
    base = Outcome(design=case.space.baseline, scenario=case.scenario.name, numbers=measures(case.baseline))
    return Truth(
        case=case,
        candidates=candidates_of(case.space, scored, base_closed, base),
        designs=designs,
        values=np.log(frame.select(OBJECTIVES).to_numpy()),
    )


def search_rows(truth: Truth, told: Callable[[str], None], *, seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Every method at every budget, the gap to the closed form's order, and how good predictions were."""
    runs = {name: _walks(truth, seeds, shuffled=name == "placebo") for name in ("scoville", "placebo")}
    orders = {name: [rows for rows, _ in found] for name, found in runs.items()}
    for name, rival in rivals().items():
        orders[name] = [rival(truth.candidates, truth.values, max(BUDGETS), seed) for seed in range(seeds)]
    told(
        f"{len(truth.values):,} designs, {float(np.mean((truth.values > truth.candidates.reference).all(axis=1))):.0%} "
        "of them better than the baseline by both objectives"
    )
    rows = [_row(truth, name, count, found) for name, found in orders.items() for count in BUDGETS]
    gaps = [_gap(truth, count, orders) for count in BUDGETS]
    quality = quality_row([rounds for _, rounds in runs["scoville"]])
    for line in _lines(gaps, quality):
        told(line)
    return [*rows, *gaps, quality]


def _walks(truth: Truth, seeds: int, *, shuffled: bool) -> list[tuple[list[int], list[Round]]]:
    return [walk(truth, seed, shuffled=shuffled) for seed in range(seeds)]


def walk(truth: Truth, seed: int, *, shuffled: bool = False) -> tuple[list[int], list[Round]]:
    """The search as the loop runs it, replays read from the truth; with `shuffled` residuals as a placebo."""
    rng = np.random.default_rng(seed)
    cands, values = truth.candidates, truth.values
    rows = [pick.row for pick in first_batch(cands, FIRST_COUNT, rng)]
    known = Known.nothing().after(rows, values[rows], None)
    rounds = []
    while len(rows) < max(BUDGETS):
        predicted = learned(cands, known, shuffled=rng if shuffled else None)
        best = known.rows[int(np.nanargmax(known.values[:, 0]))]
        relief = relieving(
            cands.points, truth.designs, predicted.mean.sum(axis=1), best=best, resources=truth.dearest(best)
        )
        picks = next_batch(
            cands, known, predicted, count=min(BATCH_COUNT, max(BUDGETS) - len(rows)), relieving=relief, taken=rows
        )
        batch = [pick.row for pick in picks]
        others = np.setdiff1d(np.arange(len(cands)), [*rows, *batch])
        drawn = rng.choice(others, RANDOM_COUNT, replace=False)
        rounds.append(
            Round(
                replayed_count=len(rows),
                predicted=predicted.mean[batch],
                sd=predicted.sd[batch],
                found=values[batch],
                is_gain=np.array([float(pick.slot is Slot.GAIN) for pick in picks]),
                random_predicted=predicted.mean[drawn],
                random_sd=predicted.sd[drawn],
                random_found=values[drawn],
                tau=float(kendalltau(predicted.mean[others, 0], values[others, 0]).statistic),
            )
        )
        known = known.after(batch, values[batch], predicted)
        rows += batch
    return rows, rounds


def _row(truth: Truth, method: str, count: int, orders: Sequence[Sequence[int]]) -> dict[str, Any]:
    areas = [truth.area_ratio(rows[:count]) for rows in orders]
    return {
        "method": method,
        "evaluations": count,
        "hypervolume_ratio": float(np.mean(areas)),
        "hypervolume_least_ratio": float(np.min(areas)),
        "regret_ratio": float(np.mean([truth.regret_ratio(rows[:count]) for rows in orders])),
        "seeds": len(orders),
    }


def _gap(truth: Truth, count: int, orders: dict[str, list[list[int]]]) -> dict[str, Any]:
    """Ours over the closed form's order; the interval is that of the mean over seeds, by bootstrap."""
    pairs = zip(orders["scoville"], orders["analytic"], strict=True)
    gaps = np.array([truth.area_ratio(ours[:count]) - truth.area_ratio(theirs[:count]) for ours, theirs in pairs])
    means = np.random.default_rng(0).choice(gaps, (2_000, len(gaps))).mean(axis=1)
    low, high = np.quantile(means, (0.05, 0.95))
    return {
        "gap": "scoville over analytic",
        "evaluations": count,
        "hypervolume_gap_ratio": float(gaps.mean()),
        "low_ratio": float(low),
        "high_ratio": float(high),
        "least_ratio": float(gaps.min()),
        "learning_pays": bool(low > 0.0),
    }


def quality_row(runs: Sequence[Sequence[Round]]) -> dict[str, Any]:
    """Predictions before the designs enter training, over rounds up to the judged number of replays."""
    seen = [one for rounds in runs for one in rounds if one.replayed_count < JUDGED_COUNT]
    last = [max((one for one in rounds if one.replayed_count < JUDGED_COUNT), key=_age) for rounds in runs]
    gain = [one.is_gain > 0.0 for one in last]
    errors = np.concatenate([np.abs(np.expm1(r.predicted - r.found))[at, 0] for r, at in zip(last, gain, strict=True)])
    best = np.array([_error_of_best(one) for one in last])
    return {
        "quality": f"predictions before training, up to {JUDGED_COUNT} replays",
        "last_round_error_ratio": float(errors.mean()),
        "last_round_error_median_ratio": float(np.median(errors)),
        "recommended_error_ratio": float(best.mean()),
        "kendall_tau_picked": float(np.mean([_tau_of_picked(rounds) for rounds in runs])),
        "kendall_tau_all_designs": float(np.mean([one.tau for one in last])),
        "coverage_picked_ratio": _coverage([(r.predicted, r.sd, r.found) for r in seen]),
        "coverage_random_ratio": _coverage([(r.random_predicted, r.random_sd, r.random_found) for r in seen]),
        "coverage_random_last_ratio": _coverage([(r.random_predicted, r.random_sd, r.random_found) for r in last]),
        "random_half_width_ratio": float(np.median(np.expm1(NORMAL_90 * np.concatenate([r.random_sd for r in last])))),
    }


def _age(one: Round) -> int:
    return one.replayed_count


def _error_of_best(one: Round) -> float:
    """Of the design of a round that is predicted to be best by value per dollar."""
    best = int(one.predicted[:, 0].argmax())
    return float(abs(np.expm1(one.predicted[best, 0] - one.found[best, 0])))


def _tau_of_picked(rounds: Sequence[Round]) -> float:
    """Over all designs that a run picked, each as it was predicted before its replay."""
    seen = [one for one in rounds if one.replayed_count < JUDGED_COUNT]
    predicted, found = (np.concatenate([getattr(r, name)[:, 0] for r in seen]) for name in ("predicted", "found"))
    return float(kendalltau(predicted, found).statistic)


def _coverage(parts: Sequence[tuple[Values, Values, Values]]) -> float:
    inside = [np.abs(found - mean) <= NORMAL_90 * sd for mean, sd, found in parts]
    return float(np.concatenate(inside).mean())


def _lines(gaps: Sequence[dict[str, Any]], quality: dict[str, Any]) -> Iterator[str]:
    for gap in gaps:
        says = "" if gap["learning_pays"] else ": learning buys nothing here"
        yield (
            f"{gap['evaluations']} replays: {100 * gap['hypervolume_gap_ratio']:+.1f} points of hypervolume over the "
            f"closed form's order, 90 % interval {100 * gap['low_ratio']:+.1f} to {100 * gap['high_ratio']:+.1f}{says}"
        )
    yield (
        f"intervals that claim 90 % cover {quality['coverage_picked_ratio']:.0%} of picked and "
        f"{quality['coverage_random_ratio']:.0%} of random designs before they enter training"
    )


def search_suite(path: Path | None, told: Callable[[str], None], *, full: bool) -> list[dict[str, Any]]:
    """Read the truth, or make it first, and search in it."""
    from pipelines.bench.search_truth import made_truth  # noqa: PLC0415 - replays for half an hour

    if full and path is None:
        raise BadInput("name the file to make with --truth")
    if full and path is not None:
        made_truth(path, told)
    return search_rows(truth_of(read_truth(path), search_case()), told)
