"""The limits of the comparison of telemetry and replay, each with its reason."""

MOST_DISTANCE_RATIO = 1.18
"""Typical factor by which times by surface, measure and length may be off their common factor. 18 % is the mean error
that the chip model may have on the time per output token of measured runs: more than that is not the model's error. A
first limit of 1.48, which added the 35 % of the time to first token, let a chip with a quarter of the memory's speed
through (1.22) and was given up; chips that no limit was chosen on are in the tests."""
MOST_CHANCE_RATIO = 0.05
"""Chance, over all orders of the surfaces, of an agreement as good: the usual level."""
APART_ERRORS_COUNT = 1.96
"""Standard errors between two surfaces before their order counts: the usual 95 %. They must also differ by more than
`MOST_DISTANCE_RATIO`, in the telemetry and in the replay: with many calls hardly any difference is an accident, but a
small one is inside the tolerance on either side."""
INTERVAL_ERRORS_COUNT = 1.645
"""Standard errors of an interval of 90 %, both sides; one-sided, of a test at 5 %."""
LEAST_RELIABILITY_RATIO = 0.5
"""Below it less than half of the differences between the telemetry's hours are more than accident (split halves,
Spearman-Brown), and no replay could agree with them."""
GROUPS_COUNT = 20
"""Groups of sessions left out in turn to tell the errors of statistics (delete-a-group jackknife)."""
FIT_DAYS_COUNT = 6
"""Days before the last that the fit looks at, at most: with the last, a week."""
LEAD_IN_HOURS = 2
"""Replayed before the last day, and not compared, so that replicas and caches are filled."""


def least_correlation(places_count: int) -> float:
    """Rank correlation that one pair of unrelated rankings in twenty reaches (normal approximation)."""
    return float(INTERVAL_ERRORS_COUNT / (places_count - 1) ** 0.5)
