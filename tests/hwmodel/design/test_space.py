"""The design space: every point legal and distinct, the baseline one of them, generations and ratings as stated."""

from dataclasses import asdict, replace
from itertools import combinations
from math import prod

import numpy as np
import pytest

from hwmodel.catalog import ChipDesign, DesignTable, design_of, load_catalog
from hwmodel.design import BadSpace, DesignSpace, hbm_name, rated, space_around
from hwmodel.design.space import HBM_GENERATIONS, design_id
from hwmodel.physical import die_area, module_cost, peak_power_w, tco
from tests.hwmodel.design.planted import h100

POWER_ALONE = {"clock_hz"}
"""Parameters that cost nothing as long as the rated power stays in its class."""
COST_ALONE = {"fabric", "hbm_extra_dies_count"}
"""Parameters that draw no power of their own: a topology, dies in a stack that is as fast as before."""
BASELINES = ("h100-sxm", "h200-sxm", "b200-sxm", "a100-sxm-80", "mi300x")


def baseline_point(space: DesignSpace) -> np.ndarray:
    return np.array([list(space.values_of_baseline().values())])


def near(space: DesignSpace, most: int = 2) -> DesignSpace:
    """The space within fewer changes."""
    return replace(space, most_changes_count=most)


def within(space: DesignSpace, most: int) -> int:
    """Combinations of up to so many changes, counted without making them."""
    others = [len(p.levels) - 1 for p in space.parameters]
    return sum(prod(chosen) for count in range(most + 1) for chosen in combinations(others, count))


def parts_of(design: ChipDesign) -> dict[str, object]:
    return {name: value for name, value in asdict(design).items() if name != "name"}


def with_changes(space: DesignSpace, **changes: float) -> ChipDesign:
    point = np.array([list((space.values_of_baseline() | changes).values())])
    return space.designs(point).row(0)


@pytest.mark.parametrize("chip", BASELINES)
def test_the_baseline_is_a_point_of_its_space_and_becomes_itself(chip: str) -> None:
    baseline = design_of(load_catalog().chip(chip), allow_estimates=True)
    space = space_around(baseline)
    point = baseline_point(space)
    assert (near(space).points() == point).all(axis=1).sum() == 1
    assert parts_of(space.design(space.values_of_baseline())) == parts_of(baseline)
    assert parts_of(space.designs(point).row(0)) == parts_of(baseline)
    assert space.features(point).tolist() == [[0.0] * len(space.names)]
    assert space.changes(point[0].tolist()) == {}


@pytest.mark.parametrize("chip", BASELINES)
def test_every_point_is_a_combination_of_legal_levels_and_none_comes_twice(chip: str) -> None:
    space = near(space_around(design_of(load_catalog().chip(chip), allow_estimates=True)))
    points = space.points()
    assert len(points) == len(np.unique(points, axis=0))
    for column, parameter in enumerate(space.parameters):
        assert set(points[:, column]) == set(parameter.levels)
        assert len(set(parameter.levels)) == len(parameter.levels)
    assert np.isfinite(space.features(points)).all()


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_points_are_all_combinations_of_up_to_so_many_changes(most: int) -> None:
    """Counted by the elementary symmetric polynomials of the number of other levels."""
    space = near(space_around(h100()), most)
    points = space.points()
    assert len(points) == within(space, most)
    assert ((points != baseline_point(space)).sum(axis=1) <= most).all()


def test_around_h100_there_are_more_than_half_a_million_points() -> None:
    space = space_around(h100())
    assert within(space, space.most_changes_count) > 500_000


def test_a_space_of_few_parameters_is_their_whole_product() -> None:
    space = space_around(h100())
    few = replace(space, parameters=space.parameters[:4])
    assert len(few.points()) == prod(len(p.levels) for p in few.parameters)


