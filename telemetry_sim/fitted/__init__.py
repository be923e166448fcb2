"""Fitted surfaces: laws of a few numbers that stand for a trace, and what is drawn from them."""

from telemetry_sim.fitted.arrivals import ArrivalFamily, ArrivalLaw, GapLaw, law_from_dict, law_to_dict
from telemetry_sim.fitted.arrivals_draw import draw_arrivals

__all__ = ["ArrivalFamily", "ArrivalLaw", "GapLaw", "draw_arrivals", "law_from_dict", "law_to_dict"]
