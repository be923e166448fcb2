"""Designs timed by class against each design timed by itself."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import DesignTable, load_catalog
from hwmodel.catalog.llm import Deployment
from hwmodel.kernels import StepStates
from hwmodel.serving import DesignClasses, KernelGroup, StepTimer, decode_states, group_times, prefill_states
from tests.hwmodel.serving.chips import h100

TOKENS = np.array([1.0, 16.0, 300.0, 4096.0])
STATES: dict[KernelGroup, StepStates] = {
    KernelGroup.TOKENS: decode_states(TOKENS, np.full_like(TOKENS, 32.0)),
    KernelGroup.ROWS: decode_states(TOKENS[:3], np.full(3, 32.0)),
    KernelGroup.DECODE: decode_states(TOKENS[:3], np.full(3, 5000.0)),
    KernelGroup.PREFILL: prefill_states(TOKENS, np.full_like(TOKENS, 900.0)),
}


def variants() -> DesignTable:
    """Chips that share some of what times depend on and differ in the rest."""
    base = h100()
    changes: list[dict[str, float | str]] = [
        {},
        {"launch_latency_s": 1.1e-6},
        {"collective_latency_s": 1.3e-6},
        {"link_bytes_per_s": 9e11, "fabric": "torus"},
        {"hbm_stack_bytes": 24e9},
        {"hbm_stack_bytes_per_s": 1e12, "launch_latency_s": 1.1e-6},
        {"hbm_stacks_count": 10.0, "hbm_stack_bytes_per_s": base.hbm_stack_bytes_per_s / 2.0},
        {"cores_count": 96.0, "tdp_w": 500.0},
        {"exponent_per_clk": 32.0},
    ]
    return DesignTable.of([replace(base, **change) for change in changes])  # type: ignore[arg-type]


def timer_of(llm: str, tp_count: int) -> StepTimer:
    return StepTimer(designs=variants(), llm=load_catalog().llm(llm), deployment=Deployment(tp_count=tp_count))


@pytest.mark.parametrize("group", list(KernelGroup))
@pytest.mark.parametrize(("llm", "tp_count"), [("gpt-oss-120b", 1), ("gpt-oss-120b", 8), ("deepseek-v3", 8)])
def test_times_by_class_are_those_of_every_design_by_itself(llm: str, tp_count: int, group: KernelGroup) -> None:
    timer = timer_of(llm, tp_count)
    classes = DesignClasses.of(timer.designs)
    found = group_times(timer, classes, group, STATES[group]).of(classes)
    assert found == pytest.approx(timer.group_ns(group, STATES[group]), rel=1e-12)


def test_only_what_a_kernel_reads_makes_a_class() -> None:
    """Launch, collectives, links and bytes of memory make none; ten stacks at half the rate are as five."""
    classes = DesignClasses.of(variants())
    assert classes.own_row.tolist()[:5] == [classes.own_row[0]] * 5
    assert classes.own_row[6] == classes.own_row[0]
    assert len(classes.own) == 4
    assert len(classes.links) == 4


def test_classes_of_some_designs_leave_the_others_out() -> None:
    timer = timer_of("gpt-oss-120b", 2)
    chosen = np.array([7, 1])
    classes = DesignClasses.of(timer.designs).take(chosen)
    assert len(classes.own) == 2
    group = KernelGroup.TOKENS
    found = group_times(timer, classes, group, STATES[group]).of(classes)
    assert found == pytest.approx(timer.group_ns(group, STATES[group])[chosen], rel=1e-12)
