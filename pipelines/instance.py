"""The Dagster instance under the state folder: opened, and freed of what an interrupted run left behind."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from pipelines.home import prepare_home

PROCESS_TAG = "scoville/process"
"""Tag of a run that a command line drives: the id of the process."""
QUIET: dict[str, object] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run configuration under which the console stays silent: the event log has everything, and an error is raised."""


@contextmanager
def opened_instance(root: Path) -> Iterator[DagsterInstance]:
    """The instance under a state folder.

    Runs whose process was killed are marked failed and their places in pools given back: without that, the next
    writer of the lake would wait for them for ever.
    """
    with DagsterInstance.from_config(str(prepare_home(root).dagster)) as instance:
        _settle_interrupted(instance)
        yield instance


def process_tags() -> dict[str, str]:
    """Tags of a run that this process drives."""
    return {PROCESS_TAG: str(os.getpid())}


def _settle_interrupted(instance: DagsterInstance) -> None:
    underway = RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING])
    for run in instance.get_runs(filters=underway):
        process = run.tags.get(PROCESS_TAG, "")
        if process.isdigit() and not _is_alive(int(process)):
            instance.report_run_failed(run, "the process that drove this run is gone")
            if instance.event_log_storage.supports_global_concurrency_limits:
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _is_alive(process: int) -> bool:
    return Path(f"/proc/{process}").exists() if Path("/proc").is_dir() else _answers(process)


def _answers(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
