"""Invented frames of risks, supply, developers and projects for tests of the report."""

import polars as pl


def risks() -> pl.DataFrame:
    rows = [
        ("claims miss", "efficiency of every improved part", "% below its claim", 0.0, 60.0, 0.19, -0.21, 27.4),
        ("software immature", "kernels slower at the start", "x", 1.0, 3.0, 0.19, 0.02, None),
        (
            "architecture mismatch",
            "traffic that moves to dense: llama-3.1-8b",
            "% of calls",
            0.0,
            100.0,
            0.19,
            0.11,
            None,
        ),
        ("deployment friction", "delay beyond plan", "months", 0.0, 36.0, 0.19, -0.46, 7.9),
        ("cost opacity", "all-in cost of the new chip alone", "x", 1.0, 2.2, 0.19, -0.45, 1.19),
    ]
    names = ("risk", "what", "unit", "low", "high", "gain_today_ratio", "gain_at_high_ratio", "flips_at")
    return pl.DataFrame([dict(zip(names, row, strict=True)) | {"basis": "closed form; range assumed"} for row in rows])


def supply() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "cap": ["power", "dollars"],
            "cap_ratio": [0.9, 0.9],
            "mix": ["6 HBM stacks 80%, b200-sxm 20%", "6 HBM stacks 90%"],
            "served_ratio": [1.0, 0.9],
            "value_usd_per_h": [2100.0, 1890.0],
            "flips_below": [0.62, None],
            "flips_above": [None, 1.2],
        }
    )


def developers() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "design": ["h100-sxm", "6 HBM stacks"],
            **{f"ttft_p{p}_s": [0.31 * n, 0.29 * n] for n, p in enumerate((50, 95, 99), start=1)},
            **{f"tpot_p{p}_s": [0.012 * n, 0.011 * n] for n, p in enumerate((50, 95, 99), start=1)},
            "met_ratio": [0.957, 0.961],
            "burst_met_ratio": [0.71, 0.78],
            "usd_per_mtoken": [1.94, 1.62],
            "agent_steps_per_h": [310.0, float("nan")],
        }
    )


def projects() -> pl.DataFrame:
    spans = {"nre_usd": (3e7, 1.5e8, 4e8), "months": (12.0, 18.0, 24.0), "break_even": (4e3, 2.4e4, 9e4)}
    ends = ("low", "typical", "high")
    return pl.DataFrame(
        [
            {"design": "6 HBM stacks", "depth": "die"}
            | {f"{name}_{end}": value for name, span in spans.items() for end, value in zip(ends, span, strict=True)}
            | {
                "fleet_chips_count": 1240.0,
                "saving_usd_per_chip_life": 6100.0,
                "value_usd_per_h": 2100.0,
                "gain_ratio": 0.19,
                "months_of_market": 7.96,
            }
        ]
    )
