"""Tokens name their key; who verifies may know several, and those of before, which name none."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.problems import Unauthenticated
from chassis.tokens import TokenSigner, TokenVerifier, generate_keys, key_id

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
OLD, NEW = generate_keys(), generate_keys()
NAMES = {"issuer": "booking", "audience": "citizen"}


def signed(private: str) -> str:
    return TokenSigner(private, **NAMES).sign({"sub": "a"}, now=NOW, expires_at=NOW + timedelta(hours=1))


def signed_before_keys_had_names(private: str) -> str:
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(private + "="))
    times = {"iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 3600}
    return jwt.encode({"sub": "a", "iss": "booking", "aud": "citizen", **times}, key, algorithm="EdDSA")


def good(token: str, *public_keys: str) -> bool:
    try:
        return bool(TokenVerifier(", ".join(public_keys), **NAMES).verify(token, now=NOW))
    except Unauthenticated:
        return False


def test_a_token_says_which_key_signed_it() -> None:
    head = json.loads(base64.urlsafe_b64decode(signed(OLD[0]).split(".")[0] + "=="))
    assert head == {"alg": "EdDSA", "typ": "JWT", "kid": key_id(OLD[1])}


def test_both_keys_are_good_while_one_turns() -> None:
    assert good(signed(OLD[0]), NEW[1], OLD[1])
    assert good(signed(NEW[0]), NEW[1], OLD[1])


def test_a_key_that_was_dropped_is_worth_nothing() -> None:
    assert not good(signed(OLD[0]), NEW[1])
    assert not good(signed(OLD[0]), NEW[1], generate_keys()[1])


def test_links_of_before_are_those_of_the_oldest_key() -> None:
    link = signed_before_keys_had_names(OLD[0])
    assert good(link, OLD[1])
    assert good(link, NEW[1], OLD[1])
    assert not good(link, OLD[1], NEW[1])


@pytest.mark.parametrize("kid", [7, "", "../../key", None], ids=str)
def test_a_made_up_name_opens_nothing(kid: object) -> None:
    header, payload, signature = signed(generate_keys()[0]).split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "EdDSA", "kid": kid}).encode()).rstrip(b"=").decode()
    for token in (f"{head}.{payload}.{signature}", f"{head}.{payload}.", header, "..", ""):
        assert not good(token, NEW[1], OLD[1])
