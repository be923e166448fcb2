"""Benchmarks that `scoville bench` runs: each a ratio or a rate against a limit or a rival in the same process."""

from pipelines.bench.rows import BenchRow
from pipelines.bench.suites import SUITES, run_suite

__all__ = ["SUITES", "BenchRow", "run_suite"]
