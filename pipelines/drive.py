"""Runs single jobs through the Dagster instance of the state folder, in this process."""

from pathlib import Path

from pipelines.definitions import build_definitions
from pipelines.instance import QUIET, opened_instance, process_tags
from pipelines.jobs import MAINTENANCE_JOB
from pipelines.landing.ingestion import INGEST_JOB, INGEST_OP
from pipelines.maintenance import MAINTENANCE_OP
from pipelines.settings import Settings
from pipelines.source import TraceSource


def run_ingest(settings: Settings, source: TraceSource) -> str:
    """Takes a trace into the lake.

    Returns:
        The data set that its rows are in.

    Raises:
        IngestError: Not one row of it can be used; nothing is written.
        BadInput: A day lies outside the graph's partitions; nothing is written.
    """
    source.days()
    config = {
        "path": str(Path(source.path).absolute()),
        "format": source.format,
        "surface": source.surface.value if source.surface else "",
        "dataset": source.dataset,
    }
    _run(settings, INGEST_JOB, {"ops": {INGEST_OP: {"config": config}}})
    return source.dataset


def run_maintenance(settings: Settings) -> dict[str, int]:
    """Keeps house for the lake.

    Returns:
        Snapshots forgotten, files deleted, bytes freed.
    """
    return _run(settings, MAINTENANCE_JOB, {}, told_by=MAINTENANCE_OP)


def _run(settings: Settings, job: str, config: dict[str, object], *, told_by: str = "") -> dict[str, int]:
    """Executes a job; returns the whole numbers in the output metadata of one of its ops."""
    with opened_instance(settings.home) as instance:
        definitions = build_definitions(settings)
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance, run_config={**QUIET, **config}, tags=process_tags()
        )
    outputs = [event for event in result.all_events if event.is_successful_output and event.node_name == told_by]
    metadata = {name: value for event in outputs for name, value in event.step_output_data.metadata.items()}
    return {name: int(str(value.value)) for name, value in metadata.items()}
