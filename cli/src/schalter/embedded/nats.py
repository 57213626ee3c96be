"""NATS with JetStream on a loopback port."""

import json
import socket
from contextlib import suppress
from pathlib import Path

from schalter.embedded import tools
from schalter.embedded.network import LOOPBACK
from schalter.embedded.part import Part
from schalter.embedded.process import Program
from schalter.nats_config import User, render


class Nats(Part):
    """One NATS server. Without `users` anybody on this machine may do anything (tests)."""

    name = "nats"

    def __init__(
        self,
        directory: Path,
        port: int,
        *,
        log: Path,
        users: tuple[User, ...] = (),
        durable: bool = True,
        monitor: int | None = None,
    ) -> None:
        """`directory` keeps streams and configuration; on the port `monitor` figures are told. Nothing runs before
        `start`.
        """
        self._monitor = monitor
        self.directory = directory
        self.port = port
        self.log = log
        self._users = users
        self._durable = durable

    def prepare(self) -> None:
        """Writes the configuration, readable by its owner alone: it carries the passwords."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = self.directory / "nats.conf"
        config.touch(mode=0o600)
        config.write_text(
            render(
                listen=f"{LOOPBACK}:{self.port}",
                store=str(self.directory.resolve()),
                users=self._users,
                sync="always" if self._durable else "2m",
                monitor=f"{LOOPBACK}:{self._monitor}" if self._monitor else None,
            )
        )

    def program(self) -> Program:
        """Ready means: greeting clients, JetStream recovered."""
        return Program(
            name=self.name,
            argv=(str(tools.script("nats-server")), "--config", str(self.directory.resolve() / "nats.conf")),
            ready=self._greets,
            log=self.log,
        )

    @property
    def url(self) -> str:
        """The address without user and password."""
        return f"nats://{LOOPBACK}:{self.port}"

    def _greets(self) -> bool:
        with suppress(OSError, ValueError), socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
            with connection.makefile("rb") as lines:
                greeting = lines.readline()
            return json.loads(greeting.removeprefix(b"INFO "))["jetstream"] is True
        return False
