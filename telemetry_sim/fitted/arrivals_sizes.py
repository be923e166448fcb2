"""Sizes that drift along a trace: which of the drawn single calls comes when."""

import numpy as np

from telemetry_sim.fitted.arrivals import ArrivalLaw
from telemetry_sim.laws import Floats
from telemetry_sim.streams import Keys, child_keys, normals

LEAST_OWN_VARIANCE = 0.2
SIZES = 3
"""Number of the stream under the law's own."""


def placed_by_size(law: ArrivalLaw, key: np.uint64 | Keys, start_s: Floats, sizes: Floats) -> Floats:
    """The start times, dealt out anew so that sizes follow the law's drift; as they came where it knows of none.

    Each time draws a normal score around the drift's mean at that time, and the call with the n-th smallest size gets
    the time with the n-th smallest score: neither the sizes nor the times change, only which goes with which.

    Args:
        law: Whose course tells the mean score of sizes along the fitted span.
        key: Stream of the draw.
        start_s: Start of each call. Shape (calls,).
        sizes: Size of each call, such as its output tokens. Shape (calls,).
    """
    scores = law.course.size_scores
    if not scores or len(start_s) != len(sizes):
        return start_s
    mean = np.interp(start_s, np.linspace(0.0, law.course.size_span_s, len(scores)), scores)
    own = np.sqrt(max(1.0 - float(np.var(mean)), LEAST_OWN_VARIANCE))
    noise = normals(child_keys(key, SIZES)[()], np.arange(len(start_s)))
    placed = np.empty(len(start_s))
    placed[np.argsort(sizes, kind="stable")] = start_s[np.argsort(mean + own * noise, kind="stable")]
    return placed
