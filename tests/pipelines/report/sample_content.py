"""A rich, plausible report content for tests and for looking at the page; every number is invented."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from featurize import cache_life_curve
from pipelines.report.content import ReportContent, RunFacts
from tests.pipelines.report import sample_chips as chips
from tests.pipelines.report import sample_history as history
from tests.pipelines.report.sample_designs import calibration, designs, recommendations, robustness
from tests.pipelines.report.sample_explanation import empty_explanation, explanation
from warehouse.contracts import SURFACES, AbandonmentCurve, ContextGrowth, KernelHotspots, StallProfile, WaitProfile

DAYS = (date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3))
GPT, QWEN = "gpt-oss-120b", "qwen3-next-80b-a3b"

_KERNELS: tuple[tuple[str, str, str, str, float, float, float], ...] = (
    # name, family, binding, phase, share of time, flop per byte, time over bound
    ("moe_gemm_up", "moe_gemm", "hbm", "decode", 0.24, 6.0, 1.32),
    ("attention_decode", "attention_decode", "hbm", "decode", 0.19, 14.0, 1.41),
    ("moe_gemm_down", "moe_gemm", "hbm", "decode", 0.12, 6.4, 1.35),
    ("attention_prefill", "attention_prefill", "exponent", "prefill", 0.10, 760.0, 1.9),
    ("moe_gemm_prefill", "moe_gemm", "matrix", "prefill", 0.08, 520.0, 1.55),
    ("qkv_gemm", "gemm", "hbm", "decode", 0.06, 42.0, 1.28),
    ("o_gemm", "gemm", "hbm", "decode", 0.045, 38.0, 1.3),
    ("all_reduce", "collective", "latency", "decode", 0.05, 0.0, 3.4),
    ("all_to_all_dispatch", "collective", "link", "decode", 0.03, 0.0, 1.8),
    ("rms_norm", "vector", "latency", "decode", 0.025, 1.1, 4.1),
    ("router_topk", "vector", "latency", "decode", 0.02, 2.2, 5.0),
    ("rotary", "vector", "l2", "decode", 0.015, 1.6, 2.2),
    ("kv_write", "kv_write", "hbm", "prefill", 0.012, 0.0, 1.6),
    ("lm_head_gemm", "gemm", "hbm", "decode", 0.03, 30.0, 1.25),
    ("sampling", "sampling", "latency", "decode", 0.018, 0.8, 6.0),
    ("host_step", "host", "latency", "decode", 0.02, 0.0, 1.0),
)
_SURFACE_WEIGHT = (0.41, 0.17, 0.16, 0.07, 0.11, 0.08)


def sample_content() -> ReportContent:
    """The whole page filled."""
    rng = np.random.default_rng(7)
    return ReportContent(
        run=run_facts(),
        headline=(
            "Add a sixth HBM stack and grow the L2 to 96 MB: the same offered demand is served for 19 % less money.",
            "Coding loops cause 41 % of the bill, and 58 % of their busy time is bound by HBM bandwidth in decode.",
            "The gain holds in 7 of 8 scenarios; it would vanish if an HBM stack cost more than 2.4 times today's price.",
        ),
        card=_card(),
        load=_load(rng),
        waits=_waits(rng),
        stalls=_stalls(rng),
        abandonment=_abandonment(),
        thresholds=history.thresholds(),
        growth=_growth(),
        context_trend=history.context_trend(),
        drift=history.drift(),
        emerging=history.emerging(),
        forecast=history.forecast(),
        reuse=history.reuse(),
        cache_life=cache_life_curve(history.reuse().lazy()).collect(),
        lacking={},
        hotspots=_hotspots(rng),
        roofs=pl.DataFrame(
            {
                "roof": ["bf16 matrix", "fp8 matrix", "vector", "HBM3", "L2"],
                "flop_per_s": [989e12, 1979e12, 67e12, None, None],
                "bytes_per_s": [None, None, None, 3.35e12, 11.0e12],
            }
        ),
        service=_service(),
        fleet=pl.DataFrame(
            {
                "llm": [GPT, QWEN],
                "tp_count": [2, 4],
                "replicas_count": [37, 21],
                "chips_count": [74.0, 84.0],
                "utilisation_ratio": [0.71, 0.64],
                "tco_usd_per_h": [171.7, 194.9],
                "power_w": [77_300.0, 87_900.0],
            }
        ),
        designs=designs(rng),
        recommendations=recommendations(),
        calibration=calibration(rng),
        robustness=robustness(),
        refused=pl.DataFrame(
            {
                "name": ["wse-3", "jalapeno", "gb300-nvl72"],
                "lane": ["cerebras", "jalapeno+broadcom", "nvidia"],
                "reason": [
                    "no published price, and module cost is needed for dollars; rerun with --allow-estimates",
                    "HBM bandwidth is only an estimate (source: press); drawn with its range, never recommended",
                    "rack power of the liquid-cooled variant is null in the catalogue",
                ],
            }
        ),
        evidence=_evidence(),
        generations=history.generations(),
        generation_surfaces=history.generation_surfaces(),
        explanation=explanation(),
        interactivity=chips.interactivity(),
        chip_errors=chips.chip_errors(),
        decisions=chips.decisions(),
        doubts=(
            "The chip model was calibrated on one vendor's kernels; the ratio to other vendors is an extrapolation.",
            "Prices of HBM stacks are assumed; the range 0.5 to 2 times is in the robustness table.",
            "Expert imbalance is taken as uniform; skewed routing would raise the link share.",
        ),
    )


def run_facts() -> RunFacts:
    """Facts of the sample run."""
    return RunFacts(
        run_id="2026-11-03-7f3a",
        dataset="synthetic",
        source="seed 7",
        baseline="h100-sxm",
        llms=(GPT, QWEN),
        days=DAYS,
        call_count=214_806,
        code_version="9e5ca13",
        snapshots={"demand_calls": 812345678901234567, "model_calls": 298765432109876543},
        made_at="2026-11-04 02:10 UTC",
    )


def empty_content() -> ReportContent:
    """A real trace that tells nothing but sizes: every frame has its columns and no row."""
    full = sample_content()
    frames: dict[str, Any] = {
        name: getattr(full, name).clear() for name in full.__slots__ if isinstance(getattr(full, name), pl.DataFrame)
    }
    run = replace(full.run, dataset="azure-conv", source="azure:conv.csv", snapshots={})
    lacking = dict.fromkeys(("context_trend", "workload_drift", "emerging_workloads"), "there is no day")
    frames["explanation"] = empty_explanation()
    return replace(full, **frames, run=run, recommendations=(), headline=(), doubts=(), decisions=(), lacking=lacking)


def _card() -> pl.DataFrame:
    sizes: tuple[tuple[float, ...], ...] = (
        (41e3, 118e3, 262e3, 310.0, 1900.0, 7200.0),
        (58e3, 121e3, 128e3, 420.0, 1300.0, 3900.0),
    )
    sizes += ((1.1e3, 6.2e3, 24e3, 96.0, 610.0, 2100.0), (2.9e3, 7.7e3, 15e3, 230.0, 720.0, 1600.0))
    sizes += ((0.9e3, 3.8e3, 11e3, 88.0, 340.0, 1100.0), (33e3, 96e3, 190e3, 280.0, 2200.0, 9100.0))
    rows = [
        {
            "surface": surface,
            "calls": int(214_806 * weight),
            "sessions": int(21_000 * weight),
            "call_share_ratio": weight,
            **dict(
                zip(
                    (f"{side}_{p}_tokens" for side in ("input", "output") for p in ("p50", "p90", "p99")),
                    size,
                    strict=True,
                )
            ),
            "shared_ratio": 0.96 - 0.13 * index,
            "calls_per_session_p50_count": (38.0, 6.0, 1.0, 3.0, 4.0, 112.0)[index],
            "ttft_p50_s": (0.84, 1.9, 0.21, 0.62, 0.18, 1.1)[index],
            "ttft_p95_s": (3.1, 7.4, 1.2, 2.2, 0.71, 6.2)[index],
            "cut_ratio": (0.031, 0.024, 0.008, 0.019, 0.012, 0.041)[index],
        }
        for index, (surface, weight, size) in enumerate(zip(SURFACES, _SURFACE_WEIGHT, sizes, strict=True))
    ]
    total = {**rows[0], "surface": "all", "calls": 214_806, "sessions": 21_000, "call_share_ratio": 1.0}
    return pl.DataFrame([*rows, total])


def _load(rng: np.random.Generator) -> pl.DataFrame:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    rows = []
    for hour in range(72):
        for surface, weight in zip(SURFACES, _SURFACE_WEIGHT, strict=True):
            daily = 1.0 + 0.6 * np.sin((hour % 24 - 9) / 24 * 2 * np.pi)
            count = int(214_806 / 72 * weight * daily * rng.uniform(0.85, 1.15))
            rows.append({"hour": start + timedelta(hours=hour), "surface": surface, "call_count": count})
    return pl.DataFrame(rows)


def _waits(rng: np.random.Generator) -> pl.DataFrame:
    shares: tuple[tuple[float, ...], ...] = (
        (0.03, 0.09, 0.41, 0.35, 0.12),
        (0.04, 0.22, 0.31, 0.0, 0.43),
        (0.12, 0.18, 0.70, 0.0, 0.0),
    )
    shares += ((0.05, 0.17, 0.33, 0.04, 0.41), (0.02, 0.05, 0.21, 0.06, 0.66), (0.06, 0.12, 0.38, 0.44, 0.0))
    rows = []
    for surface, split, weight in zip(SURFACES, shares, _SURFACE_WEIGHT, strict=True):
        for day in DAYS:
            for wait, share in zip(("queue", "prefill", "decode", "tool", "human"), split, strict=True):
                total = 3.6e5 * weight * share * rng.uniform(0.9, 1.1)
                rows.append(
                    {
                        "surface": surface,
                        "phase": "all",
                        "context_band": "all",
                        "wait": wait,
                        "day": day,
                        "call_count": int(70_000 * weight),
                        "total_s": total,
                        "p50_s": share * 6,
                        "p95_s": share * 31,
                    }
                )
    return WaitProfile.cast(pl.DataFrame(rows))


def _stalls(rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for surface in (SURFACES[0], SURFACES[5], SURFACES[2]):
        for day in DAYS:
            parts = rng.dirichlet((5.0, 7.0, 1.5, 2.5, 0.8))
            for cause, share in zip(("model", "tool", "queue", "cache_miss", "rate_limit"), parts, strict=True):
                rows.append(
                    {
                        "surface": surface,
                        "cause": cause,
                        "day": day,
                        "stall_count": int(900 * share),
                        "stalled_s": 4.1e4 * share,
                        "share_ratio": share,
                    }
                )
    return StallProfile.cast(pl.DataFrame(rows))


def _abandonment() -> pl.DataFrame:
    rows = []
    edges = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    for index, surface in enumerate(SURFACES):
        stays = 1.0
        for k, low in enumerate(edges):
            at_risk = int(5200 / 2.1**k / (1 + index * 0.3)) + 12
            hazard = min(0.9, 0.004 * (1 + 0.4 * index) * 1.9**k)
            left = int(hazard * at_risk)
            stays *= 1.0 - hazard
            half = 1.96 * float(np.sqrt(hazard * (1 - hazard) / at_risk)) + 2.0 / at_risk
            rows.append(
                {
                    "surface": surface,
                    "wait_low_s": low,
                    "wait_high_s": edges[k + 1] if k + 1 < len(edges) else None,
                    "day": DAYS[0],
                    "at_risk_count": at_risk,
                    "left_count": left,
                    "hazard_ratio": hazard,
                    "hazard_low_ratio": max(0.0, hazard - half),
                    "hazard_high_ratio": min(1.0, hazard + half),
                    "answered_count": at_risk // 2,
                    "left_waiting_count": left,
                    "survival_ratio": stays,
                    "survival_low_ratio": max(0.0, stays - half),
                    "survival_high_ratio": min(1.0, stays + half),
                    "leave_ratio": hazard,
                    "leave_low_ratio": max(0.0, hazard - half),
                    "leave_high_ratio": min(1.0, hazard + half),
                }
            )
    return AbandonmentCurve.cast(pl.DataFrame(rows))


def _growth() -> pl.DataFrame:
    bands = ("1", "2", "3-4", "5-8", "9-16", "17-32", "33-64", "65+")
    rows = []
    for index, surface in enumerate(SURFACES):
        reach = (8, 4, 1, 3, 4, 8)[index]
        for order, band in enumerate(bands[:reach]):
            mid = (14e3, 52e3, 1.2e3, 2.6e3, 0.7e3, 11e3)[index] * (1.38**order)
            rows.append(
                {
                    "surface": surface,
                    "step_band": band,
                    "step_order": order,
                    "day": DAYS[0],
                    "call_count": int(9000 / (order + 1)),
                    "input_p50_tokens": mid,
                    "input_p90_tokens": mid * 2.2,
                    "added_p50_tokens": mid * 0.05,
                    "added_p90_tokens": mid * 0.2,
                }
            )
    return ContextGrowth.cast(pl.DataFrame(rows))


def _hotspots(rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for llm, total_s in ((GPT, 1.0e6), (QWEN, 0.7e6)):
        for name, family, binding, phase, share, intensity, over in _KERNELS:
            for surface, weight in zip(SURFACES, _SURFACE_WEIGHT, strict=True):
                time_s = total_s * share * weight * rng.uniform(0.6, 1.4)
                attainable = min(989e12, intensity * 3.35e12) / over
                work = time_s * attainable if intensity else 0.0
                traffic = work / intensity if intensity else time_s * 3.35e12 / over * (family == "kv_write")
                rows.append(
                    {
                        "llm": llm,
                        "kernel": name,
                        "family": family,
                        "binding_resource": binding,
                        "surface": surface,
                        "phase": phase,
                        "time_s": time_s,
                        "energy_j": time_s * 620.0 * (0.6 if binding == "latency" else 1.0),
                        "cost_usd": time_s * 4.64 / 3600,
                        "work_flop": work,
                        "traffic_bytes": traffic,
                        "bound_s": time_s / over,
                    }
                )
    return KernelHotspots.cast(pl.DataFrame(rows))


def _service() -> pl.DataFrame:
    rows = []
    for index, surface in enumerate(SURFACES):
        for tier in ("interactive", "batch") if index in {0, 2, 5} else ("interactive",):
            slow = 6.0 if tier == "batch" else 1.0
            rows.append(
                {
                    "surface": surface,
                    "service_tier": tier,
                    "llm": QWEN if index in {0, 5} else GPT,
                    "calls": int(214_806 * _SURFACE_WEIGHT[index] * (0.3 if tier == "batch" else 0.7)),
                    "ttft_p50_s": 0.31 * slow * (1 + 0.2 * index),
                    "ttft_p95_s": 1.42 * slow,
                    "tpot_p50_s": 0.0123 * slow,
                    "tpot_p95_s": 0.0218 * slow,
                    "queue_ratio": 0.05 * (index + 1),
                    "prompt_ratio": 0.15,
                    "answer_ratio": 0.85 - 0.05 * (index + 1),
                    "attainment_ratio": 0.957 if index != 1 else 0.931,
                    "target_ratio": 0.95,
                    "unservable_count": 41 if index == 1 else 0,
                }
            )
    return pl.DataFrame(rows)


def _evidence() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "quantity": [
                "HBM bandwidth of h100-sxm",
                "HBM efficiency of decode attention",
                "4 nm wafer price",
                "energy per byte from HBM3",
                "patience of coding users",
            ],
            "value": [3.35e12, 0.86, 17_000.0, 3.1e-11, 41.0],
            "unit": ["bytes_per_s", "ratio", "usd", "J/B", "s"],
            "kind": ["published", "calibrated", "assumed", "measured", "assumed"],
            "source": ["vendor data sheet", "fit to 212 kernel times", "analyst notes", "board power sweep", "design"],
        }
    )
