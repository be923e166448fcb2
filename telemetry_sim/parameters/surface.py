"""Everything that describes one product surface, and where each number comes from."""

from dataclasses import dataclass

from telemetry_sim.parameters.agent_loop import AgentLoop
from telemetry_sim.parameters.api_burst import ApiBurst
from telemetry_sim.parameters.chat import Chat
from telemetry_sim.parameters.models import Models
from telemetry_sim.parameters.prompts import Cache, Context, Output
from telemetry_sim.parameters.service import Latency, Patience
from telemetry_sim.parameters.volume import Volume
from warehouse.contracts import EvidenceKind, Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where one number comes from."""

    key: str
    value: str
    source: str
    kind: EvidenceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceParameters:
    """Everything that the simulator knows about one surface."""

    surface: Surface
    volume: Volume
    output: Output
    context: Context
    cache: Cache
    models: Models
    latency: Latency
    patience: Patience
    behaviour: AgentLoop | Chat | ApiBurst
    evidence: tuple[Evidence, ...]
