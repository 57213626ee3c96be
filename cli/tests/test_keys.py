"""Keys turn, and at no moment does anybody meet a signature that they cannot verify."""

import base64
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from chassis.problems import Unauthenticated
from chassis.tokens import TokenSigner, TokenVerifier
from schalter import compose_secrets
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
    assert "stays good" in run("rotate", "links", answer="y\n")
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


def taken_by_turn(installed: Path) -> set[str]:
    """What a TURN server takes that starts now."""
    return set(re.findall(r"static-auth-secret=(\S+)", (installed / "turn/turnserver.conf").read_text()))


def broken_off(monkeypatch: pytest.MonkeyPatch, *arguments: str, files: int) -> None:
    """Calls it while the disk has room for the store and so many `files`."""
    write, left = compose_secrets._write, iter(range(files))

    def full(path: Path, content: str) -> None:
        if (not path.exists() or path.read_text() != content) and next(left, None) is None:
            raise OSError(28, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(compose_secrets, "_write", full)
        done = CliRunner().invoke(cli, ["keys", *arguments])
    assert isinstance(done.exception, OSError), done.output


@pytest.mark.parametrize(("ring", "files"), [("turn", 0), ("redis", 0), ("links", 0), ("links", 3)])
def test_a_first_half_that_broke_off_is_finished_by_the_next_call(
    installed: Path, monkeypatch: pytest.MonkeyPatch, ring: str, files: int
) -> None:
    used = {name: (installed / name).read_text() for name in USED}
    broken_off(monkeypatch, "rotate", ring, files=files)
    again = run("rotate", ring, "--yes")
    assert "broke off" in again
    assert "is made" in again
    assert {name: (installed / name).read_text() for name in USED} == used, "nobody uses what no server was told"
    assert compose_secrets.written(installed)


#: What those enter with, or sign with, who use a secret.
USED = ("signaling/schalter_turn_secret", "booking/schalter_redis_url", "booking/schalter_link_private_key")


@pytest.mark.parametrize("files", [0, 1])
def test_a_second_half_that_broke_off_is_finished_by_the_next_call(
    installed: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    run("rotate", "turn")
    server = taken_by_turn(installed)
    broken_off(monkeypatch, "rotate", "turn", "--yes", files=files)
    assert (installed / "signaling/schalter_turn_secret").read_text() in server
    again = run("rotate", "turn")
    assert "docker compose restart signaling" in again
    assert (installed / "signaling/schalter_turn_secret").read_text() in server
    seen_by_nobody = CliRunner().invoke(cli, ["keys", "rotate", "turn"])
    assert "docker compose restart signaling" in str(seen_by_nobody.exception)
    assert compose_secrets.written(installed)


def test_a_drop_that_broke_off_is_finished_by_the_next_call(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        run("rotate", "turn", "--yes")
    broken_off(monkeypatch, "drop", "turn", "--yes", files=0)
    assert len(taken_by_turn(installed)) == 2
    assert "docker compose restart turn" in run("drop", "turn")
    assert taken_by_turn(installed) == {(installed / "signaling/schalter_turn_secret").read_text()}
    assert "docker compose restart turn" in run("drop", "turn"), "who did not see the last answer is told again"


def test_what_breaks_off_before_the_store_has_done_nothing(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (installed / "store/secrets.json").read_text()
    with monkeypatch.context() as patched:
        patched.setattr(SecretStore, "save", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        assert CliRunner().invoke(cli, ["keys", "rotate", "turn"]).exit_code == 1
    assert (installed / "store/secrets.json").read_text() == before
    assert "is made" in run("rotate", "turn")


@pytest.mark.parametrize(
    ("ring", "between"),
    [
        ("turn", "docker compose restart turn"),
        ("redis", "docker compose run --rm operator schalter keys tell-redis"),
        ("links", "docker compose restart booking"),
        ("clerks", "docker compose restart booking"),
    ],
)
@pytest.mark.parametrize("answer", ["", "n\n"])
def test_a_half_called_twice_by_mistake_takes_nothing_into_use(
    installed: Path, ring: str, between: str, answer: str
) -> None:
    run("rotate", ring)
    before = (installed / "store/secrets.json").read_text()
    second = CliRunner().invoke(cli, ["keys", "rotate", ring], input=answer)
    assert (second.exit_code, between in second.output) == (1, True), second.output
    assert (installed / "store/secrets.json").read_text() == before
    run("rotate", ring, answer="y\n")


@pytest.mark.parametrize(("ring", "between"), [("turn", "restart signaling"), ("redis", "restart booking signaling")])
def test_a_secret_is_not_dropped_while_somebody_may_enter_with_it(installed: Path, ring: str, between: str) -> None:
    for _ in range(2):
        run("rotate", ring, "--yes")
    refused = CliRunner().invoke(cli, ["keys", "drop", ring])
    assert (refused.exit_code, between in refused.output) == (1, True)
    assert "is forgotten" in run("drop", ring, answer="y\n")


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "turnserver.conf"
    compose_secrets._write(path, "before")
    real = Path.write_text

    def half(self: Path, text: str) -> int:
        real(self, text[:2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", half)
        with pytest.raises(OSError, match="No space"):
            compose_secrets._write(path, "after")
    assert path.read_text() == "before"
    compose_secrets._write(path, "after")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("turnserver.conf", "after")]
