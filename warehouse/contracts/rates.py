"""Contracts of traffic told as rates: what clients of a service sent per window, where no single call was published."""

import dataframely as dy

GAP_LAWS = ("gamma", "weibull")
"""Laws of the time between arrivals that a window can name."""


class ClientWindows(dy.Schema):
    """One row per client and window: how many requests came, and how unevenly. A silent window has rate 0."""

    client_id = dy.String(primary_key=True)
    window_start_s = dy.Float64(primary_key=True, min=0.0)
    """Seconds since the trace began."""
    window_s = dy.Float64(min=1.0)
    """Length of the window."""
    rate_per_s = dy.Float64(min=0.0)
    gap_cv_ratio = dy.Float64(min=0.0, nullable=True)
    """Standard deviation of the time between arrivals over its mean; null where the window is silent."""
    gap_law = dy.Enum(GAP_LAWS, nullable=True)
    gap_shape_ratio = dy.Float64(min=0.0, nullable=True)
    gap_scale_s = dy.Float64(min=0.0, nullable=True)
    model = dy.String(nullable=True)
    source_id = dy.String()


class ClientLengths(dy.Schema):
    """Histogram of a client's lengths in a span of time, one row per bin: probabilities of a group sum to 1."""

    client_id = dy.String(primary_key=True)
    window_start_s = dy.Float64(primary_key=True, min=0.0)
    field = dy.String(primary_key=True)
    """input_tokens, output_tokens, reason_ratio, text_tokens, image_tokens, image_count, ..."""
    amount_count = dy.Float64(primary_key=True)
    """What the bin stands for, in the unit of the field: tokens, pictures, or a share."""
    probability_ratio = dy.Float64(min=0.0, max=1.0)
    model = dy.String(nullable=True)
    source_id = dy.String()
