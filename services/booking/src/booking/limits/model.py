"""The rules of limits, plain Python: what is counted under which name, and how much work somebody is asked for."""

import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import AF_INET, inet_pton
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: What is limited. "departure": no to an offer, to waiting on, to one's number, to reminders. "answer": whatever else a
#: link's holder says.
Action = Literal[
    "hold",
    "booking",
    "confirmation",
    "move",
    "cancellation",
    "correction",
    "lost_link",
    "waiting_list",
    "walk_in",
    "departure",
    "answer",
]
#: Whoever does not come, or waits no longer, shall say so, however often and whatever fails: it costs work at most.
NEVER_REFUSED: Final = frozenset[Action]({"cancellation", "departure"})
#: Whose doings a window counts.
Whose = Literal["network", "link", "mailbox", "network to mailbox"]
#: Told how many more there are under one e-mail address than is usual; raises ProofRequired unless work was done.
Owes = Callable[[int], None]

#: Every level doubles the work; the hardest takes a telephone with four cores a minute or two.
MAX_LEVEL: Final = 8
#: What honest people pay at most: two seconds of a telephone.
_LEVEL_OF_USUAL: Final = 2
#: Beyond what is usual so many cost the same, then the next so many twice as much.
_STEP: Final = 2
#: Somebody whose address others type in waits some seconds, never a minute.
MAX_LEVEL_OF_MAILBOX: Final = 4

#: What is counted of an IPv6 address: the network that it is in, what a provider gives to one home, and to a company or
#: a tunnel. Whoever has a wide one has as many of the narrow ones as they like.
_IPV6_PREFIXES: Final = (64, 56, 48)
#: How many times as much as from one network may come from each of those around it; others may live there, too.
WIDER: Final = (1, 4)
_NOBODY: Final = "unknown"


class Limit(BaseModel):
    """So many within `seconds`: from `proof_from` on each costs a proof of work, and `at_most` is the end.

    Up to `usual`, what honest people may bring, the work stays small; beyond, it soon is as hard as it gets. Without
    it the work rises evenly until the end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    proof_from: Annotated[int, Field(ge=0)]
    usual: Annotated[int, Field(ge=0)] | None = None
    at_most: Annotated[int, Field(ge=1)]
    seconds: Annotated[int, Field(ge=1, le=86_400)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        bounds = [each for each in (self.proof_from, self.usual, self.at_most) if each is not None]
        if bounds != sorted(bounds):
            raise ValueError("proof_from must not be more than usual, nor that more than at_most")
        return self

    def times(self, many: int) -> Self:
        """The same for `many` times as many people."""
        usual = None if self.usual is None else many * self.usual
        return self.model_copy(
            update={"proof_from": many * self.proof_from, "usual": usual, "at_most": many * self.at_most}
        )

    def first_of(self, level: int, hardest: int) -> int:
        """The count from which on one more costs at least `level` of `hardest`."""
        end, top = (self.at_most, hardest) if self.usual is None else (self.usual, _LEVEL_OF_USUAL)
        if level > top:
            return end + (level - top - 1) * _STEP
        return self.proof_from + -(-level * (end - self.proof_from) // (top + 1))


class Limits(BaseModel):
    """All limits. Those per network leave room for a carrier's customers behind one IPv4 address.

    Reckoned for 300 slots that are released at 08:00 and gone within the hour: six of ten by telephone, four of ten of
    these with the largest carrier, half of them by IPv4. All behind one address would be 36. Beyond that the price soon
    is minutes of a core, and refusals begin at three times as many (docs/security.md).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Slots held, or booked from a hold: a hold lives for twenty minutes at most; one given back does not count.
    hold: Limit = Limit(proof_from=12, usual=36, at_most=120, seconds=20 * 60)
    booking: Limit = Limit(proof_from=6, usual=36, at_most=120, seconds=3600)
    move: Limit = Limit(proof_from=3, usual=9, at_most=60, seconds=3600)
    cancellation: Limit = Limit(proof_from=12, at_most=120, seconds=3600)
    departure: Limit = Limit(proof_from=30, at_most=300, seconds=3600)
    #: Addresses corrected: each mails somebody.
    correction: Limit = Limit(proof_from=4, usual=12, at_most=60, seconds=3600)
    #: Before an address is confirmed: mailed once more, or elsewhere. Each costs work, for each mails somebody.
    confirmation: Limit = Limit(proof_from=0, usual=36, at_most=60, seconds=3600)
    #: Links asked for anew: whoever guesses references works for it.
    lost_link: Limit = Limit(proof_from=3, usual=12, at_most=60, seconds=3600)
    waiting_list: Limit = Limit(proof_from=6, usual=36, at_most=120, seconds=3600)
    walk_in: Limit = Limit(proof_from=4, usual=36, at_most=60, seconds=3600)
    answer: Limit = Limit(proof_from=30, at_most=300, seconds=3600)
    #: Moves of one appointment: each gives a slot back and mails somebody.
    link_moves: Limit = Limit(proof_from=2, at_most=3, seconds=86_400)
    #: Whatever else one link is used for.
    link: Limit = Limit(proof_from=20, at_most=60, seconds=3600)
    #: What one network has us write to one mailbox, which may be a stranger's.
    mailbox: Limit = Limit(proof_from=2, at_most=3, seconds=3600)
    #: Whatever comes of one e-mail address, what was cancelled too. Nobody has confirmed that it is theirs who type it,
    #: so it never refuses: `at_most` is where the work is hardest.
    email: Limit = Limit(proof_from=3, at_most=15, seconds=86_400)
    #: How many tries the easiest proof takes at least; twice as many at most. A phone makes about a thousand a second.
    work: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000

    def per_address(self, action: Action) -> Limit:
        """The limit of `action` for one network address."""
        limit: Limit = getattr(self, action)
        return limit

    def per_link(self, action: Action) -> Limit:
        """The limit of `action` for the holder of one link."""
        return self.link_moves if action == "move" else self.link


