"""From finalists to recommendations: simplified, predicted before they are replayed, judged by the silicon interval."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.design import (
    DesignSpace,
    Evaluation,
    Recommendation,
    Scenario,
    SearchPlan,
    SearchResult,
    Seat,
    recommend,
    search,
    silicon_interval,
)
from hwmodel.design.recommend import predict_points, simplest
from tests.hwmodel.design.cheap_replay import CheapReplay, Tape, cheap, small_space, true_ratio
from tests.hwmodel.design.planted import planted

PLAN = SearchPlan(first_count=6, rounds_count=2, batch_count=3, finalists_count=3)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return planted()


@pytest.fixture
def replayed(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> CheapReplay:
    made = cheap(scenario)
    made.take_over(monkeypatch)
    return made


@pytest.fixture
def space() -> DesignSpace:
    return small_space()


@pytest.fixture
def found(space: DesignSpace, scenario: Scenario, replayed: CheapReplay) -> SearchResult:
    return search(space, scenario, plan=PLAN, log=Tape(), progress=Tape())


def recommended(
    space: DesignSpace, found: SearchResult, scenario: Scenario, tape: Tape
) -> tuple[Evaluation, tuple[Recommendation, ...]]:
    return recommend(space, found, replace(scenario, name="full"), log=tape, progress=tape)


def test_finalists_are_predicted_before_anything_is_replayed_in_full(
    space: DesignSpace, found: SearchResult, scenario: Scenario
) -> None:
    tape = Tape()
    _, finals = recommended(space, found, scenario, tape)
    kinds = [(what, purpose) for what, _, purpose in tape.heard]
    assert kinds == [
        *[("predicted", "recommended")] * len(finals),
        ("evaluated", "baseline"),
        *[("evaluated", "recommended")] * len(finals),
    ]
    assert {name for what, name, _ in tape.heard if what == "predicted"} == {r.design.name for r in finals}


def test_every_design_of_the_final_is_replayed_in_full_once(
    space: DesignSpace, found: SearchResult, scenario: Scenario, replayed: CheapReplay
) -> None:
    recommended(space, found, scenario, Tape())
    full = [name for name in replayed.calls if name.startswith("full:")]
    assert len(full) == len(set(full)) >= 3


def test_recommendations_carry_what_was_logged_and_what_the_replay_said(
    space: DesignSpace, found: SearchResult, scenario: Scenario, replayed: CheapReplay
) -> None:
    tape = Tape()
    baseline, finals = recommended(space, found, scenario, tape)
    assert baseline.scenario == "full"
    for final in finals:
        assert final.predicted == tape.predictions["recommended", final.design.name]
        assert final.reevaluated_ratio == pytest.approx(true_ratio(replayed, final.design))
        assert final.changes == space.changes(final.point)
        assert final.silicon == silicon_interval(space.baseline, final.design, final.reevaluated_ratio or 0.0)


def test_ranks_follow_the_full_replay(space: DesignSpace, found: SearchResult, scenario: Scenario) -> None:
    _, finals = recommended(space, found, scenario, Tape())
    ratios = [final.reevaluated_ratio for final in finals]
    assert ratios == sorted(ratios, key=lambda ratio: -(ratio or 0.0))
    assert [final.rank for final in finals] == list(range(1, len(finals) + 1))


def test_a_finalist_without_a_fleet_stays_last_and_is_not_recommended(
    space: DesignSpace, found: SearchResult, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    simplified = [simplest(space, found, found.scored.points[row]) for row in found.finalists]
    first = next(point for point in simplified if space.changes(point.tolist()))
    name = space.designs(first[None, :]).name[0]
    cheap(scenario, too_slow=frozenset({name})).take_over(monkeypatch)
    _, finals = recommended(space, found, scenario, Tape())
    assert (finals[-1].design.name, finals[-1].reevaluated_ratio, finals[-1].evaluation) == (name, None, None)
    assert not finals[-1].is_recommended


def test_only_a_silicon_interval_that_excludes_no_gain_is_a_recommendation(
    space: DesignSpace, found: SearchResult, scenario: Scenario
) -> None:
    final = recommended(space, found, scenario, Tape())[1][0]
    for ratio, low, expected in ((1.3, 1.01, True), (1.3, 1.0, False), (1.3, 0.99, False), (None, 1.2, False)):
        assert replace(final, reevaluated_ratio=ratio, silicon=(low, 2.0)).is_recommended is expected


def test_a_change_that_buys_nothing_is_taken_back(space: DesignSpace, found: SearchResult) -> None:
    base = space.base_point
    point = found.scored.points[found.finalists[0]]
    kept = simplest(space, found, point)
    changed, before = ~np.isclose(kept, base), ~np.isclose(point, base)
    assert (changed <= before).all()
    means = np.array([mean for mean, _, _ in predict_points(space, found, [kept, point])])
    assert means[0] >= means[1] * (1.0 - 0.005) ** before.sum()
    for column in np.flatnonzero(changed):
        less = kept.copy()
        less[column] = base[column]
        scored = np.isclose(found.scored.points, less).all(axis=1).any()
        assert not scored or predict_points(space, found, [less])[0][0] < means[0] * (1.0 - 0.005)


def test_a_change_that_costs_and_does_nothing_is_planted_and_taken_back(
    space: DesignSpace, found: SearchResult
) -> None:
    base = space.base_point
    harmful = base.copy()
    column = space.names.index("cores_count")
    harmful[column] = max(space.parameters[column].levels)
    means = [mean for mean, _, _ in predict_points(space, found, [base, harmful])]
    assert means[1] < means[0]
    assert simplest(space, found, harmful).tolist() == base.tolist()


def test_predictions_are_over_the_baseline_with_the_emulators_interval(space: DesignSpace, found: SearchResult) -> None:
    rows = list(found.finalists)
    for row, (mean, low, high) in zip(rows, predict_points(space, found, list(found.scored.points[rows])), strict=True):
        assert (mean, low, high) == pytest.approx(
            (found.prediction.mean[row], found.prediction.low[row], found.prediction.high[row])
        )
        assert low < mean < high


def test_the_whole_way_is_the_same_for_the_same_seed(
    space: DesignSpace, found: SearchResult, scenario: Scenario
) -> None:
    first, again = (recommended(space, found, scenario, Tape())[1] for _ in range(2))
    assert [(r.point, r.predicted, r.reevaluated_ratio) for r in first] == [
        (r.point, r.predicted, r.reevaluated_ratio) for r in again
    ]


def with_firmest(found: SearchResult, row: int, kept: float) -> SearchResult:
    """As if all designs kept half in their worst scenario, and one of them more."""
    least = np.full(len(found.scored.closed_form), 0.5)
    least[row] = kept
    return replace(found, least_kept_ratio=least, firmest=row)


def elsewhere(space: DesignSpace, found: SearchResult) -> int:
    """A feasible design of several changes that is no finalist."""
    names = {*(found.scored.designs.name[row] for row in found.finalists)}
    several = np.flatnonzero(space.is_changed(found.scored.points).sum(axis=1) >= 3)
    return next(int(row) for row in several[::-1] if found.scored.designs.name[row] not in names)


def test_the_firmest_design_gets_a_seat_of_its_own(space: DesignSpace, found: SearchResult, scenario: Scenario) -> None:
    row = elsewhere(space, found)
    tape = Tape()
    _, finals = recommended(space, with_firmest(found, row, 0.8), scenario, tape)
    (seated,) = [final for final in finals if final.seat is Seat.WORST_CASE]
    assert seated.design.name == found.scored.designs.name[row]
    assert ("predicted", seated.design.name, "recommended") in tape.heard
    assert len(finals) <= PLAN.finalists_count + 1


def test_a_finalist_that_is_as_firm_leaves_no_further_seat(
    space: DesignSpace, found: SearchResult, scenario: Scenario
) -> None:
    row = elsewhere(space, found)
    assert all(f.seat is Seat.TODAY for f in recommended(space, with_firmest(found, row, 0.502), scenario, Tape())[1])
    usual = recommended(space, found, scenario, Tape())[1]
    assert all(final.seat is Seat.TODAY for final in usual)


def test_changes_that_make_the_firmest_design_no_firmer_are_taken_back(
    space: DesignSpace, found: SearchResult, scenario: Scenario
) -> None:
    row = elsewhere(space, found)
    given = with_firmest(found, row, 0.8)
    changed = np.flatnonzero(space.is_changed(found.scored.points[row]))
    fewer = np.repeat(found.scored.points[row][None, :], changed.size, axis=0)
    fewer[np.arange(changed.size), changed] = space.base_point[changed]
    simpler = next(name for name in space.ids(fewer) if name in found.scored.designs.name)
    given.least_kept_ratio[found.scored.designs.name.index(simpler)] = 0.799
    _, finals = recommended(space, given, scenario, Tape())
    (seated,) = [final for final in finals if final.seat is Seat.WORST_CASE]
    assert seated.design.name == simpler
