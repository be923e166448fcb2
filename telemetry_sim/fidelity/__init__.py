"""How close a synthetic trace is to a real one: distances, curves and a queue, with the noise of the trace itself."""

from telemetry_sim.fidelity.dispersion import dispersion_index

__all__ = ["dispersion_index"]
