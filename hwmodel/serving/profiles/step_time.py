"""The time of a step whatever kind of profile its cost is from: by the type of the cost, in numba as in Python."""

from collections.abc import Callable
from typing import Any

from numba.extending import overload

from hwmodel.serving.profiles.llmservingsim_cost import LlmServingSimCost, llmservingsim_step_ns
from hwmodel.serving.profiles.vidur_cost import VidurCost, vidur_step_ns
from hwmodel.serving.step_features import StepFeatures

ProfileCost = VidurCost | LlmServingSimCost

_TIMES: dict[type, Callable[[Any, StepFeatures], int]] = {
    VidurCost: vidur_step_ns,
    LlmServingSimCost: llmservingsim_step_ns,
}


def profile_step_ns(cost: ProfileCost, step: StepFeatures) -> int:
    """Nanoseconds of a step.

    Raises:
        OutsideProfile: The step is larger than what was measured.
    """
    return int(_TIMES[type(cost)](cost, step))


@overload(profile_step_ns, strict=False)
def _typed_step_ns(cost: Any, step: Any) -> Callable[[Any, Any], int] | None:  # noqa: ARG001 - numba matches by name
    time = _TIMES.get(getattr(cost, "instance_class", object))
    if time is None:
        return None

    def typed(cost: Any, step: Any) -> int:
        return time(cost, step)

    return typed
