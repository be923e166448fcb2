"""Why a design is recommended and how firm that is, as frames of the report."""

from dataclasses import dataclass

import polars as pl

FIRM = "finalist for its worst scenario"
"""Kind of a row of the regret that is a finalist because no scored design gives less away in its worst scenario."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Frames of the explanation, in the order in which they are read. Gains and shares are ratios."""

    parts: pl.DataFrame
    """One row per change of a finalist: rank, title, parameter, change, alone_ratio, alone_replayed_ratio, lost_ratio,
    lost_replayed_ratio, shapley_ratio (adds up to the whole), whole_ratio, whole_replayed_ratio."""
    justified: pl.DataFrame
    """Whether the limiter that a change relieves carries time: rank, title, change, resources, before_ratio,
    after_ratio, is_justified, words."""
    bill: pl.DataFrame
    """Bill before and after: rank, title, dimension (family | binding_resource | surface), name, baseline_time_ratio,
    design_time_ratio, baseline_cost_ratio, design_cost_ratio."""
    elasticities: pl.DataFrame
    """scenario, at (baseline | recommended), parameter, label, side (less | more), before, after, gain_ratio,
    elasticity, low, high, is_feasible."""
    scenarios: pl.DataFrame
    """The scenario set: scenario, kind, calls (of the window), reason (why it is left out; null where it is not)."""
    regret: pl.DataFrame
    """design, kind, scenario, method (closed form | replay), over_baseline_ratio, regret_ratio, rank."""
    regret_summary: pl.DataFrame
    """design, kind, method, scenarios, most_ratio, mean_ratio, top_ratio, is_minimax, is_least_mean."""
    flips: pl.DataFrame
    """What would change our mind: lever, rival, low, high, threshold (multiple of today's; null for none inside),
    replayed_ratio (winner over rival there), confirmed."""
    software: pl.DataFrame
    """What settings buy on either chip: chip, option, is_risky, closed_form_ratio, replayed_ratio, scored, replayed;
    ratios are over the unchanged chip with today's settings."""
    grounds: pl.DataFrame
    """Evidence by finalist: rank, title, kind, nearest_chip, nearest_distance, change_distance, judged_low,
    judged_high, is_downgraded, words."""
