"""Step costs out of measured kernel profiles: layouts of Vidur and LLMServingSim."""

from hwmodel.serving.profiles.llmservingsim import ProfileChoice, read_llmservingsim
from hwmodel.serving.profiles.llmservingsim_cost import LlmServingSimCost, llmservingsim_step_ns
from hwmodel.serving.profiles.reach import Reach, reach_of, refuse_beyond
from hwmodel.serving.profiles.read import ProfileCost, read_profile
from hwmodel.serving.profiles.vidur import read_vidur
from hwmodel.serving.profiles.vidur_cost import VidurCost, vidur_step_ns

__all__ = [
    "LlmServingSimCost",
    "ProfileChoice",
    "ProfileCost",
    "Reach",
    "VidurCost",
    "llmservingsim_step_ns",
    "reach_of",
    "read_llmservingsim",
    "read_profile",
    "read_vidur",
    "refuse_beyond",
    "vidur_step_ns",
]
