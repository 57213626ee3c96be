"""Where a mail comes back to when it cannot be delivered: an address of its own per mail, which nobody can make up.

Variable envelope return paths (VERP): a report names its mail by the address that it goes to, whatever it says inside.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from notify.settings import Settings

#: Mail servers try for up to five days (RFC 5321, 4.5.4.1), and we for one before that; some are slow to say so.
GOOD_FOR: Final = timedelta(days=14)

_PREFIX: Final = "b-"
_EPOCH: Final = date(2020, 1, 1)
_ID, _DAY, _MAC = 16, 2, 10


@dataclass(frozen=True)
class ReturnAddresses:
    """Addresses under `domain`, signed with `key`. Servers may change the case of their letters, so it says nothing."""

    domain: str
    key: bytes

    @classmethod
    def configured(cls, settings: Settings) -> "ReturnAddresses | None":
        """As the settings say; None if nothing comes back here."""
        if settings.bounce_domain is None or settings.bounce_key is None:
            return None
        return cls(settings.bounce_domain, settings.bounce_key.get_secret_value().encode())

    def of(self, message_id: UUID, sent_at: datetime) -> str:
        """The address that reports on this mail go to: 47 letters and digits before the @."""
        day = (sent_at.astimezone(UTC).date() - _EPOCH).days
        said = message_id.bytes + day.to_bytes(_DAY, "big")
        local = base64.b32encode(said + self._mac(said)).decode().rstrip("=").lower()
        return f"{_PREFIX}{local}@{self.domain}"

    def read(self, address: str, now: datetime) -> UUID | None:
        """Which mail an address is for; None if it was not made here, or too long ago."""
        local, _, domain = address.lower().rpartition("@")
        if domain != self.domain.lower() or not local.startswith(_PREFIX):
            return None
        letters = local.removeprefix(_PREFIX).upper()
        try:
            whole = base64.b32decode(letters + "=" * (-len(letters) % 8))
        except (binascii.Error, ValueError):
            return None
        said, mac = whole[: _ID + _DAY], whole[_ID + _DAY :]
        if len(said) != _ID + _DAY or not hmac.compare_digest(mac, self._mac(said)):
            return None
        sent_on = _EPOCH + timedelta(days=int.from_bytes(said[_ID:], "big"))
        too_old = now.astimezone(UTC).date() - sent_on > GOOD_FOR
        return None if too_old else UUID(bytes=said[:_ID])

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self.key, b"return-path:" + said, "sha256")[:_MAC]
