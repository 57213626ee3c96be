"""Events once more onto the bus: after a restore, when the bus or a service has lost what others had told it."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime

from schalter.embedded import SchalterError
from schalter.embedded.errors import unreachable


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
            raise unreachable(f"The database of {service}", error) from None
        yield from ((service, subject, count) for subject, count in events.items())
