"""Redis' passwords turn under load, and not one request fails."""

import json
import threading
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry
from typer.testing import CliRunner

from schalter.embedded import Redis, free_port
from schalter.embedded.redis import rules
from schalter.main import cli
from schalter.running.secret_store import SecretStore


def once(url: str) -> None:
    """A new connection, and a word over it."""
    with redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client:
        client.set("booking:x", "1")


class Load:
    """Asks without a pause, over a connection that stays and over new ones. `url` is what it was given last."""

    def __init__(self, url: str) -> None:
        self.url, self.asked, self.failed = url, 0, list[str]()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), single_connection_client=True) as stays:
            while not self._done.is_set():
                try:
                    stays.set("booking:stays", "1")
                    once(self.url)
                except redis.RedisError as error:
                    self.failed.append(str(error))
                self.asked += 1

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def goes_on(self) -> None:
        """Returns after a hundred more requests."""
        until = self.asked + 100
        while self.asked < until:
            self._done.wait(0.01)


def test_whoever_has_been_restarted_and_who_not(servers_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    store = SecretStore(file)
    first = store.password("redis_booking")
    users = {service: store.password(f"redis_{service}") for service in ("booking", "signaling")}
    own, looks = store.password("redis"), store.password("redis_monitor")
    store.save()

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["keys", *arguments, "--var", str(tmp_path)])
        assert done.exit_code == 0, done.output + str(done.exception)
        return done.output

    log = servers_dir / "keys-redis.log"
    with Redis(
        servers_dir / "keys", free_port(), password=own, log=log, users=users, durable=False, monitor_password=looks
    ) as server:
        (tmp_path / "up.json").write_text(json.dumps({"ports": {"postgres": 1, "nats": 1, "redis": server.port}}))
        with Load(server.user_url("booking")) as old, Load(server.user_url("booking")) as load:
            for _ in range(2):
                assert "Nobody enters with it yet" in run("rotate", "redis")
                load.goes_on()
                untold = CliRunner().invoke(cli, ["keys", "rotate", "redis", "--yes", "--var", str(tmp_path)])
                assert "Redis does not know the new password" in str(untold.exception)
                assert SecretStore(file).stage("redis_booking") == "announced", "nothing was taken into use"
                assert "Redis takes the passwords of booking, signaling, monitor" in run("tell-redis")
                old.goes_on()
                assert "the old one is taken as well" in run("rotate", "redis")
                run("tell-redis")
                load.goes_on()  # nobody has been restarted yet
                current = SecretStore(file).password("redis_booking")
                load.url = old.url = f"redis://booking:{current}@127.0.0.1:{server.port}/0"
                load.goes_on()
                assert "is forgotten" in run("drop", "redis", "--yes")
                run("tell-redis")
                load.goes_on()
                old.goes_on()
        assert (load.failed, old.failed) == ([], [])
        with pytest.raises(AuthenticationError):
            once(server.user_url("booking"))
        with redis.Redis.from_url(server.url) as client:
            acl = client.acl_getuser("booking")
        assert len(acl["passwords"]) == 1
        assert first not in rules("booking", SecretStore(file).passwords("redis_booking"))
        assert "flushall" not in str(acl["commands"])


def test_a_second_turn_waits_until_the_first_is_over(tmp_path: Path) -> None:
    store = SecretStore(tmp_path / "secrets.json")
    for _ in range(2):
        store.turn_password("turn")
    store.save()
    done = CliRunner().invoke(cli, ["keys", "rotate", "turn", "--var", str(tmp_path)])
    assert "Drop it first" in str(done.exception)
    assert len(SecretStore(tmp_path / "secrets.json").passwords("turn")) == 2


def test_a_redis_that_does_not_answer_is_not_taken_for_one_that_was_told(tmp_path: Path) -> None:
    store = SecretStore(tmp_path / "secrets.json")
    store.save()
    ports = {"postgres": 1, "nats": 1, "redis": free_port()}
    (tmp_path / "up.json").write_text(json.dumps({"ports": ports}))
    call = ["keys", "rotate", "redis", "--yes", "--var", str(tmp_path)]
    assert "schalter keys tell-redis" in CliRunner().invoke(cli, call).output
    assert "Redis cannot be reached" in str(CliRunner().invoke(cli, call).exception)
    assert SecretStore(tmp_path / "secrets.json").stage("redis_booking") == "announced"
    (tmp_path / "up.json").unlink()  # ended: its next start hands out everything
    assert "is in use after this" in CliRunner().invoke(cli, call).output
