"""A law that takes measured latencies where there are some, and another law's elsewhere."""

from dataclasses import dataclass

from telemetry_sim.engine.latency import IncumbentLatency, LatencyLaw, LatencyTable
from telemetry_sim.engine.measured import MeasuredLatency, MeasuredTable
from telemetry_sim.laws import Floats
from warehouse.contracts import Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class PartlyMeasured:
    """A surface whose calls were too few to be measured keeps the incumbent's law."""

    measured: MeasuredLatency
    otherwise: LatencyLaw = IncumbentLatency()  # noqa: RUF009 - frozen

    def table(self, surface: Surface, offered_ratio: Floats) -> LatencyTable | MeasuredTable:
        """The table of a surface under this load."""
        law: LatencyLaw = self.measured if surface in self.measured.tables else self.otherwise
        return law.table(surface, offered_ratio)