def test_a_parameter_without_the_baselines_level_is_changed_everywhere() -> None:
    space = space_around(h100())
    moved = replace(space.parameters[0], levels=(92.0, 112.0))
    points = replace(space, parameters=(moved, *space.parameters[1:]), most_changes_count=2).points()
    assert set(points[:, 0]) == {92.0, 112.0}
    assert len(points) == 2 * (1 + sum(len(p.levels) - 1 for p in space.parameters[1:]))


def test_ids_name_what_changes_and_nothing_else_and_are_unique() -> None:
    space = near(space_around(h100()))
    points = space.points()
    names = space.ids(points)
    assert len(set(names)) == len(points)
    assert names[0] == "h100-sxm"
    assert with_changes(space, cores_count=152.0, hbm_generation=2.0, node=3.0).name == "c152-g2-N3"
    assert design_id({"l2_rate_ratio": 1.5, "clock_hz": 1.647e9}, "any") == "w1.5-f1.647"


def test_features_are_doublings_over_the_baseline_and_steps_of_memory_generations() -> None:
    space = space_around(h100())
    at = space.names.index
    point = baseline_point(space)
    point[0, at("l2_bytes")] *= 2.0
    point[0, at("link_bytes_per_s")] *= 0.5
    point[0, at("hbm_generation")] += 2.0
    found = dict(zip(space.names, space.features(point)[0].tolist(), strict=True))
    assert {name: value for name, value in found.items() if value} == pytest.approx(
        {"l2_bytes": 1.0, "link_bytes_per_s": -1.0, "hbm_generation": 2.0}
    )


def test_changes_name_before_and_after_of_exactly_what_differs() -> None:
    space = space_around(h100())
    point = baseline_point(space)[0]
    point[space.names.index("hbm_stacks_count")] = 6.0
    assert space.changes(point.tolist()) == {"hbm_stacks_count": (5.0, 6.0)}


def test_the_baseline_keeps_its_rated_power() -> None:
    space = space_around(h100())
    assert space.designs(baseline_point(space)).tdp_w.tolist() == [700.0]


def test_a_design_that_may_draw_more_is_never_rated_lower() -> None:
    space = space_around(h100())
    base = space.values_of_baseline()
    for name in ("clock_hz", "cores_count", "matrix_flop_per_clk"):
        parameter = space.parameters[space.names.index(name)]
        tdp_w = [with_changes(space, **{name: level}).tdp_w for level in sorted(parameter.levels)]
        assert tdp_w == sorted(tdp_w), name
        assert with_changes(space, **{name: base[name]}).tdp_w == 700.0


def test_rating_is_in_proportion_to_the_baseline() -> None:
    cool = replace(h100(), tdp_w=350.0)
    assert rated([cool], baseline=cool).tdp_w.tolist() == [350.0]
    hot = rated([replace(h100(), clock_hz=h100().clock_hz * 1.1)], baseline=h100()).tdp_w[0]
    assert hot > 700.0


def test_memory_generations_set_what_a_stack_holds_and_moves_and_nothing_else() -> None:
    space = space_around(h100())
    base = space.design(space.values_of_baseline())
    for number, generation in enumerate(HBM_GENERATIONS):
        design = space.design(space.values_of_baseline() | {"hbm_generation": float(number)})
        assert (design.hbm_stack_bytes, design.hbm_stack_bytes_per_s) == (
            generation.stack_bytes,
            generation.stack_bytes_per_s,
        )
        same = replace(
            design,
            name=base.name,
            hbm_stack_bytes=base.hbm_stack_bytes,
            hbm_stack_bytes_per_s=base.hbm_stack_bytes_per_s,
        )
        assert same == base


def test_a_baseline_with_a_stack_of_its_own_keeps_it_and_may_go_to_any_generation() -> None:
    own = replace(h100(), hbm_stack_bytes=20e9, hbm_stack_bytes_per_s=0.5e12)
    space = space_around(own)
    levels = space.parameters[space.names.index("hbm_generation")].levels
    assert levels == (-1.0, 0.0, 1.0, 2.0)
    assert [hbm_name(own, level) for level in levels] == ["20 GB at 0.5 TB/s", "HBM3", "HBM3E", "HBM4"]
    assert space.design(space.values_of_baseline()).hbm_stack_bytes == 20e9


