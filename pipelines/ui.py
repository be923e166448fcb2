"""Dagster's own web server and daemon, on loopback."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from pipelines.errors import BadInput

MODULE = "pipelines.definitions"


def become_ui(environ: Mapping[str, str], *, dagster_home: Path, port: int) -> NoReturn:
    """Turns this process into the server, so that whoever ends it ends the server.

    Raises:
        BadInput: The port is taken.
    """
    _refuse_taken(port)
    command = [sys.executable, "-m", "dagster", "dev", "-m", MODULE, "-h", "127.0.0.1", "-p", str(port)]
    os.execve(sys.executable, command, {**environ, "DAGSTER_HOME": str(dagster_home)})  # noqa: S606 - our own words


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise BadInput(
                f"port {port} of 127.0.0.1 cannot be used: {error.strerror}; choose one with --port"
            ) from error
