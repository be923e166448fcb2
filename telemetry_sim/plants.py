"""Known truths to plant in telemetry, for those who must find them again: each returns changed surface parameters.

Give the result to `SimulationSettings(surfaces={surface: changed})`. What a plant changes is all that it changes:
the other numbers stay those of the parameters it is given.
"""

from dataclasses import replace
from enum import StrEnum

from telemetry_sim.errors import SettingsError
from telemetry_sim.laws import TimeLaw
from telemetry_sim.parameters import AgentLoop, SurfaceParameters, Trend

NEVER_S = 1e6
"""Longer than any call."""


class StallCause(StrEnum):
    """What makes agents stall."""

    SLOW_TOOL = "slow_tool"
    CACHE_LOSS = "cache_loss"
    QUEUE = "queue"


def with_growth(
    parameters: SurfaceParameters,
    *,
    volume_growth_per_day_ratio: float = 0.0,
    context_growth_per_day_ratio: float = 0.0,
    mix_drift_per_day_ratio: float = 0.0,
) -> SurfaceParameters:
    """Sessions, prompt lengths and share of calls grow by these ratios per day instead of the declared ones."""
    trend = replace(
        parameters.volume.trend,
        volume_growth_per_day_ratio=volume_growth_per_day_ratio,
        mix_drift_per_day_ratio=mix_drift_per_day_ratio,
    )
    volume = replace(parameters.volume, trend=trend, context_growth_per_day_ratio=context_growth_per_day_ratio)
    return replace(parameters, volume=volume)


def with_emergence(parameters: SurfaceParameters, *, day_number: int, per_day_ratio: float = 0.7) -> SurfaceParameters:
    """The surface opens on a day (counted from the first, 0) at 1 % of its volume and grows to it logistically."""
    trend = Trend(
        volume_growth_per_day_ratio=0.0,
        mix_drift_per_day_ratio=0.0,
        emergence_day_count=float(day_number),
        emergence_per_day_ratio=per_day_ratio,
    )
    return replace(parameters, volume=replace(parameters.volume, trend=trend))


def with_abandonment_step(
    parameters: SurfaceParameters, *, threshold_s: float = 8.0, leaving_ratio: float = 1.0, sigma_ratio: float = 0.0
) -> SurfaceParameters:
    """Of the readers, `leaving_ratio` leave when no token has come after `threshold_s`; the others never leave.

    Args:
        parameters: Of the surface; its incumbent must be slow enough for some calls to reach the threshold.
        threshold_s: Time to the first token at which readers leave.
        leaving_ratio: Part of the readers who leave then; the others wait for ever.
        sigma_ratio: Spread of the logarithm of that time; 0 makes a step.
    """
    patience = replace(
        parameters.patience,
        watched_ratio=leaving_ratio,
        first_token=TimeLaw(median_s=threshold_s, sigma_ratio=sigma_ratio),
        last_token=TimeLaw(median_s=NEVER_S, sigma_ratio=0.0),
    )
    return replace(parameters, patience=patience)


def with_stall(parameters: SurfaceParameters, cause: StallCause, *, severity_ratio: float = 10.0) -> SurfaceParameters:
    """Agents of the surface stall for one cause above all others.

    With abandonment on, people leave the sessions that stall, and the stall shows mostly in what is missing; plant
    with `SimulationSettings(abandonment=False)` where the wait itself is to be found.

    Args:
        parameters: Of a surface with an agent's loop.
        cause: SLOW_TOOL: tools take `severity_ratio` times as long. CACHE_LOSS: nothing stays in the prefix cache, and
            an uncached token costs `severity_ratio` times as much. QUEUE: waits for the server are `severity_ratio`
            times as long, at a load near the capacity.
        severity_ratio: How bad it is, above 1.

    Raises:
        SettingsError: The surface has no agent's loop, or the severity is not above 1.
    """
    loop = parameters.behaviour
    if not isinstance(loop, AgentLoop):
        raise SettingsError(f"stall {cause.value}: {parameters.surface.value} has no agents; choose a surface that has")
    if not severity_ratio > 1.0:
        raise SettingsError(f"stall {cause.value}: severity_ratio {severity_ratio} must be above 1")
    latency = parameters.latency
    match cause:
        case StallCause.SLOW_TOOL:
            slower = replace(
                loop,
                tool_median_s=tuple(median_s * severity_ratio for median_s in loop.tool_median_s),
                slow_tool=replace(loop.slow_tool, median_s=loop.slow_tool.median_s * severity_ratio),
            )
            return replace(parameters, behaviour=slower)
        case StallCause.CACHE_LOSS:
            dearer = replace(latency, uncached_s_per_token=latency.uncached_s_per_token * severity_ratio)
            return replace(parameters, latency=dearer, cache=replace(parameters.cache, lost_ratio=1.0))
        case StallCause.QUEUE:
            fuller = replace(latency, queue_s=latency.queue_s * severity_ratio, capacity_ratio=1.0)
            return replace(parameters, latency=fuller)
