"""Fitting laws to a trace: families chosen by likelihood with a penalty, then held against simulated moments."""

from telemetry_sim.fit.arrivals import fit_arrivals

__all__ = ["fit_arrivals"]
