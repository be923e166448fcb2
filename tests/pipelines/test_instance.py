"""A run whose process was killed is settled, so that nobody waits for its place in the pool."""

import os
from pathlib import Path

from dagster import DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from pipelines.instance import PROCESS_TAG, opened_instance

GONE = "999999999"


def test_a_killed_run_is_marked_failed_and_gives_its_place_back(tmp_path: Path) -> None:
    with opened_instance(tmp_path) as instance:
        run = create_run_for_test(instance, status=DagsterRunStatus.STARTED, tags={PROCESS_TAG: GONE})
        alive = create_run_for_test(instance, status=DagsterRunStatus.STARTED, tags={PROCESS_TAG: str(os.getpid())})
        log = instance.event_log_storage
        log.initialize_concurrency_limit_to_default("lake_write")
        assert log.claim_concurrency_slot("lake_write", run.run_id, "step").is_claimed
        assert not log.claim_concurrency_slot("lake_write", alive.run_id, "step").is_claimed
    with opened_instance(tmp_path) as instance:
        statuses = {run.run_id: run.status for run in instance.get_runs()}
        assert statuses == {run.run_id: DagsterRunStatus.FAILURE, alive.run_id: DagsterRunStatus.STARTED}
        assert instance.event_log_storage.claim_concurrency_slot("lake_write", alive.run_id, "step").is_claimed
