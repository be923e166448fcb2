"""First changes: which steps relieve what was planted."""

from dataclasses import replace

from hwmodel.design.risk import PLANTS
from hwmodel.design.space import Step


def test_taking_memory_away_does_not_relieve_a_demand_that_memory_binds() -> None:
    plant = next(p for p in PLANTS if p.name == "capacity-bound")
    more = Step(parameter="hbm_stacks_count", before=5, after=6, column=0)
    assert plant.is_matched_by(more)
    assert not plant.is_matched_by(replace(more, after=4))
    assert not plant.is_matched_by(replace(more, parameter="link_bytes_per_s"))


def test_every_plant_says_its_arithmetic_and_what_would_relieve_it() -> None:
    assert len(PLANTS) == 6
    for plant in PLANTS:
        assert plant.why
        assert plant.expected
