"""Fitted surfaces: laws of a few numbers that stand for a trace, and what is drawn from them."""

from telemetry_sim.fitted.arrivals import ArrivalFamily, ArrivalLaw, GapLaw, law_from_dict, law_to_dict
from telemetry_sim.fitted.arrivals_draw import draw_arrivals
from telemetry_sim.fitted.client_rates import ClientRateLaw, rates_from_dict, rates_to_dict
from telemetry_sim.fitted.client_rates_draw import simulate_client_windows
from telemetry_sim.fitted.files import load_fitted, save_fitted
from telemetry_sim.fitted.generate import simulate_fitted
from telemetry_sim.fitted.mixture import Component, ComponentKind, MixtureLaw
from telemetry_sim.fitted.surface import Driver, FittedSurface, Provenance

__all__ = [
    "ArrivalFamily",
    "ArrivalLaw",
    "ClientRateLaw",
    "Component",
    "ComponentKind",
    "Driver",
    "FittedSurface",
    "GapLaw",
    "MixtureLaw",
    "Provenance",
    "draw_arrivals",
    "law_from_dict",
    "law_to_dict",
    "load_fitted",
    "rates_from_dict",
    "rates_to_dict",
    "save_fitted",
    "simulate_client_windows",
    "simulate_fitted",
]
