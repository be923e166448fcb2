"""Supplier mix: which lanes serve the demand under caps on power, money and the share of one supplier."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import linprog

from hwmodel.design.evaluate import Evaluation
from hwmodel.design.risk.stress import flip_point

Shares = Float[np.ndarray, "fleets"]
LEAST_SHARE = 0.5
"""Share of what is served below which a chip is no longer the one that the mix is built on."""
CAP_LOW, CAP, CAP_HIGH = 0.3, 0.9, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MixRow:
    """The best mix under one cap."""

    cap: str
    """What is capped."""
    cap_ratio: float
    """Cap over what the recommended fleet takes to serve everything."""
    shares: Mapping[str, float]
    """Share of the demand that each chip serves."""
    served_ratio: float
    """Of the demand."""
    value_usd_per_h: float
    flips_below: float | None
    """Cap, as a ratio, below which the recommended chip serves less than half of what is served; None where never."""
    flips_above: float | None
    """The same above: where power and money abound, the chip that serves most is taken, whatever it takes."""


def best_mix(fleets: Sequence[Evaluation], *, power_w: float, usd_per_h: float, most_share: float = 1.0) -> Shares:
    """Shares of the demand that maximise value served under caps, by linear programming; one entry per fleet.

    A cent of value per dollar spent is taken off, so that of two fleets that serve the same the cheaper is taken.
    """
    value = np.array([f.value_usd_per_h - 0.01 * f.tco_usd_per_h for f in fleets])
    takes = np.array([[1.0] * len(fleets), [f.power_w for f in fleets], [f.tco_usd_per_h for f in fleets]])
    found = linprog(-value, A_ub=takes, b_ub=[1.0, power_w, usd_per_h], bounds=[(0.0, most_share)] * len(fleets))
    return np.asarray(found.x, dtype=np.float64)


def supplier_mix(recommended: Evaluation, others: Sequence[Evaluation], *, most_share: float) -> list[MixRow]:
    """The mix at nine tenths of the recommended fleet's power and of its money, and with one supplier capped."""
    fleets = [recommended, *others]
    power, usd = recommended.power_w, recommended.tco_usd_per_h
    free = 10.0 * max(max(f.power_w, f.tco_usd_per_h) for f in fleets)
    plans: dict[str, Callable[[float], Shares]] = {
        "power": lambda ratio: best_mix(fleets, power_w=ratio * power, usd_per_h=free),
        "dollars": lambda ratio: best_mix(fleets, power_w=free, usd_per_h=ratio * usd),
        "power and one supplier": lambda ratio: best_mix(
            fleets, power_w=ratio * power, usd_per_h=free, most_share=most_share
        ),
    }
    rows = []
    for cap, plan in plans.items():
        shares = plan(CAP)
        less, more = _flips(plan)
        rows.append(
            MixRow(
                cap=cap,
                cap_ratio=CAP,
                shares={f.design.name: float(s) for f, s in zip(fleets, shares, strict=True) if s > 1e-6},
                served_ratio=float(shares.sum()),
                value_usd_per_h=float(sum(s * f.value_usd_per_h for s, f in zip(shares, fleets, strict=True))),
                flips_below=less,
                flips_above=more,
            )
        )
    return rows


def _flips(plan: Callable[[float], Shares]) -> tuple[float | None, float | None]:
    """Caps below and above which the first chip is not most of the mix any more."""
    less = flip_point(lambda gone: _lead(plan(CAP - gone)), 0.0, CAP - CAP_LOW)
    more = flip_point(lambda added: _lead(plan(CAP + added)), 0.0, CAP_HIGH - CAP)
    return None if less is None else CAP - less, None if more is None else CAP + more


def _lead(shares: Shares) -> float:
    """The first chip's share of what is served over `LEAST_SHARE`."""
    return float(shares[0] / max(shares.sum(), 1e-12) / LEAST_SHARE)
