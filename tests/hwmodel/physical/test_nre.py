"""Engineering paid once: what is drawn again, and how many chips pay for it."""

from dataclasses import replace

import pytest

from hwmodel.catalog import design_of, load_catalog
from hwmodel.physical import break_even_chips, chip_life_h, months_that_eat, project_of

BASE = design_of(load_catalog().chip("h100-sxm"), allow_estimates=False)


def test_what_must_be_drawn_again_follows_from_what_changes() -> None:
    taller = replace(BASE, hbm_stack_bytes=BASE.hbm_stack_bytes * 1.5)
    wider = replace(BASE, l2_bytes=BASE.l2_bytes * 2.0)
    finer = replace(BASE, node="N3")
    projects = [project_of(BASE, design) for design in (taller, wider, finer)]
    assert [p.depth for p in projects] == ["memory", "die", "process"]
    costs = [p.nre_usd[1] for p in projects]
    assert costs == sorted(costs)
    for project in projects:
        assert list(project.nre_usd) == sorted(project.nre_usd)
        assert list(project.months) == sorted(project.months)


def test_chips_to_break_even_are_engineering_over_what_a_chip_saves_in_its_life() -> None:
    project = project_of(BASE, replace(BASE, node="N3"))
    low, typical, high = break_even_chips(project, 0.25)
    assert typical == pytest.approx(project.nre_usd[1] / (0.25 * chip_life_h()))
    assert low < typical < high
    assert break_even_chips(project, -0.1) == (float("inf"),) * 3


def test_a_gain_of_thirty_percent_lasts_a_year_of_a_market_that_gains_as_much() -> None:
    assert months_that_eat(0.3) == pytest.approx(12.0)
    assert months_that_eat(-0.1) == 0.0
