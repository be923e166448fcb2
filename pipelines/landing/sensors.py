"""Sensors of the landing folder: take what is complete, once; then ask for the features of the days it rewrote."""

import json
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import dagster as dg

from pipelines.home import HomeFolders
from pipelines.jobs import features_daily
from pipelines.landing.files import Landed, complete, failed_hashes, landed, move_done, present
from pipelines.landing.ingestion import DATASET_TAG, DAYS_TAG, INGEST_JOB, INGEST_OP, ingest_trace
from pipelines.resources import LakeResource

SECONDS_BETWEEN_TICKS = 30


Mark = list[str | int]
"""Name and modification time under which a content was taken (a list, as JSON gives it back)."""


class Verdict(Enum):
    """What becomes of a complete file."""

    TAKE = auto()
    LEAVE = auto()
    """Its run is on its way."""
    PUT_AWAY = auto()
    """A copy of what was taken already."""


@dg.sensor(
    name="landing_folder",
    job_name=INGEST_JOB,
    minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes trace files that lie complete in the landing folder, each content once.",
)
def landing_folder(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
    """A file is complete when its size and time are those of the tick before."""
    return landing_tick(context.cursor, lake.folders)


@dg.run_status_sensor(
    name="features_of_landed_days",
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[ingest_trace],
    request_job=features_daily,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="After an ingest: the features of every day that it rewrote.",
)
def features_of_landed_days(context: dg.RunStatusSensorContext, lake: LakeResource) -> dg.SensorResult:
    """One run of the features for each day that the ingest named in its tags."""
    run = context.dagster_run
    return dg.SensorResult(run_requests=feature_requests(run.run_id, run.tags, home=lake.home))


def landing_tick(cursor: str | None, folders: HomeFolders) -> dg.SensorResult:
    """What one tick does, from what the tick before saw.

    Args:
        cursor: JSON of `seen` (name -> size and time) and `taken` (content hash -> name and time), or None at first.
        folders: The folders of the home.
    """
    memory = json.loads(cursor) if cursor else {"seen": {}, "taken": {}}
    before = {name: (size, time_ns) for name, (size, time_ns) in memory["seen"].items()}
    now = present(folders.landing) if folders.landing.is_dir() else {}
    taken: dict[str, Mark] = dict(memory["taken"])
    requests = []
    for file in landed(folders.landing, complete(before, now)):
        mark: Mark = [file.path.name, now[file.path.name][1]]
        match _verdict(file, mark, taken, folders):
            case Verdict.TAKE:
                requests.append(_request(file, again=file.content_hash in taken))
                taken[file.content_hash] = mark
            case Verdict.PUT_AWAY:
                move_done(file.path, folders)
            case Verdict.LEAVE:
                continue
    skip = None if requests else f"{len(now)} files wait in {folders.landing.name}/, none is newly complete"
    kept = json.dumps({"seen": now, "taken": taken}, sort_keys=True)
    return dg.SensorResult(run_requests=requests, skip_reason=skip, cursor=kept)


def feature_requests(run_id: str, tags: Mapping[str, str], *, home: str) -> list[dg.RunRequest]:
    """Runs of the features job for the days and the data set that an ingest named in its tags.

    The state folder is said again: a run that configures a resource configures all of it.
    """
    days, dataset = tags.get(DAYS_TAG, ""), tags.get(DATASET_TAG, "")
    config: dict[str, Any] = {"resources": {"lake": {"config": {"home": home, "dataset": dataset}}}}
    return [
        dg.RunRequest(run_key=f"{run_id}:{day}", partition_key=day, run_config=config)
        for day in days.split(",")
        if day and dataset
    ]


def _verdict(file: Landed, mark: Mark, taken: Mapping[str, Mark], folders: HomeFolders) -> Verdict:
    """New content is taken, and so is content that failed and was dropped again; the rest is on its way or a copy."""
    known = taken.get(file.content_hash)
    if known is None:
        return Verdict.TAKE
    if known == mark:
        return Verdict.LEAVE
    return Verdict.TAKE if file.content_hash in failed_hashes(folders) else Verdict.PUT_AWAY


def _request(file: Landed, *, again: bool) -> dg.RunRequest:
    config = {"path": str(file.path), "landed": True}
    return dg.RunRequest(
        run_key=f"{file.content_hash}:{file.path.stat().st_mtime_ns}" if again else file.content_hash,
        run_config={"ops": {INGEST_OP: {"config": config}}},
        tags={"scoville/file_hash": file.content_hash},
    )
