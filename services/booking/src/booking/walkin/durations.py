"""How long conversations really take, by service: of the newest fifty that were finished, looked up now and then."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from chassis.database import Transaction

#: So many conversations say how long the next one takes; fewer than `_AT_LEAST` say nothing yet.
_NEWEST: Final = 50
_AT_LEAST: Final = 5
_FRESH: Final = timedelta(minutes=1)

# The newest of an office are a range of an index; what a conversation of several services took is shared among them.
SHARES: Final = """
    SELECT service_id, CAST(avg(share) AS float8) AS share
      FROM (SELECT service ->> 'service_id' AS service_id, share,
                   row_number() OVER (PARTITION BY service ->> 'service_id' ORDER BY starts_at DESC) AS place
              FROM (SELECT services, starts_at, talk_seconds / extract(epoch FROM ends_at - starts_at) AS share
                      FROM appointment
                     WHERE office = :office AND talk_seconds IS NOT NULL AND state = 'completed'
                       AND starts_at > CAST(:now AS timestamptz) - interval '90 days'
                     ORDER BY starts_at DESC
                     LIMIT 1000) AS finished,
                   jsonb_array_elements(services) AS service) AS placed
     WHERE place <= :newest
     GROUP BY service_id
    HAVING count(*) >= :at_least
"""


class Durations:
    """Which share of its planned time a service takes, by office. A service with few conversations yet has none."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, Mapping[str, float]]] = {}

    async def shares(self, tx: Transaction, office: str, now: datetime) -> Mapping[str, float]:
        """The shares at `office`, at most a minute old."""
        read_at, shares = self._known.get(office, (None, {}))
        if read_at is None or not read_at <= now < read_at + _FRESH:
            rows = await tx.rows(SHARES, office=office, now=now, newest=_NEWEST, at_least=_AT_LEAST)
            shares = {row["service_id"]: row["share"] for row in rows}
            self._known[office] = now, shares
        return shares
