"""Heavy transforms of single calls, written once in Narwhals: the same code runs on polars and on a Spark cluster.

Frames go in and come out in the engine's own type. Columns are those of the telemetry contracts in their portable form:
instants are whole microseconds since 1970 (`requested_us`, `started_us`), words are strings or enums of them. Only the
subset of Narwhals that gives the same numbers on every engine is used (docs/adr/0014).
"""

from featurize.portable.histograms import BIN_ERROR_RATIO, histogram, histogram_quantiles
from featurize.portable.links import AGENT_SURFACES, linked_calls, with_links, with_previous, with_turn_starts
from featurize.portable.sessionise import sessionise
from featurize.portable.waits import CLOCK_GRAIN_S, WAITS, call_waits, tool_spans, wait_histograms, with_waits

__all__ = [
    "AGENT_SURFACES",
    "BIN_ERROR_RATIO",
    "CLOCK_GRAIN_S",
    "WAITS",
    "call_waits",
    "histogram",
    "histogram_quantiles",
    "linked_calls",
    "sessionise",
    "tool_spans",
    "wait_histograms",
    "with_links",
    "with_previous",
    "with_turn_starts",
    "with_waits",
]
