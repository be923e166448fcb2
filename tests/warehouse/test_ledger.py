"""The ledger keeps what it is told, all or nothing, and lets nobody rewrite a prediction."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from tests.warehouse.ledger_records import (
    DESIGN,
    NOON,
    PARAMETERS,
    begin,
    design,
    evaluation,
    prediction,
    recommendation,
    run,
)
from warehouse.errors import (
    BadRecord,
    DuplicateRow,
    ImmutableRow,
    MissingPrediction,
    MissingReference,
    NotRecorded,
)
from warehouse.ledger import (
    DataVersion,
    DesignPoint,
    Ledger,
    ModelVersion,
    Purpose,
    RecommendationStatus,
    RunStatus,
    design_id_of,
    ledger_url,
    open_ledger,
)
from warehouse.ledger.engine import LedgerSession, for_writing
from warehouse.ledger.rows import EvaluationRow, PredictionRow


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    opened = open_ledger(ledger_url(tmp_path))
    with opened.unit_of_work() as work:
        begin(work)
    return opened


def test_every_record_comes_back_as_it_was_written(ledger: Ledger) -> None:
    version = ModelVersion(version="gp-1", kind="gp_residual", trained_on={"rows": 40}, created_at=NOON)
    data = DataVersion(run_id="r1", table="model_calls", snapshot_id=2**62)
    with ledger.unit_of_work() as work:
        work.predictions.add(prediction())
        work.evaluations.add(evaluation())
        work.recommendations.add(recommendation())
        work.model_versions.add(version)
        work.data_versions.add(data)
    again = open_ledger(str(ledger.engine.url))
    assert again.runs() == [run()]
    assert again.predictions_of("r1") == [prediction()]
    assert again.evaluations_of("r1") == [evaluation()]
    assert again.recommendations_of("r1") == [recommendation()]
    with again.unit_of_work() as work:
        assert work.designs.get(DESIGN) == design()
        assert work.model_versions.get("gp-1") == version
        assert work.data_versions.where(run_id="r1") == [data]


def test_an_error_in_a_unit_of_work_leaves_nothing_of_it(ledger: Ledger) -> None:
    def half_done() -> None:
        with ledger.unit_of_work() as work:
            work.runs.add(run("r2"))
            work.predictions.add(prediction())
            raise KeyError("power cut")

    with pytest.raises(KeyError, match="power cut"):
        half_done()
    assert [each.run_id for each in ledger.runs()] == ["r1"]
    assert ledger.predictions_of("r1") == []


def test_a_run_is_finished_by_saving_it_again(ledger: Ledger) -> None:
    done = replace(run(), status=RunStatus.SUCCEEDED, finished_at=NOON + timedelta(hours=1))
    with ledger.unit_of_work() as work:
        work.runs.save(done)
    assert ledger.run("r1") == done


@pytest.mark.parametrize("statement", [update(PredictionRow).values(mean=9.0), delete(PredictionRow)])
def test_no_statement_changes_predictions(ledger: Ledger, statement: object) -> None:
    with ledger.unit_of_work() as work:
        work.predictions.add(prediction())
    with LedgerSession(ledger.engine) as session, pytest.raises(ImmutableRow):
        session.execute(statement)  # type: ignore[call-overload]
    assert ledger.predictions_of("r1") == [prediction()]


@pytest.mark.parametrize("row_type", [PredictionRow, EvaluationRow])
@pytest.mark.parametrize("change", ["update", "delete"])
def test_no_object_change_reaches_predictions_or_evaluations(
    ledger: Ledger, row_type: type[PredictionRow | EvaluationRow], change: str
) -> None:
    with ledger.unit_of_work() as work:
        work.predictions.add(prediction())
        work.evaluations.add(evaluation())
    with LedgerSession(for_writing(ledger.engine)) as session:
        row = cast("PredictionRow | EvaluationRow", session.scalars(select(row_type)).one())
        if change == "delete":
            session.delete(row)
        else:
            row.metric = "another"
        with pytest.raises(ImmutableRow, match="never changed"):
            session.flush()
    assert (ledger.predictions_of("r1"), ledger.evaluations_of("r1")) == ([prediction()], [evaluation()])


def test_a_prediction_cannot_be_made_twice_nor_saved_over(ledger: Ledger) -> None:
    with ledger.unit_of_work() as work:
        work.predictions.add(prediction())
    with pytest.raises(DuplicateRow, match="predictions already"), ledger.unit_of_work() as work:
        work.predictions.add(prediction(1.29))
    with pytest.raises(ImmutableRow), ledger.unit_of_work() as work:
        work.predictions.save(prediction(1.29))
    assert ledger.predictions_of("r1") == [prediction()]


def test_a_retried_step_may_save_the_same_prediction_again(ledger: Ledger) -> None:
    for _ in range(2):
        with ledger.unit_of_work() as work:
            work.predictions.save(prediction())
    assert ledger.predictions_of("r1") == [prediction()]


@pytest.mark.parametrize("made_late_s", [None, 61.0])
def test_a_recommended_design_is_not_evaluated_before_it_was_predicted(
    ledger: Ledger, made_late_s: float | None
) -> None:
    if made_late_s is not None:
        with ledger.unit_of_work() as work:
            work.predictions.add(prediction(made_at=NOON + timedelta(seconds=made_late_s)))
    with pytest.raises(MissingPrediction, match=f"{DESIGN}/base/value_per_usd_ratio"), ledger.unit_of_work() as work:
        work.evaluations.add(evaluation(later_s=60.0))
    assert ledger.evaluations_of("r1") == []


def test_a_prediction_of_another_metric_does_not_count(ledger: Ledger) -> None:
    with ledger.unit_of_work() as work:
        work.predictions.add(replace(prediction(), metric="power_w"))
    with pytest.raises(MissingPrediction), ledger.unit_of_work() as work:
        work.evaluations.add(evaluation())


@pytest.mark.parametrize("purpose", [Purpose.TRAINING, Purpose.BASELINE])
def test_training_and_baseline_designs_need_no_prediction(ledger: Ledger, purpose: Purpose) -> None:
    with ledger.unit_of_work() as work:
        work.evaluations.add(evaluation(purpose))
    assert ledger.evaluations_of("r1") == [evaluation(purpose)]


def test_a_design_that_was_trained_on_can_also_be_recommended(ledger: Ledger) -> None:
    with ledger.unit_of_work() as work:
        work.evaluations.add(evaluation(Purpose.TRAINING))
        work.predictions.add(prediction())
        work.evaluations.add(evaluation())
    assert {each.purpose for each in ledger.evaluations_of("r1")} == {Purpose.TRAINING, Purpose.RECOMMENDED}


def test_a_row_about_an_unknown_run_or_design_is_refused(ledger: Ledger) -> None:
    with pytest.raises(MissingReference, match="predictions"), ledger.unit_of_work() as work:
        work.predictions.add(replace(prediction(), run_id="ghost"))
    with pytest.raises(MissingReference, match="recommendations"), ledger.unit_of_work() as work:
        work.recommendations.add(recommendation(design_id="ghost"))


def test_designs_seen_before_are_kept_and_new_ones_added(ledger: Ledger) -> None:
    other = DesignPoint(design_id="d2", parameters={}, created_at=NOON)
    with ledger.unit_of_work() as work:
        work.designs.ensure_all([replace(design(), created_at=NOON + timedelta(days=1)), other, other])
        assert sorted(work.designs.where(), key=lambda each: each.design_id) == sorted(
            [design(), other], key=lambda each: each.design_id
        )


def test_a_decision_changes_the_status_and_keeps_the_history(ledger: Ledger) -> None:
    with ledger.unit_of_work() as work:
        work.recommendations.add(recommendation())
    ledger.decide("r1", "1", status=RecommendationStatus.ACCEPTED, why="fits the budget", at=NOON)
    later = NOON + timedelta(days=2)
    decided = ledger.decide("r1", DESIGN, status=RecommendationStatus.REJECTED, why="HBM is sold out", at=later)
    assert ledger.recommendations_of("r1") == [decided]
    assert decided == replace(recommendation(), status=RecommendationStatus.REJECTED)
    history = [(step.number, step.status, step.why, step.at) for step in ledger.decisions_of("r1", 1)]
    assert history == [(1, "accepted", "fits the budget", NOON), (2, "rejected", "HBM is sold out", later)]


def test_what_was_never_recorded_is_said_with_what_there_is(ledger: Ledger) -> None:
    with ledger.unit_of_work() as work:
        work.recommendations.add(recommendation())
    with pytest.raises(NotRecorded, match=rf"no recommendation 2; it has 1 \({DESIGN}\)"):
        ledger.decide("r1", 2, status=RecommendationStatus.ACCEPTED, why="", at=NOON)
    with pytest.raises(NotRecorded, match="no run 'r9' in the ledger; the runs are r1"):
        ledger.run("r9")


def test_two_recommendations_of_a_run_cannot_share_a_rank(ledger: Ledger) -> None:
    with ledger.unit_of_work() as work:
        work.designs.add(DesignPoint(design_id="d2", parameters={}, created_at=NOON))
    with pytest.raises(DuplicateRow, match="recommendations"), ledger.unit_of_work() as work:
        work.recommendations.add_all([recommendation(), recommendation(design_id="d2")])


def test_the_latest_run_is_the_one_of_this_dataset_that_started_last(ledger: Ledger) -> None:
    with ledger.unit_of_work() as work:
        work.runs.add(run("a0", started_at=NOON + timedelta(hours=2)))
        work.runs.add(run("z9", dataset="azure_1a2b3c4d", started_at=NOON + timedelta(hours=3)))
    latest = ledger.latest_run("synthetic")
    assert latest is not None
    assert latest.run_id == "a0"
    assert ledger.latest_run("mooncake_0") is None
    assert [each.run_id for each in ledger.runs()] == ["r1", "a0", "z9"]


def test_snapshots_named_are_those_of_runs_and_of_data_versions(ledger: Ledger) -> None:
    with ledger.unit_of_work() as work:
        work.data_versions.add(DataVersion(run_id="r1", table="sessions", snapshot_id=5))
    assert ledger.snapshots_named() == {2**62 + 1, 5}


def test_times_are_kept_in_utc_and_a_time_without_a_zone_is_refused(ledger: Ledger) -> None:
    in_tokyo = datetime(2026, 3, 2, 21, tzinfo=timezone(timedelta(hours=9)))
    with ledger.unit_of_work() as work:
        work.runs.add(run("r2", started_at=in_tokyo))
    assert ledger.run("r2").started_at.tzinfo == UTC
    assert ledger.run("r2").started_at == NOON
    with pytest.raises(BadRecord, match="no time zone"), ledger.unit_of_work() as work:
        work.runs.add(run("r3", started_at=NOON.replace(tzinfo=None)))


@pytest.mark.parametrize(
    "broken",
    [
        lambda: prediction(float("nan")),
        lambda: replace(prediction(), low=2.0),
        lambda: replace(prediction(), high=float("inf")),
        lambda: replace(evaluation(), value=float("nan")),
        lambda: design_id_of({"clock_hz": float("nan")}),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(broken: Callable[[], object]) -> None:
    with pytest.raises(BadRecord):
        broken()


def test_a_number_that_json_cannot_hold_is_refused(ledger: Ledger) -> None:
    with pytest.raises(BadRecord, match="design_points"), ledger.unit_of_work() as work:
        work.designs.add(DesignPoint(design_id="d2", parameters={"clock_hz": float("inf")}, created_at=NOON))


PLAIN = st.dictionaries(
    st.text(min_size=1, max_size=5), st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)


@given(parameters=PLAIN)
def test_the_id_of_a_design_depends_on_its_content_and_not_on_its_order(parameters: Mapping[str, float]) -> None:
    backwards = dict(reversed(list(parameters.items())))
    assert design_id_of(parameters) == design_id_of(backwards)
    assert design_id_of(parameters) != design_id_of({**parameters, "one more": 1})


def test_the_id_of_a_design_is_stable_across_releases() -> None:
    assert design_id_of(PARAMETERS) == "57b0f70e74367966"
