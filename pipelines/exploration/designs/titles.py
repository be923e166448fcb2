"""Short names of designs by what they change."""

from collections.abc import Callable, Mapping

from hwmodel.catalog import ChipDesign
from hwmodel.design import DesignSpace, Parameter, hbm_name, level_name
from pipelines.report import DesignChange


def title_of(space: DesignSpace, changes: Mapping[str, tuple[float, float]]) -> str:
    """Such as `HBM4, 6 HBM stacks, 2.01 GHz`; `no change` for the baseline's own point."""
    return ", ".join(_SHORT[name](after, space.baseline) for name, (_, after) in changes.items()) or "no change"


def design_changes(space: DesignSpace, changes: Mapping[str, tuple[float, float]]) -> tuple[DesignChange, ...]:
    """Changed parameters in display units; choices by name."""
    parameters = {p.name: p for p in space.parameters}
    return tuple(_shown(space, parameters[name], before, after) for name, (before, after) in changes.items())


def _shown(space: DesignSpace, parameter: Parameter, before: float, after: float) -> DesignChange:
    if parameter.name == "hbm_generation":
        return _other_stack(space, parameter, before, after)
    words = [level_name(parameter.name, value, space.baseline) for value in (before, after)]
    return DesignChange(
        parameter=parameter.name,
        label=parameter.label,
        unit=parameter.unit,
        before=before * parameter.shown_per_si,
        after=after * parameter.shown_per_si,
        words=None if None in words else (str(words[0]), str(words[1])),
    )


def _other_stack(space: DesignSpace, parameter: Parameter, before: float, after: float) -> DesignChange:
    """A memory generation by its stack's rate, or by what it holds where the rate stays."""
    old, new = (
        space.design({**space.values_of_baseline(), parameter.name: generation}) for generation in (before, after)
    )
    rates, sizes = (
        (getattr(old, name) / 1e9, getattr(new, name) / 1e9) for name in ("hbm_stack_bytes_per_s", "hbm_stack_bytes")
    )
    is_other_rate = rates[0] != rates[1]
    shown = rates if is_other_rate else sizes
    return DesignChange(
        parameter=parameter.name,
        label=f"{parameter.label} ({hbm_name(space.baseline, before)} to {hbm_name(space.baseline, after)})",
        unit="GB/s per stack" if is_other_rate else "GB per stack",
        before=shown[0],
        after=shown[1],
    )


_SHORT: dict[str, Callable[[float, ChipDesign], str]] = {
    "hbm_generation": lambda value, baseline: hbm_name(baseline, value),
    "cores_count": lambda value, _: f"{value:.0f} cores",
    "matrix_flop_per_clk": lambda value, baseline: f"{value / baseline.matrix_flop_per_clk:g}x matrix rate",
    "fp8_rate_ratio": lambda value, _: f"{value:.2g}x fp8 over bf16",
    "fp4_rate_ratio": lambda value, _: f"{value:.2g}x fp4 over bf16",
    "vector_flop_per_clk": lambda value, baseline: f"{value / baseline.vector_flop_per_clk:g}x vector rate",
    "exponent_per_clk": lambda value, baseline: f"{value / baseline.exponent_per_clk:g}x exponent rate",
    "smem_bytes": lambda value, _: f"{value / 2**10:.0f} KB L1",
    "clock_hz": lambda value, _: f"{value / 1e9:.2f} GHz",
    "l2_bytes": lambda value, _: f"{value / 2**20:.0f} MB L2",
    "l2_rate_ratio": lambda value, _: f"{value:g}x L2 rate",
    "hbm_stacks_count": lambda value, _: f"{value:.0f} HBM stacks",
    "hbm_speed_ratio": lambda value, _: f"{value:g}x HBM speed",
    "hbm_extra_dies_count": lambda value, _: f"{value:+g} dies per HBM stack",
    "link_bytes_per_s": lambda value, _: f"{value / 1e9:.0f} GB/s links",
    "fabric": lambda value, baseline: level_name("fabric", value, baseline) or "",
    "launch_latency_s": lambda value, _: f"{value * 1e6:.3g} \N{MICRO SIGN}s launch",
    "collective_latency_s": lambda value, _: f"{value * 1e6:.3g} \N{MICRO SIGN}s collectives",
    "dies_count": lambda value, _: f"{value:.0f} compute dies",
    "node": lambda value, baseline: level_name("node", value, baseline) or "",
    "overlap_exponent": lambda *_: "loads beside products",
}
