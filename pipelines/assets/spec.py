"""What every asset of a table declares: description, group, kinds, owners, tags, checks, pool."""

from datetime import timedelta

import dagster as dg

from pipelines.checks import check_specs
from pipelines.code_version import code_version
from pipelines.tables import TABLES, Group

LAKE_POOL = "lake_write"
"""Pool of everything that writes the lake; its limit is one."""
OWNERS = {
    Group.TELEMETRY: "team:telemetry",
    Group.FEATURES: "team:product-analytics",
    Group.HOTSPOTS: "team:performance",
    Group.HARDWARE: "team:silicon",
    Group.RECOMMENDATIONS: "team:silicon",
    Group.REPORT: "team:silicon",
}
ROOMS = {
    Group.TELEMETRY: "telemetry_sim",
    Group.FEATURES: "featurize",
    Group.HOTSPOTS: "hwmodel",
    Group.HARDWARE: "hwmodel",
    Group.RECOMMENDATIONS: "hwmodel",
    Group.REPORT: "pipelines",
}
FEATURES_FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=30))
"""Yesterday's features are there by the early morning, and half a day late at worst."""


def table_asset(table: str, *, deps: tuple[str, ...] = ()) -> dg.AssetSpec:
    """Declaration of the asset that writes a table."""
    spec = TABLES[table]
    is_feature = spec.group is Group.FEATURES
    return dg.AssetSpec(
        key=table,
        deps=deps,
        description=(spec.schema.__doc__ or "").strip(),
        group_name=spec.group.value,
        kinds={"polars", "iceberg"},
        owners=[OWNERS[spec.group]],
        tags={"room": ROOMS[spec.group]},
        metadata={"dagster/column_schema": spec.column_schema},
        code_version=code_version(),
        freshness_policy=FEATURES_FRESH if is_feature else None,
    )


def ledger_asset(name: str, *, deps: tuple[str, ...]) -> dg.AssetSpec:
    """Declaration of the asset whose rows are kept in the ledger."""
    text = "Design changes worth making, each predicted before it was re-evaluated; kept in the ledger."
    return _asset(name, Group.RECOMMENDATIONS, deps=deps, kinds={"sqlalchemy", "scikitlearn"}, description=text)


def report_asset(name: str, *, deps: tuple[str, ...]) -> dg.AssetSpec:
    """Declaration of the asset that is a page."""
    text = "The design-recommendation report: one HTML file, a Markdown summary, JSON for machines."
    return _asset(name, Group.REPORT, deps=deps, kinds={"html", "altair"}, description=text)


def _asset(name: str, group: Group, *, deps: tuple[str, ...], kinds: set[str], description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=name,
        deps=deps,
        description=description,
        group_name=group.value,
        kinds=kinds,
        owners=[OWNERS[group]],
        tags={"room": ROOMS[group]},
        code_version=code_version(),
    )


def table_checks(*tables: str) -> list[dg.AssetCheckSpec]:
    """The checks of these tables."""
    return [check for table in tables for check in check_specs(table)]
