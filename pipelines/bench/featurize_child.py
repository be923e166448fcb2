"""One feature by one engine in a process of its own, so that its seconds and its memory are its own."""

# ruff: noqa: S608 - the file names and queries come from the suite, and the process reads nothing else

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl

import featurize
from pipelines.bench.featurize_sql import QUERIES

Frames = tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]

BY_DAY = frozenset({"demand_calls"})
"""Features that are made and written a day at a time, as their asset does."""

FEATURES: Mapping[str, Callable[[Frames], pl.LazyFrame]] = MappingProxyType(
    {
        "session_features": lambda f: featurize.session_features(f[0], f[1], f[2]),
        "wait_profile": lambda f: featurize.wait_profile(f[0], f[1]),
        "stall_profile": lambda f: featurize.stall_profile(f[0], f[1]),
        "abandonment_curve": lambda f: featurize.abandonment_curve(f[0], f[2]),
        "context_growth": lambda f: featurize.context_growth(f[0]),
        "workload_mix": lambda f: featurize.workload_mix(f[0]),
        "prefix_reuse": lambda f: featurize.prefix_reuse(f[0]),
        "demand_calls": lambda f: featurize.demand_calls(f[0], f[3], f[2]),
    }
)
"""Our function of each feature, on calls, tools, sessions and policy."""


def day_patterns(folder: Path, feature: str) -> list[str]:
    """Ends of the names of the files that are read together: all, or one day after another."""
    if feature not in BY_DAY:
        return ["*"]
    return sorted(path.stem.removeprefix("calls-") for path in folder.glob("calls-*.parquet"))


def run_ours(feature: str, folder: Path, out: Path, days: str) -> None:
    """Scan the files with polars, write the feature as Parquet."""
    calls, tools, sessions = (
        pl.scan_parquet(folder / f"{name}-{days}.parquet") for name in ("calls", "tools", "sessions")
    )
    frames = (calls, tools, sessions, pl.scan_parquet(folder / "policy.parquet"))
    FEATURES[feature](frames).sink_parquet(out, engine="streaming")


def run_duckdb(feature: str, folder: Path, out: Path, days: str) -> None:
    """The same by SQL."""
    import duckdb  # noqa: PLC0415 - a rival for this suite only

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if feature not in BY_DAY:
            connection.execute("SET preserve_insertion_order = false")
        for name in ("calls", "tools", "sessions"):
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder}/{name}-{days}.parquet')")
        connection.execute(f"CREATE VIEW policy AS SELECT * FROM read_parquet('{folder}/policy.parquet')")
        connection.execute(f"COPY ({QUERIES[feature]}) TO '{out}' (FORMAT parquet)")


def peak_resident_bytes() -> int:
    """Most memory that this process held; Linux counts what its parent held into `ru_maxrss`, but not into `VmHWM`."""
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Arguments: engine, feature, folder of the files, folder of the answer. Prints seconds and bytes as JSON."""
    engine, feature, folder, out = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    run = {"ours": run_ours, "duckdb": run_duckdb}[engine]
    patterns = day_patterns(folder, feature)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for number, days in enumerate(patterns):
        run(feature, folder, out / f"part-{number:03}.parquet", days)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    peak_bytes = peak_resident_bytes()
    sys.stdout.write(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "peak_bytes": peak_bytes}))


if __name__ == "__main__":
    main()
