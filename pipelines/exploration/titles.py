"""Short names of designs by what they change."""

from collections.abc import Mapping

from hwmodel.design import DesignSpace, hbm_name
from pipelines.report import DesignChange


def title_of(space: DesignSpace, changes: Mapping[str, tuple[float, float]]) -> str:
    """Such as `HBM4, 6 HBM stacks, 2.01 GHz`; `no change` for the baseline's own point."""
    return ", ".join(_short(space, name, after) for name, (_, after) in changes.items()) or "no change"


def design_changes(space: DesignSpace, changes: Mapping[str, tuple[float, float]]) -> tuple[DesignChange, ...]:
    """Changed parameters in display units."""
    parameters = {p.name: p for p in space.parameters}
    shown = []
    for name, (before, after) in changes.items():
        parameter = parameters[name]
        label, unit, scale = parameter.label, parameter.unit, parameter.shown_per_si
        if name == "hbm_generation":
            label, unit, scale = _stack_label(space, before, after), "GB/s per stack", 1e-9
            before, after = (_stack_rate(space, generation) for generation in (before, after))
        shown.append(DesignChange(parameter=name, label=label, unit=unit, before=before * scale, after=after * scale))
    return tuple(shown)


def _short(space: DesignSpace, name: str, value: float) -> str:
    match name:
        case "hbm_generation":
            return hbm_name(space.baseline, value)
        case "cores_count":
            return f"{value:.0f} cores"
        case "matrix_flop_per_clk":
            return f"{value / space.baseline.matrix_flop_per_clk:g}x matrix rate"
        case "clock_hz":
            return f"{value / 1e9:.2f} GHz"
        case "l2_bytes":
            return f"{value / 2**20:.0f} MB L2"
        case "hbm_stacks_count":
            return f"{value:.0f} HBM stacks"
        case "link_bytes_per_s":
            return f"{value / 1e9:.0f} GB/s links"
        case _:
            return f"{value:g}x latency"


def _stack_label(space: DesignSpace, before: float, after: float) -> str:
    return f"HBM generation ({hbm_name(space.baseline, before)} to {hbm_name(space.baseline, after)})"


def _stack_rate(space: DesignSpace, generation: float) -> float:
    point = {**space.values_of_baseline(), "hbm_generation": generation}
    return space.design(point).hbm_stack_bytes_per_s
