"""A service reaches its own keys and channels of Redis, by the commands that it needs, and nothing else.

Generated for every service and every command that the server knows; the server itself refuses.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, ResponseError
from redis.retry import Retry

from contracts.topology import SERVICES
from schalter.embedded import Redis, free_port

FOREIGN = "other:key"
#: Allowed, and without a key or a channel: the connection's own, and scripts, whose calls are looked at one by one.
WITHOUT_KEYS = {
    *("auth", "hello", "ping", "quit", "reset", "select", "client|setname", "client|id", "time"),
    *("script|load", "script|exists", "multi", "exec", "discard", "unwatch", "unsubscribe"),
}


@pytest.fixture(scope="module")
def server(servers_dir: Path) -> Iterator[Redis]:
    users = {service: f"pw-{service}" for service in SERVICES}
    log = servers_dir / "guarded-redis.log"
    with Redis(servers_dir / "guarded", free_port(), password="pw", log=log, users=users, durable=False) as server:
        with Line(server.url) as admin:
            admin.ask("SET", FOREIGN, "kept")
            admin.ask("FUNCTION", "LOAD", "#!lua name=x\nredis.register_function('theirs', function() return 1 end)")
        yield server


class Line:
    """One connection, whose answers are taken as they come."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=5, decode_responses=True)
        self._connection: Any = self._client.connection_pool.get_connection()  # untyped there

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.disconnect()
        self._client.close()

    def ask(self, *words: str) -> Any:
        """The answer. Raises ResponseError, NoPermissionError for what is refused."""
        self._connection.send_command(*words)
        return self._connection.read_response()

    def refuses(self, *words: str) -> bool:
        """Whether the command is refused, and not merely written wrongly."""
        try:
            self.ask(*words)
        except NoPermissionError:
            return True
        except ResponseError as error:
            return "command not allowed" in str(error)  # DEBUG and MODULE: nobody may, on this server
        return False


def commands(server: Redis) -> dict[str, int]:
    """All that the server knows, second words too, with the number of words (negative: that many or more)."""
    with Line(server.url) as admin:
        found: dict[str, int] = {}
        listed = list(admin.ask("COMMAND"))
    for name, words, *_, seconds in (each[:10] for each in listed):
        found.update({second[0]: second[1] for second in seconds} or {name: words})
    return found


def written(name: str, words: int) -> list[list[str]]:
    """The command about somebody else's key, as it may be meant: the number of keys stands in one place or another."""
    head = name.split("|")
    rest = max(abs(words) - len(head), 0 if words > 0 else 1)
    forms = [[FOREIGN] * rest, [FOREIGN] * (rest + (words < 0))]
    forms += [[*form[:at], "1", *form[at + 1 :]] for form in list(forms) for at in range(min(3, len(form) - 1))]
    return [[*head, *form] for form in forms]


def keys_of(admin: Line, form: Sequence[str]) -> list[str]:
    """Which keys the server sees in a command."""
    with suppress(ResponseError):
        return list(admin.ask("COMMAND", "GETKEYS", *form))
    return []


def everything(server: Redis) -> list[Any]:
    """What others have there, and how the server is set."""
    with Line(server.url) as admin:
        asked = (("GET", FOREIGN), ("PTTL", FOREIGN), ("FUNCTION", "LIST"), ("ACL", "LIST"), ("CONFIG", "GET", "*"))
        return [admin.ask(*words) for words in (*asked, ("KEYS", "*"), ("CLIENT", "GETNAME"))]


@pytest.mark.parametrize("service", SERVICES)
def test_of_all_commands_a_service_may_give_those_about_its_own(server: Redis, service: str) -> None:
    known = commands(server)
    assert {"get", "config|set", "shutdown", "script|flush", "scan", "client|tracking"} <= known.keys()
    before = everything(server)
    allowed = set()
    with Line(server.url) as admin, Line(server.user_url(service)) as line:
        for name, words in known.items():
            forms = written(name, words)
            if "no permissions to run" in admin.ask("ACL", "DRYRUN", service, *forms[0]):
                assert line.refuses(*forms[0]), name
                continue
            allowed.add(name)
            meant = [form for form in forms if FOREIGN in keys_of(admin, form)]
            for form in meant:
                assert line.refuses(*form), form
            if not meant and name not in ("publish", "subscribe"):
                assert name in WITHOUT_KEYS, name
        assert line.refuses("PUBLISH", "other:news", "x")
        assert line.refuses("SUBSCRIBE", "other:news")
    assert everything(server) == before
    of_all = {"keys", "scan", "randomkey", "dbsize", "info", "monitor", "shutdown", "flushall", "flushdb", "swapdb"}
    assert not allowed & of_all
    dangerous = ("config", "acl", "function", "debug", "client|kill", "client|tracking", "script|flush", "script|kill")
    assert [name for name in allowed if name.startswith(dangerous)] == []


CALLS = (
    *("'GET', 'other:key'", "'SET', 'other:key', 'mine'", "'DEL', 'other:key'", "'PUBLISH', 'other:news', 'x'"),
    *("'KEYS', '*'", "'SCAN', '0'", "'RANDOMKEY'", "'FLUSHALL'", "'CONFIG', 'GET', '*'", "'SCRIPT', 'FLUSH'"),
)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("call", CALLS)
def test_a_script_may_do_no_more(server: Redis, service: str, call: str) -> None:
    before = everything(server)
    with Line(server.user_url(service)) as line:
        for script in (f"return redis.call({call})", f"return redis.pcall({call})"):
            with pytest.raises(ResponseError, match=r"(?i)acl failure|not allowed|NOPERM|no permissions"):
                line.ask("EVAL", script, "0")
        assert line.refuses("EVAL", "return 1", "1", FOREIGN)
        own = f"{service}:key"
        assert line.ask("EVAL", "redis.call('SET', KEYS[1], '1', 'PX', 50) return redis.call('TIME')", "1", own)
        assert line.ask("DEL", own) == 1
    assert everything(server) == before
