"""Where tests find the shared real traces and measurements that a fresh machine does not have."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared_path(relative: str) -> Path:
    """Path of a shared file; skips the calling test where it is absent, and fails it in CI."""
    path = SHARED / relative
    if not path.exists():
        message = f"needs shared data that this machine lacks: {relative}"
        if os.environ.get("CI") == "true" and SHARED.exists():
            pytest.fail(message)
        pytest.skip(message)
    return path
