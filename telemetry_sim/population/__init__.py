"""Who uses a surface and when: clients, their rates and arrivals, crowds, windows, trends over days."""

from telemetry_sim.population.arrivals import REGIONS, DayLoad, Region, Starts, draw_starts
from telemetry_sim.population.clients import Clients, make_clients
from telemetry_sim.population.crowds import FlashCrowd, crowd_load, drawn_crowds
from telemetry_sim.population.trends import Drift, mix_ratios, volume_ratio

__all__ = [
    "REGIONS",
    "Clients",
    "DayLoad",
    "Drift",
    "FlashCrowd",
    "Region",
    "Starts",
    "crowd_load",
    "draw_starts",
    "drawn_crowds",
    "make_clients",
    "mix_ratios",
    "volume_ratio",
]
