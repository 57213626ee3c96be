"""The gate before everything that bots would grab: holds, bookings, entries in the waiting list, walk-in tickets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client import Counter

from booking.errors import LimitReached, ProofRequired
from booking.limits import model, store
from booking.limits.counters import Count, Counters, CountersLostError, Window
from booking.limits.model import Action, Limits, Names
from booking.limits.proof import Challenges, Proof
from chassis.database import Transaction

#: What everybody is asked for while nobody can count.
LEVEL_WITHOUT_REDIS: Final = 1

_refused = Counter(
    "schalter_booking_limited_total", "Requests that a limit refused or asked for a proof of work.", ["kind"]
)


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
        self, office: str, action: Action, member: str, *, email: str | None = None
    ) -> AsyncIterator["Passed"]:
        """Lets the block happen if the limits allow it; if it raises, it does not count.

        `member` names the request, so that a repetition counts once: its Idempotency-Key, or the id of the hold.
        Without Redis nobody can be counted, so that everybody needs a proof of work; but not for a hold, which is not
        to be had then anyway. Raises ProofRequired (with a challenge) or LimitReached.
        """
        proof = None
        if self.payload is not None:
            proof = self.gate.challenges.check(self.payload, office, action, self.now)
        windows = self._windows(action, email)
        name = self.gate.names.of_request(f"{action} {member}", self.now)
        try:
            counts = await self.gate.counters.count(office, windows, name, proven=proof is not None, now=self.now)
        except CountersLostError:
            if proof is None and action != "hold":
                raise self._asked(office, action, LEVEL_WITHOUT_REDIS) from None
            counts = None
        if counts is not None:
            await self._judge(office, action, windows, counts, proof, name)
        try:
            yield Passed(self, office, action, proof)
        except Exception:
            if counts is not None:
                await self.gate.counters.forget(office, [window.name for window in windows], name)
            raise

    async def gave_back(self, office: str, action: Action, member: str) -> None:
        """What was counted as `member` is over, and does not count any more: a hold that was released."""
        name = self.gate.names.of_request(f"{action} {member}", self.now)
        await self.gate.counters.forget(office, [window.name for window in self._windows(action, None)], name)

    def _windows(self, action: Action, email: str | None) -> list[Window]:
        address = self.gate.names.of_address(self.address, self.now)
        windows = [Window(f"{action}:{address}", self.gate.limits.per_address(action))]
        if email is not None:
            windows.append(Window(self.gate.names.of_email(email, self.now), self.gate.limits.email))
        return windows

    async def _judge(
        self, office: str, action: Action, windows: list[Window], counts: list[Count], proof: Proof | None, name: str
    ) -> None:
        if wait := max(count.wait_ms for count in counts):
            _refused.labels("limit").inc()
            raise LimitReached(
                "Too many requests came from your network or under your e-mail address. Please try again later, or "
                "call the office.",
                retry_after_seconds=-(-wait // 1000),
            )
        levels = [model.level(count.before, window.limit) for count, window in zip(counts, windows, strict=True)]
        needed = max((level for level in levels if level is not None), default=None)
        if needed is None:
            return
        if proof is None:
            raise self._asked(office, action, needed)
        # Others behind the same address may have come in between: one level less is still good.
        if proof.level < needed - 1:
            await self.gate.counters.forget(office, [window.name for window in windows], name)
            raise self._asked(office, action, needed)

    def _asked(self, office: str, action: Action, level: int) -> ProofRequired:
        _refused.labels("proof").inc()
        return ProofRequired(self.gate.challenges.issue(office, action, level, self.now))


@dataclass(frozen=True)
class Passed:
    """Somebody is through the gate, perhaps with a proof of work that is good for one thing."""

    visitor: Visitor
    office: str
    action: Action
    proof: Proof | None

    async def spend(self, tx: Transaction) -> None:
        """Spends the proof, if there is one, in the transaction of what it is for. Raises ProofRequired on a replay."""
        if self.proof is not None and not await store.spend(tx, self.proof):
            challenge = self.visitor.gate.challenges.issue(self.office, self.action, self.proof.level, self.visitor.now)
            _refused.labels("proof").inc()
            raise ProofRequired(challenge)
