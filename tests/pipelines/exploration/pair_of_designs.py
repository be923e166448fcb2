"""A small real replay of two designs with their bills, made once for all tests."""

from dataclasses import dataclass, replace
from functools import cache

import polars as pl

from hwmodel.design import Evaluation, bill_of, evaluate
from tests.hwmodel.design.planted import Shape, h100, planted

TWO = (Shape(), Shape(surface="long_context_chat", sessions_per_s=1.0, input_tokens=6000, value_usd_per_mtoken=4.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    base: Evaluation
    before: pl.DataFrame
    faster: Evaluation
    after: pl.DataFrame


@cache
def small_pair() -> Pair:
    """A chip, and the same with twice the memory rate, both replayed on two surfaces."""
    scenario = planted(*TWO)
    design = replace(h100(), name="faster", hbm_stack_bytes_per_s=h100().hbm_stack_bytes_per_s * 2.0)
    base, faster = evaluate(h100(), scenario), evaluate(design, scenario)
    return Pair(base=base, before=bill_of(base)[0], faster=faster, after=bill_of(faster)[0])
