"""Short messages to telephones, through a provider that takes JSON over HTTP. Off unless its address is set."""

from typing import Final

import httpx

from notify.delivery import DeliveryError
from notify.model import Message, Trouble
from notify.settings import Settings

_TIMEOUT_SECONDS: Final = 10
_LATER: Final = frozenset({408, 425, 429})


class Sms:
    """A provider: `POST {"to", "text", "from", "reference"}` with a bearer token; any 2xx means that it was taken."""

    def __init__(self, settings: Settings) -> None:
        self._url = str(settings.sms_url) if settings.sms_url else None
        self._from = settings.sms_from
        token = settings.sms_token
        # No redirects: the token and the citizen's number are for this address alone.
        self._client = httpx.AsyncClient(
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
            headers={"Authorization": f"Bearer {token.get_secret_value()}"} if token else {},
        )

    @property
    def on(self) -> bool:
        """Whether there is a provider."""
        return self._url is not None

    async def send(self, message: Message, text: str) -> None:
        """Return once the provider has taken it. Raises DeliveryError. A repetition has the same `reference`."""
        if self._url is None:
            raise DeliveryError(Trouble.REFUSED, ValueError("no provider"))
        body = {"to": message.recipient, "text": text, "from": self._from, "reference": str(message.id)}
        try:
            answer = await self._client.post(self._url, json=body, headers={"Idempotency-Key": str(message.id)})
        except httpx.HTTPError as error:
            raise DeliveryError(Trouble.UNREACHABLE, error) from error
        if not answer.is_success:
            later = answer.status_code >= 500 or answer.status_code in _LATER
            trouble = Trouble.DEFERRED if later else Trouble.REFUSED
            raise DeliveryError(trouble, ValueError(answer.status_code))

    async def close(self) -> None:
        """Drop the connections."""
        await self._client.aclose()
