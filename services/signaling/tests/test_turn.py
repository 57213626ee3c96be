"""TURN credentials: short-lived, one per session, in coturn's scheme."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from signaling.turn import LIFETIME, ice_servers

NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
URLS = ("stun:turn.example.org", "turn:turn.example.org?transport=udp", "turns:turn.example.org:443?transport=tcp")


def test_credentials_are_what_coturn_expects() -> None:
    stun, turn = ice_servers(URLS, "shared", "session-1", NOW)
    assert stun.model_dump(exclude_none=True) == {"urls": ["stun:turn.example.org"]}
    assert turn.urls == list(URLS[1:])
    assert turn.username == f"{int((NOW + LIFETIME).timestamp())}:session-1"
    expected = hmac.new(b"shared", turn.username.encode(), hashlib.sha1).digest()
    assert turn.credential == base64.b64encode(expected).decode()


def test_they_live_ten_minutes_at_most_and_differ_between_sessions() -> None:
    assert timedelta(minutes=10) >= LIFETIME
    names = {ice_servers(URLS, "shared", session, NOW)[1].username for session in ("a", "b")}
    assert len(names) == 2


def test_no_urls_mean_no_servers_and_never_a_third_partys() -> None:
    assert ice_servers((), "", "session", NOW) == []
