"""Events once more onto the bus: after a restore, when the bus or a service has lost what others had told it."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from contracts.topology import SERVICES
from schalter.embedded import SchalterError
from schalter.embedded.network import LOOPBACK
from schalter.running.home import Home
from schalter.running.secret_store import SecretStore


def running_databases(home: Home, services: Sequence[str]) -> Mapping[str, str]:
    """The databases of `services` (of all, if none is named) of the `schalter up` that runs now, by service.

    Raises SchalterError when none runs, or for an unknown service.
    """
    unknown = sorted(set(services) - set(SERVICES))
    if unknown:
        raise SchalterError(f"There is no service {unknown[0]!r}. There are: {', '.join(SERVICES)}.")
    if not home.state.exists():
        raise SchalterError(f"Schalter does not run with {home.var}. Start it first.")
    port = json.loads(home.state.read_text())["ports"]["postgres"]
    secrets = SecretStore(home.var / "secrets.json")
    return {
        service: f"postgresql://{service}:{secrets.password(f'postgres_{service}')}@{LOOPBACK}:{port}/{service}"
        for service in SERVICES
        if not services or service in services
    }


def since_when(text: str) -> datetime:
    """What `--since` says. Raises SchalterError when it is no instant."""
    from chassis.republish import instant  # heavy, and needed here only

    try:
        return instant(text)
    except ValueError:
        raise SchalterError(
            f"{text!r} is no instant. Write it as 2026-11-22T08:00+01:00, or without +01:00 in UTC."
        ) from None


def republish_all(databases: Mapping[str, str], since: datetime, *, dry_run: bool) -> Iterator[tuple[str, str, int]]:
    """Lets every service publish again what it has published since `since`; service, subject and number of events.

    Raises SchalterError when a database cannot be reached.
    """
    import asyncpg

    from chassis.clock import utc_now
    from chassis.republish import republish

    for service, url in databases.items():
        try:
            events = asyncio.run(republish(url, since, now=utc_now(), dry_run=dry_run))
        except (OSError, asyncpg.PostgresError) as error:
            raise SchalterError(f"The database of {service} cannot be reached: {error}") from None
        yield from ((service, subject, count) for subject, count in events.items())
