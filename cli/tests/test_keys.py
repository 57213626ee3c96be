"""Keys turn, and at no moment does anybody meet a signature that they cannot verify."""

import base64
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from chassis.problems import Unauthenticated
from chassis.tokens import TokenSigner, TokenVerifier
from schalter.compose_secrets import write_secrets
from schalter.main import cli
from schalter.running.secret_store import SecretStore

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
NAMES = {"issuer": "booking", "audience": "citizen"}


def link_without_a_name(private: str) -> str:
    """As it was mailed before keys had names."""
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(private + "="))
    times = {"iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 3600}
    return jwt.encode({"sub": "a", "iss": "booking", "aud": "citizen", **times}, key, algorithm="EdDSA")


def link(private: str) -> str:
    return TokenSigner(private, **NAMES).sign({"sub": "a"}, now=NOW, expires_at=NOW + timedelta(hours=1))


def opens(token: str, public_keys: str) -> bool:
    try:
        return bool(TokenVerifier(public_keys, **NAMES).verify(token, now=NOW))
    except Unauthenticated:
        return False


def test_every_link_opens_everywhere_whoever_has_been_restarted_and_who_not(tmp_path: Path) -> None:
    """Between two steps some processes know what was before, and some what is now."""
    store = SecretStore(tmp_path / "secrets.json")
    seen = [(store.key_pair("link")[0], store.public_keys("link"))]
    oldest = link_without_a_name(seen[0][0])
    for _ in range(4):
        store.turn("link", date(2026, 11, 30))
        seen.append((store.key_pair("link")[0], store.public_keys("link")))
        (before, knew), (now, knows) = seen[-2:]
        assert all(opens(link(signer), keys) for signer in (before, now) for keys in (knew, knows))
        assert opens(oldest, knows)
    assert len({private for private, _ in seen}) == 3
    assert all(opens(link(private), seen[-1][1]) for private, _ in seen), "old links stay good"


def test_what_was_retired_long_enough_is_dropped_and_its_links_are_dead(tmp_path: Path) -> None:
    store = SecretStore(tmp_path / "secrets.json")
    old, key = store.key_pair("link")
    for _ in range(2):
        store.turn("link", date(2026, 11, 30))
    assert store.drop("link", date(2026, 11, 29)) == []
    store.save()
    store = SecretStore(tmp_path / "secrets.json")
    assert store.drop("link", date(2026, 11, 30)) == [key]
    assert not opens(link(old), store.public_keys("link"))
    assert opens(link(store.key_pair("link")[0]), store.public_keys("link"))


@pytest.fixture
def installed(tmp_path: Path, offices_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The secrets of compose, as the container `secrets` sees them."""
    write_secrets(tmp_path, offices_dir)
    monkeypatch.setenv("SCHALTER_SECRETS_DIR", str(tmp_path))
    return tmp_path


def run(*arguments: str, answer: str = "") -> str:
    done = CliRunner().invoke(cli, ["keys", *arguments], input=answer)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_operator_turns_the_keys_of_links_by_two_calls(installed: Path) -> None:
    signer, clerks = installed / "booking/schalter_link_private_key", installed / "payment/schalter_clerk_public_key"
    told = [installed / service / "schalter_link_public_key" for service in ("booking", "payment", "signaling")]
    first, clerk_key = signer.read_text(), clerks.read_text()
    assert "docker compose restart booking" in run("rotate", "links")
    assert signer.read_text() == first, "nobody signs yet with what others do not know"
    assert {len(path.read_text().split(",")) for path in told} == {2}
    assert "is announced" in run("list")
    assert "stays good" in run("rotate", "links")
    assert signer.read_text() != first
    assert all(opens(link(first), path.read_text()) for path in told)
    assert clerks.read_text() == clerk_key
    assert "Nothing to forget; 1 are needed until" in run("drop", "links")
    refused = CliRunner().invoke(cli, ["keys", "drop", "links", "--now"], input="n\n")
    assert (refused.exit_code, "is dead at once" in refused.output) == (1, True)
    assert all(opens(link(first), path.read_text()) for path in told), "who does not mean it has lost nothing"
    assert "1 forgotten" in run("drop", "links", "--now", answer="y\n")
    assert not any(opens(link(first), path.read_text()) for path in told)
    assert (installed / "casework/demo-clerks.json").exists(), "a trial stays one"


def test_without_secrets_it_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["keys", "list", "--var", str(tmp_path)])
    assert "There are no secrets yet" in str(done.exception)
