"""Short names of designs by what they change."""

from collections.abc import Callable, Mapping

from hwmodel.catalog import ChipDesign
from hwmodel.design import DesignSpace, hbm_name, level_name
from pipelines.report import DesignChange


def title_of(space: DesignSpace, changes: Mapping[str, tuple[float, float]]) -> str:
    """Such as `HBM4, 6 HBM stacks, 2.01 GHz`; `no change` for the baseline's own point."""
    return ", ".join(_SHORT[name](after, space.baseline) for name, (_, after) in changes.items()) or "no change"


def design_changes(space: DesignSpace, changes: Mapping[str, tuple[float, float]]) -> tuple[DesignChange, ...]:
    """Changed parameters in display units."""
    parameters = {p.name: p for p in space.parameters}
    shown = []
    for name, (before, after) in changes.items():
        parameter = parameters[name]
        label, unit, scale = parameter.label, parameter.unit, parameter.shown_per_si
        values, named = (before, after), None
        if name == "hbm_generation":
            label, unit, scale = _stack_label(space, before, after), "GB/s per stack", 1e-9
            values = (_stack_rate(space, before), _stack_rate(space, after))
        elif None not in (words := [level_name(name, value, space.baseline) for value in values]):
            named = (str(words[0]), str(words[1]))
        shown.append(
            DesignChange(
                parameter=name,
                label=label,
                unit=unit,
                before=values[0] * scale,
                after=values[1] * scale,
                words=named,
            )
        )
    return tuple(shown)


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


def _stack_label(space: DesignSpace, before: float, after: float) -> str:
    return f"HBM generation ({hbm_name(space.baseline, before)} to {hbm_name(space.baseline, after)})"


def _stack_rate(space: DesignSpace, generation: float) -> float:
    point = {**space.values_of_baseline(), "hbm_generation": generation}
    return space.design(point).hbm_stack_bytes_per_s
