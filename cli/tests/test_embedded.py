"""PostgreSQL, NATS and Redis really start, serve, and leave nothing behind."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from schalter.embedded import Nats, Part, PartFailedError, Postgres, Redis, free_port
from schalter.embedded.tools import postgres_bin

Eventually = Callable[..., object]


def family(part: Part) -> list[psutil.Process]:
    parent = psutil.Process(part.process.pid)
    return [parent, *parent.children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    return all(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE for process in processes)


def test_postgres_stores_and_lets_a_role_enter_its_own_database_alone(postgres: Postgres) -> None:
    ours, theirs = (postgres.create_database(f"{name}_{secrets.token_hex(3)}", "pw") for name in ("ours", "theirs"))
    with psycopg.connect(ours) as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute(
            "CREATE TABLE t (lane int, during tstzrange, EXCLUDE USING gist (lane WITH =, during WITH &&))"
        )
    user = ours.split("/")[2].split(":")[0]
    stranger = postgres.url(theirs.rsplit("/", 1)[1], user, "pw")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(stranger)


def test_postgres_keeps_its_data_over_a_restart_and_leaves_no_process(servers_dir: Path) -> None:
    server = Postgres(servers_dir / "pg-restart", free_port(), password="pw", log=servers_dir / "pg-restart.log")
    with server:
        url = server.create_database("kept", "first")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE t AS SELECT 42 AS n")
        processes = family(server)
        assert len(processes) > 1
    assert gone(processes)
    with server:
        url = server.create_database("kept", "second")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT n FROM t").fetchone() == (42,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has this problem")
def test_root_below_a_closed_home_gets_programs_and_data_where_postgres_can_reach_them(
    servers_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = servers_dir / "closed-home"
    home.mkdir(mode=0o700)
    shutil.copytree(postgres_bin().parent, home / "pginstall")
    monkeypatch.setattr("schalter.embedded.tools.postgres_bin", lambda: home / "pginstall/bin")
    monkeypatch.setattr("schalter.embedded.postgres._REACHABLE", servers_dir / "reachable")
    server = Postgres(home / "var/postgres", free_port(), password="pw", log=home / "postgres.log", durable=False)
    for _ in range(2):  # the second start finds what the first one made
        with server, psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS t (n int)")
    assert (home / "var/postgres").readlink().parent == servers_dir / "reachable"
    assert len(list((servers_dir / "reachable").iterdir())) == 2


def test_redis_asks_for_its_password(redis_server: Redis) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.ping()
    with (
        redis.Redis(port=redis_server.port, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_a_redis_user_reaches_keys_and_channels_of_its_own_name_alone(servers_dir: Path) -> None:
    server = Redis(
        servers_dir / "acl-redis",
        free_port(),
        password="pw",
        log=servers_dir / "acl-redis.log",
        users={"booking": "b", "signaling": "s"},
        durable=False,
    )
    with server, redis.Redis.from_url(server.user_url("booking")) as client:
        client.set("booking:{demo}:hold", "1", px=1000)
        assert client.eval("return redis.call('GET', KEYS[1])", 1, "booking:{demo}:hold") == b"1"
        client.publish("booking:news", "x")
        for forbidden in (
            lambda: client.get("signaling:seat"),
            lambda: client.publish("signaling:room", "x"),
            client.flushall,
            lambda: client.config_get("requirepass"),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                forbidden()


def test_a_part_whose_port_is_taken_says_so_in_one_line(redis_server: Redis, servers_dir: Path) -> None:
    second = Redis(servers_dir / "second", redis_server.port, password="pw", log=servers_dir / "second.log")
    with pytest.raises(PartFailedError, match=r"redis ended with code 1.*second.log") as failure:
        second.start(seconds=5)
    assert "\n" not in str(failure.value)


def test_stop_ends_redis_and_nats(servers_dir: Path) -> None:
    parts: list[Part] = [
        Redis(servers_dir / "r", free_port(), password="pw", log=servers_dir / "r.log"),
        Nats(servers_dir / "n", free_port(), log=servers_dir / "n.log"),
    ]
    processes = []
    for part in parts:
        with part:
            processes += family(part)
    assert gone(processes)


def test_a_kill_of_the_parent_leaves_nothing_behind(servers_dir: Path, eventually: Eventually) -> None:
    script = """
import json, sys, time
from pathlib import Path
from schalter.embedded.tools import postgres_bin
from schalter.embedded import Nats, Postgres, Redis, free_ports
home = Path(sys.argv[1])
a, b, c = free_ports(3)
parts = [
    Postgres(home / "pg", a, password="pw", log=home / "pg.log", durable=False),
    Nats(home / "nats", b, log=home / "nats.log"),
    Redis(home / "redis", c, password="pw", log=home / "redis.log"),
]
print(json.dumps([part.start().process.pid for part in parts]), flush=True)
time.sleep(60)
"""
    home = servers_dir / "orphans"
    home.mkdir(mode=0o755)
    parent = subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pids = json.loads(parent.stdout.readline())
    processes = [child for pid in pids for child in (psutil.Process(pid), *psutil.Process(pid).children())]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    eventually(lambda: gone(processes))
