"""The search on a cheap replay: predictions first, nothing replayed twice, finalists apart, the same for a seed."""

from collections import Counter
from dataclasses import replace
from importlib import import_module
from itertools import combinations

import numpy as np
import pytest

from hwmodel.design import (
    CURVE,
    NoDeployment,
    NoDesign,
    Scenario,
    SearchPlan,
    SearchResult,
    closed_form_value,
    pool_load,
    score,
    search,
    snapshot_of,
)
from hwmodel.design.search import Slot
from hwmodel.design.search.worst_case import least_kept
from tests.hwmodel.design.cheap_replay import CheapReplay, Tape, cheap, small_space, true_ratio
from tests.hwmodel.design.planted import h100, planted

PLAN = SearchPlan(first_count=6, rounds_count=2, batch_count=3, finalists_count=3, least_rounds_count=2)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return planted()


@pytest.fixture
def replayed(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> CheapReplay:
    made = cheap(scenario)
    made.take_over(monkeypatch)
    return made


def found_by(scenario: Scenario, tape: Tape, plan: SearchPlan = PLAN) -> SearchResult:
    return search(small_space(), scenario, plan=plan, log=tape, progress=tape)


def test_every_round_after_the_first_predicts_before_it_replays(scenario: Scenario, replayed: CheapReplay) -> None:
    tape = Tape()
    found_by(scenario, tape)
    told = [(what, name) for what, name, purpose in tape.heard if purpose == "training"]
    first = [name for what, name in told[:6] if what == "evaluated"]
    assert len(first) == 6
    for at, (what, name) in enumerate(told):
        if what == "evaluated" and name not in first:
            assert ("predicted", name) in told[:at], name
            assert replayed.calls.index(f"planted:{name}") >= 7
    assert sum(what == "predicted" for what, _ in told) == PLAN.rounds_count * PLAN.batch_count


def test_a_prediction_is_made_before_the_replay_runs(
    scenario: Scenario, replayed: CheapReplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape, run_when_predicted = Tape(), dict[str, bool]()

    def predicted(_: Tape, design: object, prediction: object, purpose: str) -> None:
        run_when_predicted[design.name] = f"planted:{design.name}" in replayed.calls  # type: ignore[attr-defined]

    monkeypatch.setattr(Tape, "predicted", predicted)
    found_by(scenario, tape)
    assert run_when_predicted
    assert not any(run_when_predicted.values())


def test_no_design_is_replayed_twice(scenario: Scenario, replayed: CheapReplay) -> None:
    found = found_by(scenario, Tape())
    assert len(replayed.calls) == len(set(replayed.calls))
    assert len(found.replayed) == PLAN.first_count + PLAN.rounds_count * PLAN.batch_count


def test_finalists_differ_from_each_other_in_two_parameters_or_more(scenario: Scenario, replayed: CheapReplay) -> None:
    found = found_by(scenario, Tape())
    assert len(found.finalists) >= PLAN.finalists_count
    for one, other in combinations(found.scored.points[list(found.finalists)], 2):
        assert (one != other).sum() >= 2


@pytest.mark.slow
def test_the_first_finalist_is_among_the_truly_best(scenario: Scenario, replayed: CheapReplay) -> None:
    found = found_by(scenario, Tape())
    designs = [found.scored.designs.row(i) for i in range(len(found.scored.closed_form))]
    truth = np.array([true_ratio(replayed, design) for design in designs])
    assert truth[found.finalists[0]] > np.quantile(truth, 0.9)


def test_the_same_seed_finds_the_same_designs_and_another_looks_elsewhere(
    scenario: Scenario, replayed: CheapReplay
) -> None:
    first, again = found_by(scenario, Tape()), found_by(scenario, Tape())
    other = found_by(scenario, Tape(), replace(PLAN, seed=5))
    assert (list(first.replayed), first.finalists) == (list(again.replayed), again.finalists)
    assert (first.prediction.mean == again.prediction.mean).all()
    assert list(first.replayed) != list(other.replayed)


def test_designs_that_are_too_slow_are_neither_tried_again_nor_finalists(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three designs that a search is known to try turn out too slow."""
    cheap(scenario).take_over(monkeypatch)
    free = found_by(scenario, Tape())
    slow = frozenset(free.scored.designs.name[row] for row in list(free.replayed)[:3])
    cheap(scenario, too_slow=slow).take_over(monkeypatch)
    tape = Tape()
    found = found_by(scenario, tape)
    names = {found.scored.designs.name[row] for row in found.too_slow}
    assert names
    assert names <= slow
    assert len(found.too_slow) == len(set(found.too_slow))
    assert not set(found.too_slow) & {*found.finalists, *found.replayed}


def test_a_search_in_which_nothing_keeps_its_promises_says_so(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = frozenset(small_space().designs(small_space().points()).name)
    cheap(scenario, too_slow=every).take_over(monkeypatch)
    with pytest.raises(NoDesign, match="loosen the policy's limits"):
        found_by(scenario, Tape())


def test_a_space_without_a_feasible_point_is_refused_with_counts(scenario: Scenario) -> None:
    space = small_space()
    at = space.names.index("cores_count")
    bloated = tuple(replace(p, levels=(p.levels[0] * 40.0,)) if i == at else p for i, p in enumerate(space.parameters))
    with pytest.raises(NoDesign, match=r"none of 192 points around h100-sxm is both feasible \(0 are\)"):
        score(replace(space, parameters=bloated), scenario)


def test_closed_form_value_is_what_is_offered_over_what_the_fleet_costs(scenario: Scenario) -> None:
    space = small_space()
    base = space.designs(np.array([list(space.values_of_baseline().values())]))
    twice = replace(scenario, pools=(replace(scenario.pools[0], traffic_ratio=2 * scenario.pools[0].traffic_ratio),))
    assert closed_form_value(base, twice) == pytest.approx(closed_form_value(base, scenario))
    assert closed_form_value(base, scenario)[0] > 0.0


def test_progress_goes_up_to_the_whole_plan(scenario: Scenario, replayed: CheapReplay) -> None:
    tape = Tape()
    found_by(scenario, tape)
    done = [done for stage, done, _ in tape.steps if stage == "search"]
    assert done == sorted(done)
    assert tape.steps[-1] == ("search", 12, 12)


def test_the_baseline_counts_as_one_in_every_prediction(scenario: Scenario, replayed: CheapReplay) -> None:
    found = found_by(scenario, Tape())
    base = list(small_space().values_of_baseline().values())
    row = np.flatnonzero((found.scored.points == base).all(axis=1))[0]
    assert found.prediction.mean[row] == pytest.approx(true_ratio(replayed, h100()), rel=0.03)


def test_a_search_that_goes_on_replays_only_what_was_not_finished_and_finds_the_same(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = Tape(), Tape()
    first, second = cheap(scenario), cheap(scenario)
    first.take_over(monkeypatch)
    found = found_by(scenario, whole)
    kept = list(whole.store.items())[:5]
    cut.store.update(kept)
    second.take_over(monkeypatch)
    again = found_by(scenario, cut)
    finished = {f"planted:{name}" for (name, _, _), _ in kept}
    assert not finished & set(second.calls)
    assert set(first.calls) - set(second.calls) == finished
    assert (list(again.replayed), again.finalists) == (list(found.replayed), found.finalists)
    assert (again.prediction.mean == found.prediction.mean).all()
    assert [stamp.version for stamp in cut.stamps] == [stamp.version for stamp in whole.stamps]


def test_a_replay_of_another_demand_is_not_recalled(scenario: Scenario) -> None:
    other = replace(scenario, pools=(replace(scenario.pools[0], traffic_ratio=2.0),))
    assert snapshot_of(scenario) == snapshot_of(replace(scenario, name="the same by another name"))
    assert snapshot_of(scenario) != snapshot_of(other)


def test_every_round_has_a_design_that_explores_and_one_that_relieves_the_bill(
    scenario: Scenario, replayed: CheapReplay
) -> None:
    found = found_by(scenario, Tape())
    counts = Counter(found.slots.values())
    assert counts[Slot.CLOSED_FORM] == PLAN.first_count - 1
    assert counts[Slot.EXPLORE] == 1 + PLAN.rounds_count
    assert 1 <= counts[Slot.RELIEF] <= PLAN.rounds_count
    best = max(list(found.replayed)[: PLAN.first_count], key=lambda row: found.replayed[row].curves[CURVE])
    relief = next(row for row, slot in found.slots.items() if slot is Slot.RELIEF)
    designs = found.scored.designs
    assert (~np.isclose(found.scored.points[relief], found.scored.points[best])).sum() == 1
    assert designs.hbm_bytes_per_s[relief] > designs.hbm_bytes_per_s[best]


def test_a_search_stops_where_little_gain_is_expected(
    scenario: Scenario, replayed: CheapReplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("hwmodel.design.search.run"), "gain_ratio", lambda *_: 0.004)
    found = found_by(scenario, Tape(), replace(PLAN, rounds_count=6, least_rounds_count=1))
    assert len(found.replayed) == PLAN.first_count + PLAN.batch_count
    assert "expected to add 0.5%" in found.stopped


def test_further_scenarios_get_a_model_of_their_own(scenario: Scenario, replayed: CheapReplay) -> None:
    tape = Tape()
    found = search(
        small_space(), [scenario, replace(scenario, name="long")], plan=PLAN, log=tape, progress=tape, twin=scenario
    )
    assert [one.scenario.name for one in found.others] == ["long"]
    told = found.others[0].over_baseline(small_space(), found.scored.points[:4])
    assert (told.low < told.mean).all()
    assert found.learned.model.residuals[CURVE].sample_sd == pytest.approx(0.08 * np.sqrt(4.0 / 7.0))


@pytest.fixture(scope="module")
def long_contexts() -> Scenario:
    """The same calls with prompts eight times as long."""
    today = planted()
    demand = today.pools[0].demand
    longer = replace(demand, input_tokens=8 * demand.input_tokens)
    pool = replace(today.pools[0], demand=longer, load=pool_load(longer, today.pools[0].window_s))
    return replace(today, name="long", pools=(pool,))


def test_every_design_is_scored_in_every_scenario_and_the_firmest_gives_least_away(
    scenario: Scenario, long_contexts: Scenario, replayed: CheapReplay
) -> None:
    tape = Tape()
    found = search(small_space(), [scenario, long_contexts], plan=PLAN, log=tape, progress=tape)
    assert found.scored.scenarios == ("planted", "long")
    (model,) = found.others
    values = [found.prediction.mean, model.over_baseline_of(found.scored).mean]
    kept = np.min([value / value.max() for value in values], axis=0)
    assert found.least_kept_ratio == pytest.approx(kept)
    assert kept[found.firmest] == kept.max()
    assert 0.0 < kept.min() < kept.max() <= 1.0


def test_a_further_scenario_is_replayed_in_a_cell_of_its_own_each_design_once(
    scenario: Scenario, long_contexts: Scenario, replayed: CheapReplay
) -> None:
    tape = Tape()
    found = search(small_space(), [scenario, long_contexts], plan=PLAN, log=tape, progress=tape)
    replays = found.others[0].replays
    assert replays.scenario.pools[0].demand is not long_contexts.pools[0].demand
    there = [name for name in replayed.calls if name.startswith("long:")]
    assert len(there) == len(set(there)) == 1 + PLAN.per_scenario_count
    best_there = found.scored.designs.name[int(np.argmax(found.scored.of("long").value_per_usd_ratio))]
    assert f"long:{best_there}" in there
    before = len(replayed.calls)
    replays.outcomes([h100(), found.scored.designs.row(found.finalists[0])])
    assert len(replayed.calls) == before


def test_a_scenario_that_the_baseline_cannot_serve_is_judged_in_closed_form_alone(
    scenario: Scenario, replayed: CheapReplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> Scenario:
        raise NoDeployment("it does not fit")

    monkeypatch.setattr(import_module("hwmodel.design.search.elsewhere"), "in_cell", refused)
    tape = Tape()
    found = search(small_space(), [scenario, replace(scenario, name="long")], plan=PLAN, log=tape, progress=tape)
    assert found.others == ()
    closed = found.scored.of("long").value_per_usd_ratio
    today = found.prediction.mean / found.prediction.mean.max()
    assert found.least_kept_ratio == pytest.approx(np.minimum(today, closed / closed.max()))


def test_a_design_that_cannot_serve_a_further_scenario_keeps_nothing_of_it(
    scenario: Scenario, replayed: CheapReplay
) -> None:
    tape = Tape()
    found = search(small_space(), [scenario, replace(scenario, name="long")], plan=PLAN, log=tape, progress=tape)
    value = found.scored.of("long").value_per_usd_ratio.copy()
    value[:5] = 0.0
    lost = replace(found.scored.of("long"), value_per_usd_ratio=value)
    scored = replace(found.scored, closed_forms=(found.scored.closed, lost))
    kept = least_kept(scored, found.prediction, found.others)
    assert (kept[:5] == 0.0).all()
    assert (kept[5:] > 0.0).all()
