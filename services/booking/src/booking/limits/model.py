"""The rules of limits, plain Python: what is counted under which name, and how much work somebody is asked for."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: What is limited.
Action = Literal["hold", "booking", "waiting_list", "walk_in"]

#: Every level doubles the work.
MAX_LEVEL: Final = 3

_IPV6_PREFIX: Final = 64
_NOBODY: Final = "unknown"


class Limit(BaseModel):
    """So many within `seconds`: from `proof_from` on each costs a proof of work, and `at_most` is the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proof_from: Annotated[int, Field(ge=0)]
    at_most: Annotated[int, Field(ge=1)]
    seconds: Annotated[int, Field(ge=1, le=86_400)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.proof_from > self.at_most:
            raise ValueError("proof_from must not be more than at_most")
        return self


class Limits(BaseModel):
    """All limits. Those per network address leave room for a town hall or a university behind one address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Slots held, or booked from a hold: a hold lives for twenty minutes at most; one given back does not count.
    hold: Limit = Limit(proof_from=12, at_most=60, seconds=20 * 60)
    booking: Limit = Limit(proof_from=6, at_most=30, seconds=3600)
    waiting_list: Limit = Limit(proof_from=6, at_most=30, seconds=3600)
    walk_in: Limit = Limit(proof_from=4, at_most=20, seconds=3600)
    #: Whatever comes of one e-mail address, what was cancelled too: so loops of booking and cancelling end.
    email: Limit = Limit(proof_from=5, at_most=15, seconds=86_400)
    #: How many tries the easiest proof takes at least; twice as many at most. A phone makes about a thousand a second.
    work: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000

    def per_address(self, action: Action) -> Limit:
        """The limit of `action` for one network address."""
        limit: Limit = getattr(self, action)
        return limit


@dataclass(frozen=True)
class Names:
    """Under which names people are counted: pseudonyms that nobody can trace, new ones every day (UTC)."""

    secret: bytes

    def of_address(self, address: str, now: datetime) -> str:
        """The pseudonym of a network: an IPv4 address, or the /64 of an IPv6 address, which is one household."""
        return self._name("address", network(address), now)

    def of_email(self, email: str, now: datetime) -> str:
        """The pseudonym of an e-mail address, whatever its capitals."""
        return self._name("email", email.casefold(), now)

    def of_request(self, key: str, now: datetime) -> str:
        """By what one request is recognised when it is repeated."""
        return self._name("request", key, now)

    def _name(self, kind: str, value: str, now: datetime) -> str:
        day = now.astimezone(UTC).date().isoformat()
        return hmac.digest(self.secret, f"{day} {kind} {value}".encode(), "sha256").hex()[:32]


def network(address: str) -> str:
    """The network that `address` stands for. Unreadable ones are all one: nobody escapes by having no address."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return _NOBODY
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ip_network((parsed, _IPV6_PREFIX), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def level(count: int, limit: Limit) -> int | None:
    """How hard a proof one more costs after `count`: None is no proof at all, 0 the easiest, and so on.

    The level rises with the share of the way between the two bounds that has been used up.
    """
    if count < limit.proof_from:
        return None
    share = (count - limit.proof_from) / max(1, limit.at_most - limit.proof_from)
    return min(MAX_LEVEL, int(share * (MAX_LEVEL + 1)))


def derived(private_key: str, label: str) -> bytes:
    """A secret of its own for one purpose, from the key that the service has anyway (as HKDF-Expand, RFC 5869)."""
    return hmac.new(private_key.encode(), f"booking limits {label}\x01".encode(), hashlib.sha256).digest()
