"""Step costs out of measured kernel profiles: layouts of Vidur and LLMServingSim."""

from hwmodel.serving.profiles.llmservingsim import ProfileChoice, read_llmservingsim
from hwmodel.serving.profiles.llmservingsim_cost import LlmServingSimCost, llmservingsim_step_ns
from hwmodel.serving.profiles.step_time import ProfileCost, profile_step_ns
from hwmodel.serving.profiles.vidur import read_vidur
from hwmodel.serving.profiles.vidur_cost import VidurCost, vidur_step_ns

__all__ = [
    "LlmServingSimCost",
    "ProfileChoice",
    "ProfileCost",
    "VidurCost",
    "llmservingsim_step_ns",
    "profile_step_ns",
    "read_llmservingsim",
    "read_vidur",
    "vidur_step_ns",
]
