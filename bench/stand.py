"""What is measured, running: PostgreSQL, NATS and Redis as `schalter up` has them, services as in production."""

import asyncio
import json
import re
import secrets
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psycopg

from chassis.tokens import generate_keys
from schalter.bus import apply
from schalter.embedded import Nats, Part, Postgres, Process, Redis, free_port
from schalter.embedded.network import http_status
from schalter.installation import BusAccess
from schalter.running.plan import uvicorn

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Running:
    """A process that serves HTTP on `port`, and the database behind it."""

    port: int
    process: Process
    database_url: str

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid


class Stand(ExitStack):
    """Servers and processes for one run, gone with the block."""

    def __init__(self, directory: Path) -> None:
        """`directory` takes data and logs. PostgreSQL's unprivileged user must be able to reach it."""
        super().__init__()
        self.directory = directory
        self.offices = directory / "offices"
        self._private, self._public = generate_keys()
        self._clerk_public = generate_keys()[1]
        self.postgres = Postgres(
            directory / "postgres", free_port(), password=secrets.token_hex(8), log=directory / "postgres.log"
        )
        self._nats = Nats(directory / "nats", free_port(), log=directory / "nats.log")
        self._redis = Redis(
            directory / "redis", free_port(), password=secrets.token_hex(8), log=directory / "redis.log"
        )

    def start(self) -> None:
        """Start the servers and write the offices."""
        parts: tuple[Part, ...] = (self.postgres, self._nats, self._redis)
        for part in parts:
            self.enter_context(part)
        asyncio.run(apply(BusAccess(self._nats.url, "")))
        self.offices.mkdir()
        for file in (ROOT / "deploy" / "offices").glob("*.toml"):
            (self.offices / file.name).write_text(file.read_text())
        demo = (ROOT / "deploy" / "offices" / "demo.toml").read_text()
        for slug, clerks, days in (("rush", 40, 60), ("one", 1, 60), ("two", 2, 60), ("five", 5, 60)):
            text = demo.replace('slug = "demo"', f'slug = "{slug}"').replace("clerks = 4", f"clerks = {clerks}")
            text = text.replace("horizon_days = 14", f"horizon_days = {days}")
            (self.offices / f"{slug}.toml").write_text(text)
        attacked = (self.offices / "five.toml").read_text().replace('slug = "five"', 'slug = "attacked"')
        late = re.sub(r"^freed_delay_minutes.*\n", "", attacked, flags=re.MULTILINE)
        late = late.replace("[booking]", "[booking]\nfreed_delay_minutes = [15, 90]")
        (self.offices / "attacked.toml").write_text(late)

    def booking(self, name: str, number: int, *, nats_url: str | None = None, without: str = "") -> Running:
        """A booking service with a database of its own; `number` keeps its holds apart from others'.

        `without`: one of the shortcuts of `bench.anchors.without`.
        """
        url = self.postgres.create_database(name, secrets.token_hex(8))
        environment = self._booking(url, number, nats_url) | {"BENCH_WITHOUT": without}
        factory = "bench.anchors.without:build" if without else "booking.app:build"
        return self._run(name, factory, environment, url, "/readyz")

    def settings(self, name: str, number: int) -> dict[str, object]:
        """The same service's settings, for one that runs in this process."""
        url = self.postgres.create_database(name, secrets.token_hex(8))
        prefix = "SCHALTER_"
        return {key.removeprefix(prefix).lower(): value for key, value in self._booking(url, number, None).items()}

    def notify(self, name: str, *, nats_url: str, smtp_port: int) -> Running:
        """The service that writes to citizens, with a database of its own. In production it would insist on TLS."""
        url = self.postgres.create_database(name, secrets.token_hex(8))
        environment = self._environment(url, nats_url) | {
            "SCHALTER_ENVIRONMENT": "development",
            "SCHALTER_SMTP_HOST": "127.0.0.1",
            "SCHALTER_SMTP_PORT": str(smtp_port),
            "SCHALTER_SMTP_SECURITY": "none",
            "SCHALTER_MAILS_PER_SECOND": "1000000",
        }
        return self._run(name, "notify.app:build", environment, url, "/readyz")

    def _booking(self, database_url: str, number: int, nats_url: str | None) -> dict[str, str]:
        return self._environment(database_url, nats_url) | {
            "SCHALTER_REDIS_URL": f"{self._redis.url}/{number}",
            "SCHALTER_LINK_PRIVATE_KEY": self._private,
        }

    def _environment(self, database_url: str, nats_url: str | None) -> dict[str, str]:
        return {
            "SCHALTER_ENVIRONMENT": "production",
            "SCHALTER_LOG_LEVEL": "warning",
            "SCHALTER_DATABASE_URL": database_url,
            "SCHALTER_NATS_URL": nats_url or self._nats.url,
            "SCHALTER_PUBLIC_URL": "http://localhost:8080",
            "SCHALTER_OFFICES_DIR": str(self.offices),
            "SCHALTER_LINK_PUBLIC_KEY": self._public,
            "SCHALTER_CLERK_PUBLIC_KEY": self._clerk_public,
        }

    def anchor(self, name: str, database_url: str, fixed: bytes) -> Running:
        """The bare endpoints of `bench.anchors.app` on `database_url`."""
        environment = {"BENCH_DATABASE_URL": database_url, "BENCH_FIXED": fixed.decode()}
        return self._run(name, "bench.anchors.app:build", environment, database_url, "/fixed")

    def settle(self) -> None:
        """Let PostgreSQL write out what seeding left behind, so that it does not do so while we measure."""
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def _run(self, name: str, factory: str, env: Mapping[str, str], database_url: str, ready: str) -> Running:
        port = free_port()
        program = uvicorn(name, factory, port, env, self.directory / f"{name}.log")
        process = Process(replace(program, ready=partial(_answers, port, ready)))
        self.callback(process.stop)
        process.wait_ready(60)
        return Running(port, process, database_url)


def _answers(port: int, path: str) -> bool:
    return http_status(port, path) == 200


def machine() -> dict[str, object]:
    """What the figures were measured on, for the JSON."""
    load = json.loads("[" + ",".join(Path("/proc/loadavg").read_text().split()[:3]) + "]")
    return {"python": sys.version.split()[0], "load_before": load}
