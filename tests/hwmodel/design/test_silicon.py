"""The silicon interval: wider with every change, the same factor up and down."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import ChipDesign
from hwmodel.design import silicon_interval, space_around
from tests.hwmodel.design.planted import h100

KERNEL_CHANGES = ("cores_count", "matrix_flop_per_clk", "l2_bytes", "clock_hz", "hbm_stack_bytes_per_s")
OTHER_CHANGES = ("link_bytes_per_s", "launch_latency_s")


def changed(design: ChipDesign, factor: float, *names: str) -> ChipDesign:
    return replace(design, **{name: getattr(design, name) * factor for name in names})


def width(design: ChipDesign) -> float:
    low, high = silicon_interval(h100(), design, 1.0)
    return float(np.log(high / low) / 2.0)


@given(ratio=st.floats(0.1, 10.0), factor=st.floats(0.3, 3.0), count=st.integers(1, 5))
def test_the_interval_reaches_as_far_down_as_up_in_log(ratio: float, factor: float, count: int) -> None:
    low, high = silicon_interval(h100(), changed(h100(), factor, *KERNEL_CHANGES[:count]), ratio)
    assert low <= ratio <= high
    assert ratio / low == pytest.approx(high / ratio)


def test_every_further_change_makes_the_interval_wider() -> None:
    names = (*KERNEL_CHANGES, *OTHER_CHANGES)
    widths = [width(changed(h100(), 1.3, *names[:count])) for count in range(len(names) + 1)]
    assert widths == sorted(set(widths))


def test_the_width_of_a_known_pair_is_the_measured_one() -> None:
    """Memory 1.43 times as fast, as from H100 to H200: x1.12."""
    assert np.exp(width(changed(h100(), 4.8 / 3.35, "hbm_stack_bytes_per_s"))) == pytest.approx(1.12, abs=0.005)


def test_errors_of_different_kinds_add_in_squares() -> None:
    both = width(changed(h100(), 2.0, *OTHER_CHANGES))
    assert both == pytest.approx(np.hypot(0.08, 0.12))


def test_no_change_has_no_error() -> None:
    assert silicon_interval(h100(), h100(), 1.3) == (1.3, 1.3)


def test_every_parameter_of_the_space_has_an_error() -> None:
    space = space_around(h100())
    base = space.values_of_baseline()
    for parameter in space.parameters:
        level = next(level for level in parameter.levels if not np.isclose(level, base[parameter.name]))
        assert width(space.design(base | {parameter.name: level})) > 0.0, parameter.name
