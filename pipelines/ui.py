"""Dagster's own web server and daemon, on loopback."""

import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import BadInput

MODULE = "pipelines.definitions"


def serve_ui(environ: Mapping[str, str], *, dagster_home: Path, port: int) -> int:
    """Serves until interrupted.

    Returns:
        Exit code of the server; 0 after an interrupt.

    Raises:
        BadInput: The port is taken.
    """
    _refuse_taken(port)
    command = [sys.executable, "-m", "dagster", "dev", "-m", MODULE, "-h", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, env={**environ, "DAGSTER_HOME": str(dagster_home)}) as server:  # noqa: S603 - ours
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.wait()
            return 0


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise BadInput(
                f"port {port} of 127.0.0.1 cannot be used: {error.strerror}; choose one with --port"
            ) from error
