"""The one entry point of Dagster: assets, checks, jobs, schedules, sensors and resources, put together."""

import os
from collections.abc import Mapping

import dagster as dg

from pipelines.assets import ASSET_MODULES
from pipelines.home import prepare_home
from pipelines.jobs import (
    features_daily,
    has_weekly_assets,
    maintenance_every_week,
    maintenance_weekly,
    recommendations_every_week,
    recommendations_weekly,
    telemetry_daily,
    telemetry_every_day,
)
from pipelines.landing import features_of_landed_days, ingest_trace, landing_folder
from pipelines.resources import LakeResource, LedgerResource, LoopResource, SourceResource
from pipelines.settings import Executor, Settings, read_settings

JOBS = (telemetry_daily, features_daily, ingest_trace, maintenance_weekly)


def build_definitions(settings: Settings, overrides: Mapping[str, object] | None = None) -> dg.Definitions:
    """The whole graph over one state folder.

    Args:
        settings: Where state lies and how steps are executed.
        overrides: Resources by name that take the place of the usual ones.
    """
    assets = dg.load_assets_from_modules(list(ASSET_MODULES))
    is_weekly = has_weekly_assets([asset for asset in assets if isinstance(asset, dg.AssetsDefinition)])
    home = str(prepare_home(settings.home).root)
    resources: dict[str, object] = {
        "lake": LakeResource(home=home),
        "ledger": LedgerResource(home=home),
        "source": SourceResource(),
        "loop": LoopResource(),
    }
    return dg.Definitions(
        assets=assets,
        jobs=[*JOBS, *([recommendations_weekly] if is_weekly else [])],
        schedules=[telemetry_every_day, maintenance_every_week, *([recommendations_every_week] if is_weekly else [])],
        sensors=[landing_folder, features_of_landed_days],
        resources={**resources, **(overrides or {})},
        executor=executor_of(settings),
    )


def executor_of(settings: Settings) -> dg.ExecutorDefinition:
    """How steps are executed."""
    match settings.executor:
        case Executor.IN_PROCESS:
            return dg.in_process_executor
        case Executor.MULTIPROCESS:
            return dg.multiprocess_executor


@dg.definitions
def defs() -> dg.Definitions:
    """The graph over the state folder that the environment names."""
    return build_definitions(read_settings(os.environ))
