"""Jobs and schedules: the day's telemetry and features, the week's recommendations, the week's housekeeping."""

from collections.abc import Sequence
from datetime import UTC, timedelta

import dagster as dg

from pipelines.maintenance import maintain_lake
from pipelines.tables import Group

DAILY_JOB = "telemetry_daily"
FEATURES_JOB = "features_daily"
WEEKLY_JOB = "recommendations_weekly"
MAINTENANCE_JOB = "maintenance_weekly"
WEEKLY_GROUPS = (Group.HOTSPOTS, Group.HARDWARE, Group.RECOMMENDATIONS, Group.REPORT)

telemetry_daily = dg.define_asset_job(
    DAILY_JOB,
    selection=dg.AssetSelection.groups(Group.TELEMETRY.value, Group.FEATURES.value),
    description="Telemetry of one UTC day, and its features.",
)
features_daily = dg.define_asset_job(
    FEATURES_JOB,
    selection=dg.AssetSelection.groups(Group.FEATURES.value),
    description="Features of one UTC day whose telemetry is in the lake already, or got late rows.",
)
recommendations_weekly = dg.define_asset_job(
    WEEKLY_JOB,
    selection=dg.AssetSelection.groups(*(group.value for group in WEEKLY_GROUPS)),
    description="Hotspots of the demand, search over design changes, re-evaluation, report.",
)


@dg.job(name=MAINTENANCE_JOB, description="Forgets old snapshots of the lake and deletes files that none needs.")
def maintenance_weekly() -> None:
    """Housekeeping of the lake."""
    maintain_lake()


@dg.schedule(
    name="telemetry_every_day",
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    job_name=DAILY_JOB,
    description="Yesterday, at 02:00 UTC.",
)
def telemetry_every_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Asks for the UTC day before the tick."""
    day = context.scheduled_execution_time.astimezone(UTC).date() - timedelta(days=1)
    return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())


maintenance_every_week = dg.ScheduleDefinition(
    name="maintenance_every_week",
    job=maintenance_weekly,
    cron_schedule="0 5 * * 0",
    execution_timezone="UTC",
    description="Sundays at 05:00 UTC.",
)
recommendations_every_week = dg.ScheduleDefinition(
    name="recommendations_every_week",
    job_name=WEEKLY_JOB,
    cron_schedule="0 4 * * 1",
    execution_timezone="UTC",
    description="Mondays at 04:00 UTC, after the telemetry of Sunday.",
)


def has_weekly_assets(assets: Sequence[dg.AssetsDefinition]) -> bool:
    """Whether any asset belongs to the weekly job."""
    groups = {spec.group_name for asset in assets for spec in asset.specs}
    return bool(groups & {group.value for group in WEEKLY_GROUPS})
