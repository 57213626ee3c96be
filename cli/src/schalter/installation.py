"""The running system as its operator sees it: `schalter up` on this machine, or docker-compose.yml from within.

In compose the chores run in the container `operator` (`docker compose run --rm operator schalter ...`), which has the
volume that all secrets are made from.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.topology import SERVICES
from schalter.advice import Advice, for_compose, for_make_up
from schalter.embedded import SchalterError
from schalter.embedded.network import LOOPBACK
from schalter.nats_config import OPERATOR
from schalter.running.home import Home
from schalter.running.secret_store import SecretStore


def services_named(names: Sequence[str]) -> list[str]:
    """The services of these names, all if there is none. Raises SchalterError for an unknown one."""
    unknown = sorted(set(names) - set(SERVICES))
    if unknown:
        raise SchalterError(f"There is no service {unknown[0]!r}. There are: {', '.join(SERVICES)}.")
    return [service for service in SERVICES if not names or service in names]


@dataclass(frozen=True)
class BusAccess:
    """Where the bus is and how the operator signs in."""

    url: str
    password: str


@dataclass(frozen=True)
class Installation:
    """Where databases, bus and services are (host and port), the secrets that open them, and the office files."""

    secrets: SecretStore
    postgres: str
    nats: str
    redis: str
    services: Mapping[str, str]
    offices: Path
    public_url: str = ""
    #: How something to do is said to whoever runs it.
    advice: Advice = for_compose

    @classmethod
    def running(cls, home: Home) -> "Installation":
        """That of compose when SCHALTER_SECRETS_STORE names its secrets, else that of `schalter up`.

        Raises SchalterError when neither is there.
        """
        if store := os.environ.get("SCHALTER_SECRETS_STORE"):
            if not (Path(store) / "secrets.json").is_file():
                raise SchalterError(f"{store} has no secrets. Start the system first: docker compose up --wait")
            services = {name: f"{name}:8000" for name in SERVICES}
            secrets = SecretStore(Path(store) / "secrets.json")
            return cls(secrets, "postgres:5432", "nats:4222", "redis:6379", services, home.offices)
        if not home.state.exists():
            raise SchalterError(f"Schalter does not run with {home.var}. Start it first.")
        state = json.loads(home.state.read_text())
        ports = state["ports"]
        if missing := {"postgres", "nats", "redis"} - ports.keys():
            raise SchalterError(f"{home.state} knows no {', '.join(sorted(missing))}: is another version running?")
        secrets = SecretStore(home.var / "secrets.json")
        at = {name: f"{LOOPBACK}:{port}" for name, port in ports.items()}
        offices = Path(os.environ.get("SCHALTER_OFFICES_DIR") or state.get("offices") or home.offices)
        return cls(
            secrets,
            at["postgres"],
            at["nats"],
            at["redis"],
            at,
            offices,
            state.get("public_url", ""),
            for_make_up(home.logs),
        )

    def database(self, service: str) -> str:
        """The address of a service's database, its password included."""
        password = self.secrets.password(f"postgres_{service}")
        return f"postgresql://{service}:{password}@{self.postgres}/{service}"

    def databases(self, services: Sequence[str]) -> Mapping[str, str]:
        """The databases of `services`, by service."""
        return {service: self.database(service) for service in services}

    def service(self, name: str) -> str:
        """Where a service answers."""
        return f"http://{self.services[name]}"

    @property
    def bus(self) -> BusAccess:
        """The bus, for the operator."""
        return BusAccess(f"nats://{self.nats}", self.secrets.password(f"nats_{OPERATOR}"))
