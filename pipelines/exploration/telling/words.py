"""The report's plain words: the headline and the doubts."""

import polars as pl

from pipelines.exploration.findings import Findings
from pipelines.exploration.trust import TODAY
from pipelines.report import RecommendationView, RunFacts


def headline(run: RunFacts, findings: Findings) -> tuple[str, ...]:
    """What to change, what it buys, how sure, what would overturn it."""
    found = [view for view in findings.recommendations if view.recommended]
    if not found:
        return (_nothing(run, findings), _searched(findings))
    return (_best(run, found[0]), _sure(found[0]), found[0].why[0], _overturned(findings), _searched(findings))


def doubts(findings: Findings) -> tuple[str, ...]:
    """What is not modelled or not known."""
    unservable = int(findings.service.unique("llm")["unservable_count"].sum()) if len(findings.service) else 0
    told = [
        (
            "Time of a kernel is a closed form whose constants were fitted on measured kernels of A100, H100, H200, "
            "B200 and L40S. The silicon interval of a recommendation is calibrated on speed-ups between such chips, "
            "the later one left out; what a change of links or latencies does to it is assumed."
        ),
        (
            "The replay follows vLLM's scheduler step by step, preemption and prefix cache included; what other "
            "engines do, and time that a host takes beside the chip, differ from it (scoville bench serving-accuracy)."
        ),
        (
            "Training designs are replayed on a sample of the peak window, finalists on all of it: a part of the "
            "difference between predicted and re-evaluated is that sample."
        ),
        (
            "Limits, values, shares paid and patience are product decisions, assumed in one file; the table of "
            "what-ifs says whether they decide."
        ),
        "Vision encoders, speculative decoding, prefill/decode disaggregation and host-memory KV are not modelled.",
        "Engineering cost (NRE) and time to silicon are not in the cost of a chip.",
    ]
    if unservable:
        told.append(
            f"{unservable:,} calls of the peak window exceed the context of the LLM that serves their surface; they "
            "are counted as unservable, not clipped, and no chip change helps them."
        )
    return tuple(told)


def _best(run: RunFacts, view: RecommendationView) -> str:
    gain = view.reevaluated_gain or 0.0
    return (
        f"Change {run.baseline} to {view.title}: {gain:+.0%} value per dollar for this demand in the full replay "
        f"(predicted {view.predicted_gain.mid:+.0%})."
    )


def _sure(view: RecommendationView) -> str:
    return (
        f"With the chip model's own error the gain lies between {view.silicon_gain.low:+.0%} and "
        f"{view.silicon_gain.high:+.0%} (90 %); it excludes no gain. Evidence: {view.evidence}."
    )


def _overturned(findings: Findings) -> str:
    what_ifs = findings.robustness.filter(pl.col("scenario") != TODAY)
    changed = what_ifs.filter("changed")["scenario"].to_list()
    if not changed:
        return f"The winner stays the same in all {len(what_ifs)} what-ifs on values and patience."
    return f"The winner changes in {len(changed)} of {len(what_ifs)} what-ifs: {', '.join(changed)}."


def _nothing(run: RunFacts, findings: Findings) -> str:
    best = findings.recommendations[0] if findings.recommendations else None
    tail = f"; the best of them, {best.title}, does not exclude no gain" if best else ""
    return f"No change of {run.baseline} is recommended for this demand{tail}."


def _searched(findings: Findings) -> str:
    return (
        f"{findings.space_count:,} design points were considered, {findings.scored_count:,} feasible ones scored in "
        f"closed form, {findings.replayed_count} replayed."
    )
