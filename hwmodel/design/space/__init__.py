"""The design space: parameters with their legal steps, the points they make, and the designs that the points are."""

from hwmodel.design.space.design_space import MOST_CHANGES_COUNT, DesignSpace, space_around
from hwmodel.design.space.memory import HBM_GENERATIONS, HbmGeneration, hbm_name
from hwmodel.design.space.naming import design_id, level_name
from hwmodel.design.space.parameter import NODES, Parameter
from hwmodel.design.space.rating import rated
from hwmodel.design.space.steps import Step, next_levels, relieves, stepped, steps_around

__all__ = [
    "HBM_GENERATIONS",
    "MOST_CHANGES_COUNT",
    "NODES",
    "DesignSpace",
    "HbmGeneration",
    "Parameter",
    "Step",
    "design_id",
    "hbm_name",
    "level_name",
    "next_levels",
    "rated",
    "relieves",
    "space_around",
    "stepped",
    "steps_around",
]
