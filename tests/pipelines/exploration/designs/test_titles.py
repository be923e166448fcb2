"""Short names of designs, and their changes as a screen shows them."""

from dataclasses import replace

import pytest

from hwmodel.design import space_around
from pipelines.exploration.designs.titles import design_changes, title_of
from tests.hwmodel.design.planted import h100

SPACE = space_around(h100())


def changes_to(**values: float) -> dict[str, tuple[float, float]]:
    return SPACE.changes(list((SPACE.values_of_baseline() | values).values()))


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "no change"),
        ({"hbm_generation": 2.0, "hbm_stacks_count": 6.0}, "6 HBM stacks, HBM4"),
        ({"cores_count": 112.0}, "112 cores"),
        ({"matrix_flop_per_clk": 2048.0}, "0.5x matrix rate"),
        ({"clock_hz": 2.013e9}, "2.01 GHz"),
        ({"l2_bytes": 100.0 * 2**20}, "100 MB L2"),
        ({"link_bytes_per_s": 900e9}, "900 GB/s links"),
        ({"launch_latency_s": 1.5e-6}, "1.5 \N{MICRO SIGN}s launch"),
        ({"hbm_extra_dies_count": 4.0, "l2_rate_ratio": 1.5}, "1.5x L2 rate, +4 dies per HBM stack"),
        ({"fabric": 1.0, "node": 3.0}, "torus, N3"),
    ],
)
def test_a_title_says_what_changes(values: dict[str, float], title: str) -> None:
    assert title_of(SPACE, changes_to(**values)) == title


def test_every_parameter_of_the_space_has_a_short_name() -> None:
    for parameter in SPACE.parameters:
        before = SPACE.values_of_baseline()[parameter.name]
        other = next((level for level in parameter.levels if level != before), before * 2.0)
        assert title_of(SPACE, {parameter.name: (before, other)})


def test_changes_are_shown_in_display_units() -> None:
    shown = {c.parameter: c for c in design_changes(SPACE, changes_to(l2_bytes=100.0 * 2**20, hbm_generation=2.0))}
    l2, hbm = shown["l2_bytes"], shown["hbm_generation"]
    assert (l2.label, l2.unit, l2.before, l2.after) == ("L2 cache", "MB", 50.0, 100.0)
    assert (hbm.label, hbm.unit) == ("HBM generation (HBM3 to HBM4)", "GB/s per stack")
    assert (hbm.before, hbm.after) == pytest.approx((670.0, 2000.0))


def test_a_choice_is_shown_by_name() -> None:
    level = {p.name: p.levels for p in SPACE.parameters}["node"][-1]
    (node,) = design_changes(SPACE, changes_to(node=level))
    assert node.words is not None
    assert node.words[0] == "N4"
    assert node.words[1] in {"N3", "N2"}


def test_a_baseline_with_taller_stacks_is_told_apart_by_name() -> None:
    """What a generation makes of its memory is the next one's own stack, and has to be readable there."""
    names = {}
    for dies in (0.0, 4.0, 8.0):
        chip = SPACE.design(SPACE.values_of_baseline() | {"hbm_extra_dies_count": dies})
        space = space_around(chip)
        own = space.values_of_baseline()["hbm_generation"]
        (stack,) = design_changes(space, {"hbm_generation": (own, 2.0)})
        names[dies] = stack.label
    assert names == {
        0.0: "HBM generation (HBM3 to HBM4)",
        4.0: "HBM generation (HBM3 of 24 GB to HBM4)",
        8.0: "HBM generation (HBM3 of 32 GB to HBM4)",
    }
    faster = space_around(SPACE.design(SPACE.values_of_baseline() | {"hbm_speed_ratio": 1.25}))
    assert title_of(faster, {"hbm_generation": (2.0, -1.0)}) == "16 GB at 0.84 TB/s"


def test_a_stack_of_the_same_rate_is_told_by_what_it_holds() -> None:
    taller = space_around(replace(h100(), hbm_stack_bytes=60e9, hbm_stack_bytes_per_s=2.0e12))
    (stack,) = design_changes(taller, {"hbm_generation": (taller.values_of_baseline()["hbm_generation"], 2.0)})
    assert (stack.unit, stack.before, stack.after) == ("GB per stack", 60.0, 36.0)
