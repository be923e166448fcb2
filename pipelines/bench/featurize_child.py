"""One feature by one engine in a process of its own, so that its seconds and its memory are its own.

Run as a file, not as a module of `pipelines`: what the other suites import would count as the feature's memory.
"""

# ruff: noqa: S608 - the file names come from the suite, and the process reads nothing else

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

Run = Callable[[Path, str], None]

WHOLE, BY_DAY = "all days at once", "a day at a time"
"""Ways to read the files."""

INPUTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "session_features": ("calls", "tools", "sessions"),
        "wait_profile": ("calls", "tools"),
        "stall_profile": ("calls", "tools"),
        "abandonment_curve": ("calls", "sessions"),
        "context_growth": ("calls",),
        "workload_mix": ("calls",),
        "prefix_reuse": ("calls",),
        "demand_calls": ("calls", "policy", "sessions"),
    }
)
"""Frames that our function of each feature takes."""

WITHOUT_OUTCOME = frozenset({("demand_calls", "sessions")})
"""Where ours is not told who left: the SQL gives no weights to calls, and both are to answer the same question."""

ORDERED = frozenset({"demand_calls"})
"""Features whose rows come in a promised order."""


def day_patterns(folder: Path, *, by_day: bool) -> list[str]:
    """Ends of the names of the files that are read together: one day after another, or all."""
    return sorted(path.stem.removeprefix("calls-") for path in folder.glob("calls-*.parquet")) if by_day else ["*"]


def path_of(folder: Path, name: str, days: str) -> Path:
    """The files of a frame; the policy is one for all days."""
    return folder / ("policy.parquet" if name == "policy" else f"{name}-{days}.parquet")


def ours(feature: str, folder: Path) -> Run:
    """Scan the files of some days with polars, write the feature as Parquet."""
    import polars as pl  # noqa: PLC0415 - not in the rival's memory

    import featurize  # noqa: PLC0415 - not in the rival's memory

    def read(name: str, days: str) -> pl.LazyFrame:
        frame = pl.scan_parquet(path_of(folder, name, days))
        if (feature, name) in WITHOUT_OUTCOME:
            return frame.with_columns(outcome=pl.when(False).then("outcome"))  # noqa: FBT003 - null of the column's type
        return frame

    def run(out: Path, days: str) -> None:
        frames = [read(name, days) for name in INPUTS[feature]]
        getattr(featurize, feature)(*frames).sink_parquet(out, engine="streaming")

    return run


def duckdb(feature: str, folder: Path) -> Run:
    """The same by the SQL that standard input holds."""
    import duckdb as rival  # noqa: PLC0415 - a rival for this suite only

    query = sys.stdin.read()

    def run(out: Path, days: str) -> None:
        with rival.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            if feature not in ORDERED:
                connection.execute("SET preserve_insertion_order = false")
            for name in ("calls", "tools", "sessions", "policy"):
                files = path_of(folder, name, days)
                connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{files}')")
            connection.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet)")

    return run


def peak_resident_bytes() -> int:
    """Most memory that this process held; Linux counts what its parent held into `ru_maxrss`, but not into `VmHWM`."""
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Arguments: engine, feature, way, folder of the files, folder of the answer. Prints seconds and bytes as JSON."""
    engine, feature, way, folder, out = *sys.argv[1:4], Path(sys.argv[4]), Path(sys.argv[5])
    run = {"ours": ours, "duckdb": duckdb}[engine](feature, folder)
    patterns = day_patterns(folder, by_day=way == BY_DAY)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for number, days in enumerate(patterns):
        run(out / f"part-{number:03}.parquet", days)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    peak_bytes = peak_resident_bytes()
    sys.stdout.write(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "peak_bytes": peak_bytes}))


if __name__ == "__main__":
    main()
