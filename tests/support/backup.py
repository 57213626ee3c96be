"""Backup and restore of a system, as docs/operations.md tells operators to do it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

from system import System

from schalter.embedded import Postgres, free_port
from schalter.embedded.tools import postgres_bin

#: Consumers before publishers: what one has not heard yet the other still has in its outbox.
ORDER: Final = ("notify", "payment", "signaling", "casework", "booking")


def dump(system: System, service: str, folder: Path) -> None:
    """`pg_dump` of one service's database while everything runs."""
    _run("pg_dump", "--format=custom", f"--file={folder / service}.dump", system.database(service))


def restore(secrets: Path, dumps: Path, var: Path) -> None:
    """Makes `var` a home with the old secrets and all databases; `schalter up` on it starts with an empty bus."""
    var.mkdir()
    var.chmod(0o711)
    shutil.copy(secrets, var / "secrets.json")
    passwords = json.loads(secrets.read_text())
    server = Postgres(var / "postgres", free_port(), password=passwords["postgres"], log=var / "restore.log")
    with server:
        for service in ORDER:
            server.create_database(service, passwords[f"postgres_{service}"])
            target = f"--role={service}", f"--dbname={server.url(service)}"
            _run("pg_restore", "--exit-on-error", "--no-owner", *target, str(dumps / f"{service}.dump"))


def _run(tool: str, *arguments: str) -> None:
    done = subprocess.run([postgres_bin() / tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{tool}: {done.stderr}"
