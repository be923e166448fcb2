"""Who the clients of a surface are: rate, region, tenant, tier and plan of each, the same on every day."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from telemetry_sim.laws import Bools, Floats, Ints
from telemetry_sim.parameters import Volume
from warehouse.contracts import Surface

CLIENTS_PER_BLOCK = 16_384
"""Clients are generated in blocks of this many, each with random numbers of its own, so that memory stays bounded."""
CLIENT_STREAM = 1
DAY_STREAM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Columns over the clients of a surface; the place in them is the client's number."""

    rate_ratio: Floats
    """Share of the surface's sessions; sums to 1."""
    region: Ints
    tenant: Ints
    tier: Ints
    paid: Bools
    client_ids: pl.Series

    @property
    def block_count(self) -> int:
        """Number of blocks the clients are generated in."""
        return math.ceil(len(self.region) / CLIENTS_PER_BLOCK)

    def of_block(self, block: int) -> Ints:
        """Client numbers of a block: every block has heavy and light clients."""
        return np.arange(block, len(self.region), self.block_count, dtype=np.int64)


def surface_number(surface: Surface) -> int:
    """Place of a surface in the vocabulary, used as part of the random seed."""
    return list(Surface).index(surface)


def client_generator(seed: int, surface: Surface) -> np.random.Generator:
    """Random numbers of what stays the same from day to day."""
    return np.random.default_rng(np.random.SeedSequence((seed, CLIENT_STREAM, surface_number(surface))))


def block_generator(seed: int, surface: Surface, day_number: int, block: int) -> np.random.Generator:
    """Random numbers of one block of clients on one day."""
    entropy = (seed, DAY_STREAM, surface_number(surface), day_number, block)
    return np.random.default_rng(np.random.SeedSequence(entropy))


def make_clients(seed: int, surface: Surface, volume: Volume, sessions_per_day: float) -> Clients:
    """The clients of a surface.

    Args:
        seed: Root seed.
        surface: Whose clients.
        volume: Parameters of the surface.
        sessions_per_day: Expected sessions of a working day; decides how many clients there are.

    Returns:
        Clients with Zipf rates, and region, tier and plan drawn by the declared shares. Rates are scaled by
        region to the declared shares of load, so that one large client does not decide where the sun is up.
    """
    rng = client_generator(seed, surface)
    count = max(16, math.ceil(sessions_per_day / volume.sessions_per_client_per_day_count))
    rank_weight = np.arange(1, count + 1, dtype=np.float64) ** -volume.client_zipf_exponent_ratio
    shares = np.cumsum(volume.region_share_ratio)
    region = np.minimum(np.searchsorted(shares, rng.random(count), side="right"), len(shares) - 1)
    rate = _balanced(rank_weight, region, np.asarray(volume.region_share_ratio))
    tier_shares = np.cumsum(volume.tier_share_ratio)
    tier = np.minimum(np.searchsorted(tier_shares, rng.random(count), side="right"), len(tier_shares) - 1)
    tenant_count = max(4, math.ceil(count / volume.clients_per_tenant_count))
    tenant = (rng.random(count) ** 2 * tenant_count).astype(np.int64)
    if volume.clients_per_tenant_count <= 1.0:
        tenant = np.arange(count, dtype=np.int64)
    return Clients(
        rate_ratio=rate,
        region=region.astype(np.int64),
        tenant=tenant,
        tier=tier.astype(np.int64),
        paid=rng.random(count) < volume.paid_ratio,
        client_ids=_hashed_ids(seed, surface, count),
    )


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
