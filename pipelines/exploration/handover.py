"""What the next generation is handed of an accepted design: its latencies as replayed."""

from collections.abc import Sequence
from datetime import datetime

import dataframely as dy

from hwmodel.design import Recommendation
from hwmodel.serving.explained import Served, replayed_calls, service_latency
from warehouse.contracts import ServiceLatency


def handover_latency(finalists: Sequence[Recommendation], first_at: datetime) -> dy.DataFrame[ServiceLatency]:
    """Latencies of the best recommended design in the full replay, under `ServiceLatency`; no rows without one.

    The replay is of the peak window: its load stands for every hour.

    Args:
        finalists: By re-evaluated value, the best first.
        first_at: When the peak window begins.
    """
    best = next((each for each in finalists if each.is_recommended and each.evaluation is not None), None)
    if best is None or best.evaluation is None:
        return ServiceLatency.create_empty()
    served = [
        replayed_calls(part.pool.demand, part.fleet.result, llm=part.pool.llm.id, first_at=first_at)
        for part in best.evaluation.pools
    ]
    return service_latency(Served.joined(served).calls)