def test_no_point_goes_back_to_an_older_memory() -> None:
    newest = replace(h100(), hbm_stack_bytes=36e9, hbm_stack_bytes_per_s=2e12)
    space = space_around(newest)
    assert "hbm_generation" not in space.names
    assert space.design(space.values_of_baseline()).hbm_stack_bytes == 36e9


def test_a_generation_that_does_not_exist_is_refused() -> None:
    space = space_around(h100())
    with pytest.raises(BadSpace, match="HBM generation 7 is not one of 3"):
        space.design(space.values_of_baseline() | {"hbm_generation": 7.0})


def test_cores_bring_their_share_of_l2_bandwidth_and_its_ratio_comes_on_top() -> None:
    space = space_around(h100())
    more = max(space.parameters[space.names.index("cores_count")].levels)
    design = space.design(space.values_of_baseline() | {"cores_count": more, "l2_rate_ratio": 1.5})
    assert design.l2_bytes_per_clk / more == pytest.approx(1.5 * h100().l2_bytes_per_clk / h100().cores_count)


def test_height_and_speed_change_the_stack_of_whatever_generation() -> None:
    space = space_around(h100())
    design = space.design(
        space.values_of_baseline() | {"hbm_generation": 1.0, "hbm_speed_ratio": 1.2, "hbm_extra_dies_count": 4.0}
    )
    assert design.hbm_stack_bytes == pytest.approx(36e9)
    assert design.hbm_stack_bytes_per_s == pytest.approx(1.2e12)


def test_options_that_may_change_answers_are_flagged_and_apart() -> None:
    assert not any(p.is_quality_risk for p in space_around(h100()).parameters)
    risky = [p.name for p in space_around(h100(), with_quality_risk=True).parameters if p.is_quality_risk]
    assert risky == ["fp4_rate_ratio"]


@pytest.mark.parametrize("chip", ["h100-sxm", "a100-sxm-80"])
def test_every_level_of_every_parameter_has_a_cost_and_a_power(chip: str) -> None:
    space = space_around(design_of(load_catalog().chip(chip)), with_quality_risk=True)
    base = space.values_of_baseline()
    one = DesignTable.of([space.baseline])
    for parameter in space.parameters:
        others = [level for level in parameter.levels if level != base[parameter.name]]
        for table in (DesignTable.of([space.design(base | {parameter.name: level})]) for level in others):
            if parameter.name not in POWER_ALONE:
                assert tco(table).typical_usd_per_chip_h[0] != tco(one).typical_usd_per_chip_h[0], parameter.name
            if parameter.name not in COST_ALONE:
                assert peak_power_w(table)[0] != peak_power_w(one)[0], parameter.name


def test_a_die_cut_in_two_yields_better_and_pays_for_the_crossing() -> None:
    space = space_around(h100())
    one, two = (DesignTable.of([space.design(space.values_of_baseline() | {"dies_count": n})]) for n in (1.0, 2.0))
    assert module_cost(two).die_yield_ratio[0] > module_cost(one).die_yield_ratio[0]
    assert die_area(two).package_m2[0] > die_area(one).package_m2[0]
    assert peak_power_w(two)[0] > peak_power_w(one)[0]


def test_every_point_is_a_legal_chip_design() -> None:
    space = near(space_around(h100()), 3)
    points = space.points()
    some = points[np.random.default_rng(0).choice(len(points), 300, replace=False)]
    table = space.designs(some)
    designs = [table.row(i) for i in range(len(table))]
    assert DesignTable.of(designs).name == table.name
    assert (table.tdp_w > 0.0).all()
    assert np.isfinite(table.tdp_w).all()
