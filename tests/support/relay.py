"""coturn, the TURN server that a production has, on this machine."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from schalter.embedded import free_port
from schalter.turn_config import render

#: Whether this machine has none.
MISSING: Final = shutil.which("turnserver") is None


@contextmanager
def coturn(directory: Path, *secrets: str, allowed: str = "", port: int = 0) -> Iterator[tuple[str, int]]:
    """A running coturn on loopback, configured as deploy/turn.yml has it, and where it listens.

    It shares `secrets` with signaling, and relays to nowhere but `allowed`.
    """
    port = port or free_port()
    conf = directory / "turnserver.conf"
    conf.write_text(render(*secrets, allowed=allowed).replace("=/tmp/", f"={directory}/"))
    argv = ["turnserver", "-c", str(conf), "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"]
    running = subprocess.Popen([*argv, f"--listening-port={port}", "--no-tls", "--no-dtls"])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert running.poll() is None
            time.sleep(0.05)
        yield "127.0.0.1", port
    finally:
        running.terminate()
        running.wait(10)
    assert not [path for path in directory.iterdir() if path.suffix == ".log"]
