"""Finalists of a search on a planted demand with their explanation, on replays that cost nothing; made once."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module

import pytest

from hwmodel.design import SearchPlan, bill_of, cases_of, recommend, search
from pipelines.exploration.explaining import ExplainPlan, Subject, explain, forecast_rows
from pipelines.report import Explanation
from tests.hwmodel.design.cheap_replay import Tape, cheap, small_space
from tests.hwmodel.design.planted import planted
from warehouse.contracts import DemandForecast

REPLAYING = (
    "hwmodel.design.explain.corners",
    "hwmodel.design.explain.flips",
    "hwmodel.design.explain.software",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    subject: Subject
    explanation: Explanation


@cache
def explained_finalists() -> Told:
    patch = pytest.MonkeyPatch()
    scenario, space = planted(), small_space()
    made = cheap(scenario)
    made.take_over(patch)
    for name in REPLAYING:
        patch.setattr(
            import_module(name), "evaluate_many", lambda designs, asked, **_: made.evaluate_many(designs, asked)
        )
    plan = SearchPlan(first_count=4, rounds_count=1, batch_count=2, finalists_count=2)
    found = search(space, scenario, plan=plan, log=Tape(), progress=Tape())
    baseline, finalists = recommend(space, found, scenario, log=Tape(), progress=Tape())
    bill = bill_of(made.real)[0]
    cases, lacking = cases_of(scenario, forecast_rows(DemandForecast.create_empty()))
    subject = Subject(
        space=space,
        found=found,
        baseline=baseline,
        finalists=finalists,
        named=(),
        bills=dict.fromkeys([baseline.design.name, *(r.design.name for r in finalists)], bill),
        cases=cases,
        lacking=lacking,
        seed=1,
        progress=Tape(),
        plan=ExplainPlan(),
    )
    explained = explain(subject)
    patch.undo()
    return Told(subject=subject, explanation=explained)
