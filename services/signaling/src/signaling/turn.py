"""TURN credentials that expire, in the scheme that coturn and others know (draft-uberti-behave-turn-rest-00)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from signaling.protocol import IceServer

#: A running call outlives its credentials; only new allocations need fresh ones (ASVS V17.1: short-lived).
LIFETIME: Final = timedelta(minutes=10)


def ice_servers(urls: Sequence[str], secret: str, session: str, now: datetime) -> list[IceServer]:
    """What the browser's RTCPeerConnection needs: `stun:` entries as they are, `turn:` and `turns:` with credentials.

    `session` (random per ticket) makes the user name, so that the TURN server's quotas count one participant's session.
    No URLs: no servers, never a third party's.
    """
    stun = [url for url in urls if url.startswith(("stun:", "stuns:"))]
    turn = [url for url in urls if url.startswith(("turn:", "turns:"))]
    servers = [IceServer(urls=stun)] if stun else []
    if turn:
        username = f"{int((now + LIFETIME).timestamp())}:{session}"
        digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
        servers.append(IceServer(urls=turn, username=username, credential=base64.b64encode(digest).decode()))
    return servers
