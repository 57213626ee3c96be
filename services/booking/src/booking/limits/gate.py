"""The gate before everything that a citizen changes: bots would grab slots, and mail strangers.

Networks and links may be refused. What nobody has confirmed, an e-mail address that somebody types in, costs work and
never refuses: else whoever types somebody else's address in would shut them out.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from prometheus_client import Counter

from booking.errors import LimitReached, ProofRequired
from booking.limits import model, store
from booking.limits.counters import Count, Counters, CountersLostError, Toll
from booking.limits.model import NEVER_REFUSED, WIDER, Action, Limits, Names, Whose, Window
from booking.limits.proof import Challenges, Proof
from chassis.database import Transaction
from chassis.metrics import at_zero
from chassis.problems import Problem

#: What everybody is asked for while nobody can count.
LEVEL_WITHOUT_REDIS: Final = 1

_WHY: Final[dict[Whose, tuple[Literal["requests", "link", "mailbox"], str]]] = {
    "network": ("requests", "Too many requests came from your network. Please try again later, or call the office."),
    "link": ("link", "This link was used for it too often. Please try again later, or call the office."),
    "network to mailbox": (
        "mailbox",
        "There was too much to write to this e-mail address within the hour. Please try again later, book several "
        "services or people in one appointment, or call the office.",
    ),
}

_refused = Counter(
    "schalter_booking_limited_total", "Requests that a limit refused or asked for a proof of work.", ["kind"]
)
at_zero(_refused, ("limit", "proof"))


@dataclass(frozen=True)
class Gate:
    """What the gate works with, put together once by the composition root."""

    limits: Limits
    names: Names
    counters: Counters
    challenges: Challenges


@dataclass(frozen=True)
class Visitor:
    """Somebody before the gate: from which network address, and with which proof of work, if any."""

    gate: Gate
    address: str
    payload: str | None
    now: datetime

    @asynccontextmanager
    async def passing(
        self, office: str, action: Action, member: str, *, email: str | None = None, link: UUID | None = None
    ) -> AsyncIterator["Passed"]:
        """Lets the block happen if the limits allow it; if it raises, it does not count.

        `member` names the request, so that a repetition counts once: its Idempotency-Key. `email` is whose mailbox it
        concerns, `link` what the sender holds the link of. Without Redis nobody can be counted, so that everybody needs
        a proof of work, but for what is never refused. Raises ProofRequired (with a challenge) or LimitReached.
        """
        toll = self.toll(office, action, member, email=email, link=link)
        counts: Sequence[Count] | None = None
        try:
            counts = await self.gate.counters.count(office, toll)
        except CountersLostError:
            # What is never refused is not refused now, either: nobody needs a working Redis to cancel, or to be erased.
            if toll.proof is None and any(window.end is not None for window in toll.windows):
                raise self.asked(office, action, LEVEL_WITHOUT_REDIS) from None
        try:
            yield Passed(self, office, action, toll.proof, _may_be_told(toll.windows, counts))
        except Exception:
            if counts is not None:
                await self.gate.counters.forget(office, toll)
            raise

    def toll(
        self, office: str, action: Action, member: str, *, email: str | None = None, link: UUID | None = None
    ) -> Toll:
        """What is counted for this visitor, for a script that counts what it does; parameters as of `passing`."""

        def refusal(counts: Sequence[Count]) -> Problem:
            return self._refusal(office, action, windows, counts)

        windows = self.windows(action, email=email, link=link)
        proof = None if self.payload is None else self.gate.challenges.check(self.payload, office, action, self.now)
        # The sender chooses `member`: under one name there is only what is counted in the same windows, lest a request
        # that fails take back what another is counted for.
        counted = " ".join(window.name for window in windows)
        name = self.gate.names.of_request(f"{action} {counted} {member}", self.now)
        return Toll(name, windows, self.now, proof, refusal)

    def windows(self, action: Action, *, email: str | None = None, link: UUID | None = None) -> list[Window]:
        """Where `action` of this visitor is counted."""
        limits, names = self.gate.limits, self.gate.names
        refuses = action not in NEVER_REFUSED
        limit = limits.per_address(action)
        network, *around = names.of_networks(self.address, self.now)
        windows = [Window(f"{action}:{network}", limit, refuses=refuses)]
        # Others may live in them, too: they only cost work.
        windows += [
            Window(f"{action}:{each}", limit.times(many), refuses=False)
            for each, many in zip(around, WIDER, strict=False)
        ]
        if link is not None:
            name = f"{action}:{names.of_link(link, self.now)}"
            windows.append(Window(name, limits.per_link(action), "link", refuses=refuses))
        if email is not None:
            if refuses:
                windows.append(Window(names.of_email(email, self.now), limits.email, "mailbox", refuses=False))
            pair = names.of_pair(self.address, email, self.now)
            windows.append(Window(pair, limits.mailbox, "network to mailbox", asks=refuses))
        return windows

    def _refusal(self, office: str, action: Action, windows: Sequence[Window], counts: Sequence[Count]) -> Problem:
        found = list(zip(windows, counts, strict=True))
        full = [(count.wait_ms, window.whose) for window, count in found if count.wait_ms]
        if full:
            _refused.labels("limit").inc()
            wait, whose = max(full)
            reason, detail = _WHY[whose]
            return LimitReached(detail, retry_after_seconds=-(-wait // 1000), reason=reason)
        levels = [window.level(count.before) for window, count in found]
        return self.asked(office, action, max(level for level in levels if level is not None))

    def asked(self, office: str, action: Action, level: int) -> ProofRequired:
        """The refusal that goes away with work of this `level`."""
        _refused.labels("proof").inc()
        return ProofRequired(self.gate.challenges.issue(office, action, level, self.now))


@dataclass(frozen=True)
class Passed:
    """Somebody is through the gate, perhaps with a proof of work that is good for one thing."""

    visitor: Visitor
    office: str
    action: Action
    proof: Proof | None
    #: Whether the mailbox may be written to once more; asked by what the gate never refuses.
    may_be_told: bool

    def owes(self, beyond: int) -> None:
        """There are `beyond` more under the e-mail address than is usual, this one included. Raises ProofRequired."""
        needed = model.owed(beyond)
        if needed is not None and not model.enough(self.proof.level if self.proof else None, needed):
            raise self.visitor.asked(self.office, self.action, needed)

    async def spend(self, tx: Transaction) -> None:
        """Spends the proof, if there is one, in the transaction of what it is for. Raises ProofRequired on a replay."""
        if self.proof is not None and not await store.spend(tx, self.proof):
            raise self.visitor.asked(self.office, self.action, self.proof.level)


def _may_be_told(windows: Sequence[Window], counts: Sequence[Count] | None) -> bool:
    found = zip(windows, counts or (), strict=False)
    return all(count.before < window.limit.at_most for window, count in found if window.whose == "network to mailbox")
