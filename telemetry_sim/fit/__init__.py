"""Fitting laws to a trace: families chosen by likelihood with a penalty, then held against simulated moments."""

from telemetry_sim.fit.arrivals import fit_arrivals
from telemetry_sim.fit.client_rates import fit_client_rates
from telemetry_sim.fit.mixture_fit import fit_law
from telemetry_sim.fit.surface_fit import fit_surface

__all__ = ["fit_arrivals", "fit_client_rates", "fit_law", "fit_surface"]