@dataclass(frozen=True)
class Window:
    """What is counted under `name`, and how much of it is too much.

    Unless it `refuses` it only costs work; unless it `asks` it only counts.
    """

    name: str
    limit: Limit
    whose: Whose = "network"
    refuses: bool = True
    asks: bool = True

    @property
    def hardest(self) -> int:
        """The level that this window asks for at most."""
        return MAX_LEVEL_OF_MAILBOX if self.whose == "mailbox" else MAX_LEVEL

    @property
    def end(self) -> int | None:
        """How many there may be, whatever somebody has worked; None: as many as one likes."""
        return self.limit.at_most if self.refuses and self.asks else None

    def level(self, count: int) -> int | None:
        """How hard a proof one more costs after `count`."""
        return None if not self.asks else level(count, self.limit, self.hardest)

    def room(self, proven: int | None) -> int | None:
        """How many there may have been before, for who has `proven` this level (None: nothing). None: any number.

        Others behind the same address may have come in between: one level less than asked for is still good.
        """
        if not self.asks:
            return None
        if proven is not None and proven + 1 >= self.hardest:
            return self.end
        room = self.limit.first_of(0 if proven is None else proven + 2, self.hardest)
        return room if self.end is None else min(room, self.end)


@dataclass(frozen=True)
class Names:
    """Under which names people are counted: pseudonyms that nobody can trace, new ones every day (UTC)."""

    secret: bytes

    def of_networks(self, address: str, now: datetime) -> list[str]:
        """The pseudonyms of the `networks` of an address, the narrowest first."""
        return [self._name("address", each, now) for each in networks(address)]

    def of_email(self, email: str, now: datetime) -> str:
        """The pseudonym of an e-mail address, whatever its capitals."""
        return self._name("email", email.casefold(), now)

    def of_pair(self, address: str, email: str, now: datetime) -> str:
        """The pseudonym of a home that has us write to a mailbox: an IPv4 address, or the /56 of an IPv6 one."""
        home = networks(address)[:2][-1]
        return self._name("pair", f"{home} {email.casefold()}", now)

    def of_link(self, link: UUID, now: datetime) -> str:
        """The pseudonym of what somebody holds the link of."""
        return self._name("link", str(link), now)

    def of_request(self, key: str, now: datetime) -> str:
        """By what one request is recognised when it is repeated."""
        return self._name("request", key, now)

    def _name(self, kind: str, value: str, now: datetime) -> str:
        day = now.astimezone(UTC).date().isoformat()
        return hmac.digest(self.secret, f"{day} {kind} {value}".encode(), "sha256").hex()[:32]


def networks(address: str) -> list[str]:
    """The networks that `address` is in: one of IPv4, which is the address; of IPv6 the /64, the /56 and the /48.

    Unreadable ones are all one: nobody escapes by having no address.
    """
    with suppress(OSError, ValueError):
        inet_pton(AF_INET, address)  # nearly everybody's, at a tenth of what the thorough way below costs
        return [address]
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return [_NOBODY]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return [str(ip_network((parsed, prefix), strict=False)) for prefix in _IPV6_PREFIXES]
        parsed = parsed.ipv4_mapped
    return [str(parsed)]


def level(count: int, limit: Limit, hardest: int = MAX_LEVEL) -> int | None:
    """How hard a proof one more costs after `count`: None is no proof at all, 0 the easiest, and so on."""
    levels = [each for each in range(hardest + 1) if limit.first_of(each, hardest) <= count]
    return levels[-1] if levels else None


def owed(beyond: int) -> int | None:
    """How hard a proof costs of which there are `beyond` more than usual under one e-mail address (0: no more)."""
    return min(beyond, MAX_LEVEL_OF_MAILBOX) if beyond > 0 else None


def enough(proven: int | None, needed: int | None) -> bool:
    """Whether a proof of level `proven` will do; as with windows, one level less is good."""
    return needed is None or (proven is not None and proven >= needed - 1)


def derived(private_key: str, label: str) -> bytes:
    """A secret of its own for one purpose, from the key that the service has anyway (as HKDF-Expand, RFC 5869)."""
    return hmac.new(private_key.encode(), f"booking limits {label}\x01".encode(), hashlib.sha256).digest()
