"""Who the clients of a surface are: stream, rate, region, tenant, tier, plan and lengths of each, day after day."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtri

from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.parameters import Volume
from telemetry_sim.streams import Keys, child_keys, root_key, uniforms
from warehouse.contracts import Surface

CLIENT_STREAM = 1
"""What hangs under (seed, surface): crowds have 2, sessions 3."""
TRAITS, STARTS = 0, 1
"""What hangs under a client's stream: its traits, and when its sessions start."""
REGION, TIER, TENANT, PAID = 0, 1, 2, 3
"""Numbers of the draws of a client's traits."""
STEPS = (0.6180339887498949, 0.7548776662466927, 0.5698402909980532)
"""Steps of three additive recurrences (golden and plastic numbers): evenly spread and unrelated."""
SHIFT_RATIO = 0.2
"""Seeds move the largest client by up to a tenth of the distribution either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Columns over the clients of a surface; the place in them is the client's number."""

    key: Keys
    """Stream of each client: hangs under seed and surface."""
    rate_ratio: Floats
    """Share of the surface's sessions; sums to 1."""
    region: Ints
    tenant: Ints
    tier: Ints
    paid: Bools
    system_normal: Floats
    """How long this client's system prompt is among the clients', as a standard normal."""
    input_normal: Floats
    """The same of its median message."""
    output_normal: Floats
    """The same of its median answer."""
    client_ids: pl.Series


def surface_number(surface: Surface) -> int:
    """Place of a surface in the vocabulary, used as part of the random seed."""
    return list(Surface).index(surface)


def make_clients(seed: int, surface: Surface, volume: Volume, sessions_per_day: float) -> Clients:
    """The clients of a surface.

    Args:
        seed: Root seed.
        surface: Whose clients.
        volume: Parameters of the surface.
        sessions_per_day: Expected sessions of a working day; decides how many clients there are.

    Returns:
        Clients with skewed rates, and region, tier and plan drawn by the declared shares. Rates are scaled by
        region to the declared shares of load, so that one large client does not decide where the sun is up.
    """
    count = max(16, math.ceil(sessions_per_day / volume.sessions_per_client_per_day_count))
    root = root_key(seed, surface_number(surface), CLIENT_STREAM)
    key = child_keys(root, np.arange(count))
    traits = child_keys(key, TRAITS)
    region = _drawn_place(traits, REGION, volume.region_share_ratio)
    tenant_count = max(4, math.ceil(count / volume.clients_per_tenant_count))
    tenant = (uniforms(traits, TENANT) ** 2 * tenant_count).astype(np.int64)
    if volume.clients_per_tenant_count <= 1.0:
        tenant = np.arange(count, dtype=np.int64)
    system, message, answer = _spread_normals(root, count)
    return Clients(
        key=key,
        rate_ratio=_balanced(_rank_weights(volume, count), region, np.asarray(volume.region_share_ratio)),
        region=region,
        tenant=tenant,
        tier=_drawn_place(traits, TIER, volume.tier_share_ratio),
        paid=uniforms(traits, PAID) < volume.paid_ratio,
        system_normal=system,
        input_normal=message,
        output_normal=answer,
        client_ids=_hashed_ids(seed, surface, count),
    )


def _drawn_place(traits: Keys, draw: int, share_ratio: tuple[float, ...]) -> Ints:
    """A place in the shares, drawn by them."""
    place = np.searchsorted(np.cumsum(share_ratio), uniforms(traits, draw), side="right")
    return np.minimum(place, len(share_ratio) - 1).astype(np.int64)


def _spread_normals(root: np.uint64, count: int) -> tuple[Floats, ...]:
    """Three unrelated standard normals per client, evenly spread over the ranks.

    A few large clients make most of the traffic, so normals follow an additive recurrence over ranks from near the
    median of the largest: the mix as a whole then keeps the declared medians whatever the seed.
    """
    shifts = (uniforms(root, np.arange(len(STEPS))) - 0.5) * SHIFT_RATIO
    rank = np.arange(count)
    places = [(0.5 + shift + rank * step) % 1.0 for shift, step in zip(shifts, STEPS, strict=True)]
    return tuple(np.asarray(ndtri(np.maximum(place, 1e-12)), dtype=np.float64) for place in places)


def _rank_weights(volume: Volume, count: int) -> Floats:
    """Rates by rank: a power law whose tail falls off, as the clients of ServeGen do (largest gap of shares 0.04)."""
    rank = np.arange(1, count + 1, dtype=np.float64)
    falloff = np.exp(-volume.client_falloff_ratio * rank / count)
    return np.asarray(rank**-volume.client_zipf_exponent_ratio * falloff, dtype=np.float64)


def _balanced(weight: Floats, region: Ints, share_ratio: Floats) -> Floats:
    """Weights scaled so that each region that has clients gets its declared share of load; sums to 1."""
    by_region = np.bincount(region, weights=weight, minlength=len(share_ratio))
    scale = np.divide(share_ratio, by_region, out=np.zeros_like(by_region), where=by_region > 0.0)
    scaled = weight * scale[region]
    return np.asarray(scaled / scaled.sum(), dtype=np.float64)


def _hashed_ids(seed: int, surface: Surface, count: int) -> pl.Series:
    """16 hex digits per client from an extendable hash of seed and surface."""
    digits = hashlib.shake_256(f"client:{seed}:{surface.value}".encode()).hexdigest(8 * count)
    return pl.Series("client_id", [digits[16 * k : 16 * k + 16] for k in range(count)], dtype=pl.String)


def blended(client_normal: Floats, own_normal: Floats, share_ratio: float) -> Floats:
    """Standard normals of lengths of which `share_ratio` of the variance belongs to the client, the rest to the draw.

    The law over all clients stays what it was; the lengths of one client lie near a median of its own.
    """
    return np.asarray(np.sqrt(share_ratio) * client_normal + np.sqrt(1.0 - share_ratio) * own_normal, dtype=np.float64)
