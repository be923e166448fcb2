"""Parameters of stateless requests of tenants."""

from dataclasses import dataclass

from telemetry_sim.laws import TokenLaw, bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiBurst:
    """Stateless requests of tenants: bursts, a system prompt per tenant, a rate limit with back-off."""

    tenant_system: TokenLaw
    tenant_message: TokenLaw
    """Median message of a tenant, over tenants."""
    tenant_answer: TokenLaw
    """Median answer of a tenant, over tenants."""
    message_sigma_ratio: float = bounded(0.0, 4.0)
    answer_sigma_ratio: float = bounded(0.0, 4.0)
    limit_ratio: float = bounded(1.0, 1e4)
    """Rate limit of a tenant over its mean rate."""
    limit_floor_per_s: float = bounded(1e-4, 1e4)
    """No tenant's limit is below this."""
    burst_s: float = bounded(0.1, 3600.0)
    """Quota that a tenant can save up."""
    backoff_s: float = bounded(0.01, 600.0)
    """First back-off; doubled with each attempt."""
    max_attempt_count: int = bounded(1, 12)
    reject_s: float = bounded(0.001, 10.0)
    """Duration of a refused call."""
