"""How close a synthetic trace is to a real one: distances, curves and a queue, with the noise of the trace itself."""

from telemetry_sim.fidelity.dispersion import dispersion_index
from telemetry_sim.fidelity.families import family_codes, one_session_per_family
from telemetry_sim.fidelity.judge import judge
from telemetry_sim.fidelity.judge_rates import judge_rates
from telemetry_sim.fidelity.measures import Fidelity, Measure, Overlay
from telemetry_sim.fidelity.prefix import PrefixCurve, prefix_curve
from telemetry_sim.fidelity.samples import TITLES, samples_of

__all__ = [
    "TITLES",
    "Fidelity",
    "Measure",
    "Overlay",
    "PrefixCurve",
    "dispersion_index",
    "family_codes",
    "judge",
    "judge_rates",
    "one_session_per_family",
    "prefix_curve",
    "samples_of",
]
