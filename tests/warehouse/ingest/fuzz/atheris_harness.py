"""Coverage-guided fuzz of the trace adapters; `.ci/run` gives it a bounded time in a venv of its own.

Run as `python atheris_harness.py -max_total_time=60 CORPUS_FOLDER`: the bytes of a case choose a seed and its mutations.
"""

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

with atheris.instrument_imports(include=["warehouse.ingest"]):
    from tests.warehouse.ingest.fuzz.mutations import mutate
    from tests.warehouse.ingest.fuzz.survival import survives
    from tests.warehouse.ingest.seeds import SEEDS

CASES = [(name, seed) for name, seeds in SEEDS.items() for seed in seeds]


def one_case(data: bytes) -> None:
    """Damages a seed as the bytes say, and reads it."""
    provider = atheris.FuzzedDataProvider(data)
    name_of_format, seed = CASES[provider.ConsumeIntInRange(0, len(CASES) - 1)]
    survives(name_of_format, seed, mutate(seed.content, provider.ConsumeIntInRange))


def main() -> None:
    """Hands over to the fuzzer, which ends the process."""
    atheris.Setup(sys.argv, one_case)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
