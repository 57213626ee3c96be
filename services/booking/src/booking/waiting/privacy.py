"""The right of those who wait without an appointment to know what is stored (GDPR Art. 15). Leaving erases it."""

from datetime import UTC, date, datetime
from typing import Final

from pydantic import BaseModel

from booking.appointments.privacy import MESSAGES, StoredElsewhere
from booking.entries import store
from booking.offices.model import BookableOffice
from booking.waiting.model import EntryState
from booking.waiting.usecases import entry_state, listed_of, waits_until
from chassis.database import Transaction
from contracts.actors import Listed
from contracts.booking import BookedService, CitizenContact, Need
from contracts.ids import OfficeSlug
from contracts.text import Localised


class ListedData(BaseModel):
    """All personal data of one entry on the waiting list (GDPR Art. 15 (1) and (3)).

    Who has left, or has an appointment by now, is forgotten here: then there is no `citizen`.
    """

    office: OfficeSlug
    state: EntryState
    since: datetime
    until: datetime
    first: date | None
    last: date | None
    services: tuple[BookedService, ...]
    citizen: CitizenContact | None
    needs: tuple[Need, ...]
    elsewhere: tuple[StoredElsewhere, ...]


_ELSEWHERE: Final = (
    StoredElsewhere(
        part="notify",
        what=MESSAGES,
        until=Localised(
            de="so lange wie ein Termin, gerechnet vom Versand", en="as long as an appointment, from when it was sent"
        ),
    ),
)


async def data_of(tx: Transaction, bookable: BookableOffice, listed: Listed, now: datetime) -> ListedData:
    """Everything that booking stores about the one whose link it is. Raises WaitingOver once the entry is forgotten."""
    entry = await listed_of(tx, listed)
    citizen, needs = await store.person(tx, listed.office, listed.sub)
    return ListedData(
        office=listed.office,
        state=entry_state(entry, now),
        since=entry.since.astimezone(UTC),
        until=waits_until(entry, bookable).astimezone(UTC),
        first=entry.first_day,
        last=entry.last_day,
        services=entry.services,
        citizen=citizen,
        needs=needs,
        elsewhere=_ELSEWHERE,
    )
