"""A finalist as the report shows it: what its explanation says of it, told once."""

import numpy as np
import pytest

from hwmodel.design import closed_form_value
from pipelines.exploration.explaining.views import recommendation_view
from pipelines.report import RecommendationView
from tests.pipelines.exploration.explained_finalists import Told, explained_finalists


@pytest.fixture(scope="module")
def told() -> Told:
    return explained_finalists()


@pytest.fixture(scope="module")
def views(told: Told) -> list[RecommendationView]:
    subject = told.subject
    return [
        recommendation_view(subject.space, finalist, subject.baseline, subject.bills, told.explanation)
        for finalist in subject.finalists
    ]


def test_every_change_has_its_closed_form_alone_and_taken_back(told: Told, views: list[RecommendationView]) -> None:
    space, scenario = told.subject.space, told.subject.scenario
    assert views
    for view, finalist in zip(views, told.subject.finalists, strict=True):
        base, whole = space.base_point, np.array(finalist.point)
        assert view.attribution["parameter"].to_list() == list(finalist.changes)
        for row in view.attribution.iter_rows(named=True):
            one, all_but, column = base.copy(), whole.copy(), space.names.index(row["parameter"])
            one[column], all_but[column] = whole[column], base[column]
            value = closed_form_value(space.designs(np.stack([base, whole, one, all_but])), scenario)
            assert row["gain_alone_ratio"] == pytest.approx(value[2] / value[0] - 1.0)
            assert row["gain_lost_ratio"] == pytest.approx(1.0 - value[3] / value[1])


def test_the_evidence_of_a_finalist_is_its_ground(told: Told, views: list[RecommendationView]) -> None:
    grounds = dict(told.explanation.grounds.select("rank", "words").iter_rows())
    assert {view.rank: view.evidence for view in views} == grounds
    assert all(view.evidence.partition(":")[0] for view in views)


def test_a_finalist_is_named_as_in_its_explanation(told: Told, views: list[RecommendationView]) -> None:
    named = dict(told.explanation.grounds.select("rank", "title").iter_rows())
    assert {view.rank: view.title for view in views} == named
