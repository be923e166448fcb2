"""The tables that assets write: name, contract and group in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import dagster as dg
import dataframely as dy

from warehouse.contracts import (
    AbandonmentCurve,
    AbandonmentThresholds,
    ContextGrowth,
    ContextTrend,
    DemandCalls,
    DemandForecast,
    DesignEvaluations,
    EmergingWorkloads,
    KernelHotspots,
    ModelCalls,
    PrefixReuse,
    Quarantine,
    SessionFeatures,
    Sessions,
    StallProfile,
    StepBins,
    ToolCalls,
    WaitProfile,
    WorkloadDrift,
    WorkloadMix,
)


class Group(StrEnum):
    """Groups of assets, in the order of the loop."""

    TELEMETRY = "telemetry"
    FEATURES = "features"
    HOTSPOTS = "hotspots"
    HARDWARE = "hardware"
    RECOMMENDATIONS = "recommendations"
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """A table of the lake that an asset of the same name writes."""

    name: str
    schema: type[dy.Schema]
    group: Group

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the contract's rules over whole rows; bounds of single columns count as one rule, `bounds`."""
        names = self.schema._validation_rules(with_cast=False)  # noqa: SLF001 - the names are not public otherwise
        return (*(name for name in names if "|" not in name), "bounds")

    @property
    def column_schema(self) -> dg.TableSchema:
        """The contract's columns as Dagster shows them."""
        return dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name=name,
                    type=str(column.dtype),
                    constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=column.primary_key),
                )
                for name, column in self.schema.columns().items()
            ]
        )


def _specs(group: Group, **schemas: type[dy.Schema]) -> dict[str, TableSpec]:
    return {name: TableSpec(name=name, schema=schema, group=group) for name, schema in schemas.items()}


TABLES: Mapping[str, TableSpec] = {
    **_specs(Group.TELEMETRY, model_calls=ModelCalls, tool_calls=ToolCalls, sessions=Sessions, quarantine=Quarantine),
    **_specs(
        Group.FEATURES,
        session_features=SessionFeatures,
        wait_profile=WaitProfile,
        stall_profile=StallProfile,
        abandonment_curve=AbandonmentCurve,
        context_growth=ContextGrowth,
        workload_mix=WorkloadMix,
        prefix_reuse=PrefixReuse,
        abandonment_thresholds=AbandonmentThresholds,
        context_trend=ContextTrend,
        workload_drift=WorkloadDrift,
        emerging_workloads=EmergingWorkloads,
        demand_forecast=DemandForecast,
        demand_calls=DemandCalls,
    ),
    **_specs(Group.HOTSPOTS, step_bins=StepBins, kernel_hotspots=KernelHotspots),
    **_specs(Group.HARDWARE, design_evaluations=DesignEvaluations),
}
"""Tables by name, which is also the asset's name."""
