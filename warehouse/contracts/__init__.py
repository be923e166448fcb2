"""The tables of the house as dataframely schemas: dtype, bounds, keys and rules of every frame that crosses a room."""

from warehouse.contracts.demand import DemandCalls
from warehouse.contracts.features import (
    AbandonmentCurve,
    AbandonmentThresholds,
    ContextGrowth,
    ContextTrend,
    DemandForecast,
    EmergingWorkloads,
    PrefixReuse,
    SessionFeatures,
    StallProfile,
    WaitProfile,
    WorkloadDrift,
    WorkloadMix,
)
from warehouse.contracts.hardware import DesignEvaluations, KernelHotspots, StepBins
from warehouse.contracts.policy import ServingPolicy
from warehouse.contracts.rates import GAP_LAWS, ClientLengths, ClientWindows
from warehouse.contracts.service_latency import (
    LATENCY_KNOTS,
    LATENCY_LEVELS,
    TPOT_COLUMNS,
    TTFT_COLUMNS,
    ServiceLatency,
)
from warehouse.contracts.telemetry import ModelCalls, Quarantine, Sessions, ToolCalls
from warehouse.contracts.vocabulary import (
    SERVICE_TIERS,
    SURFACES,
    BindingResource,
    CallStatus,
    EvidenceKind,
    KernelFamily,
    ServiceTier,
    SessionOutcome,
    Surface,
    values_of,
)

__all__ = [
    "GAP_LAWS",
    "LATENCY_KNOTS",
    "LATENCY_LEVELS",
    "SERVICE_TIERS",
    "SURFACES",
    "TPOT_COLUMNS",
    "TTFT_COLUMNS",
    "AbandonmentCurve",
    "AbandonmentThresholds",
    "BindingResource",
    "CallStatus",
    "ClientLengths",
    "ClientWindows",
    "ContextGrowth",
    "ContextTrend",
    "DemandCalls",
    "DemandForecast",
    "DesignEvaluations",
    "EmergingWorkloads",
    "EvidenceKind",
    "KernelFamily",
    "KernelHotspots",
    "ModelCalls",
    "PrefixReuse",
    "Quarantine",
    "ServiceLatency",
    "ServiceTier",
    "ServingPolicy",
    "SessionFeatures",
    "SessionOutcome",
    "Sessions",
    "StallProfile",
    "StepBins",
    "Surface",
    "ToolCalls",
    "WaitProfile",
    "WorkloadDrift",
    "WorkloadMix",
    "values_of",
]
