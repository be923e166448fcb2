"""The design space: parameters with their legal steps, the points they make, and the designs that the points are."""

from hwmodel.design.space.design_space import MOST_CHANGES_COUNT, DesignSpace, space_around
from hwmodel.design.space.memory import HBM_GENERATIONS, HbmGeneration, hbm_name
from hwmodel.design.space.naming import design_id, level_name
from hwmodel.design.space.parameter import NODES, Parameter
from hwmodel.design.space.rating import rated

__all__ = [
    "HBM_GENERATIONS",
    "MOST_CHANGES_COUNT",
    "NODES",
    "DesignSpace",
    "HbmGeneration",
    "Parameter",
    "design_id",
    "hbm_name",
    "level_name",
    "rated",
    "space_around",
]
