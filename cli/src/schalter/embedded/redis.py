"""Redis on a loopback port, with an append-only file."""

import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from schalter.embedded import tools
from schalter.embedded.network import LOOPBACK
from schalter.embedded.part import Part
from schalter.embedded.process import Program

#: What a service may ask of Redis: its connection, values of its own keys, its scripts, its channels. Not which keys
#: there are (SCAN, RANDOMKEY, CLIENT TRACKING), nor what belongs to all (FLUSHALL, SCRIPT FLUSH, FUNCTION, CONFIG).
MAY: Final = (
    "-@all +auth +hello +ping +quit +reset +select +client|setname +client|id +time"
    " +@string +@hash +@sortedset +@set +@list +@transaction +del +unlink +exists +expire +pexpire +ttl +pttl +type"
    " +eval +evalsha +script|load +script|exists +publish +subscribe +unsubscribe -@admin -@dangerous"
)


def rules(name: str, passwords: Sequence[str]) -> str:
    """What Redis is told of a user: each of `passwords` opens, and only what begins with the user's name is reached, by
    the commands of MAY.
    """
    return f"on {_taken(passwords)} ~{name}:* &{name}:* {MAY}"


def monitor_rules(passwords: Sequence[str]) -> str:
    """What Redis is told of the user `monitor`, who reads the server's figures and no key."""
    return f"on {_taken(passwords)} resetkeys resetchannels -@all +info +ping"


def _taken(passwords: Sequence[str]) -> str:
    return " ".join(f">{password}" for password in passwords)


def bounds(users: Mapping[str, Sequence[str]]) -> str:
    """Lines for redis.conf: how much is kept, and what `users` (name: passwords) may do.

    Nothing is evicted: a hold that vanished would be a slot given twice.
    """
    return "maxmemory 256mb\nmaxmemory-policy noeviction\n" + "".join(
        f"user {name} {rules(name, passwords)}\n" for name, passwords in users.items()
    )


def monitor(passwords: Sequence[str]) -> str:
    """A line for redis.conf: the user `monitor`."""
    return f"user monitor {monitor_rules(passwords)}\n"


class Redis(Part):
    """One Redis server that asks for `password`. At most the last second of writes is lost in a crash."""

    name = "redis"

    def __init__(
        self,
        directory: Path,
        port: int,
        *,
        password: str,
        log: Path,
        users: Mapping[str, str] | None = None,
        durable: bool = True,
        monitor_password: str | None = None,
    ) -> None:
        """`users` (name: password) reach only keys and channels that begin with their name and a colon.

        `directory` keeps data and configuration. Nothing runs before `start`.
        """
        self.directory = directory
        self._users = users or {}
        self.port = port
        self.log = log
        self._password = password
        self._durable = durable
        self._monitor_password = monitor_password

    def prepare(self) -> None:
        """Writes the configuration: a file, because the arguments of a process are public on its machine."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = self.directory / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"bind {LOOPBACK}\nport {self.port}\nrequirepass {self._password}\n"
            f'dir "{self.directory.resolve()}"\nsave ""\n'
            f"appendonly {'yes' if self._durable else 'no'}\nappendfsync everysec\n"
            + bounds({name: (password,) for name, password in self._users.items()})
            + (monitor((self._monitor_password,)) if self._monitor_password else "")
        )

    def program(self) -> Program:
        """Ready means: loaded and answering PING."""
        return Program(
            name=self.name,
            argv=(str(tools.redis_server()), str(self.directory.resolve() / "redis.conf")),
            ready=self._answers,
            log=self.log,
        )

    @property
    def url(self) -> str:
        """The connection URL of the default user, who may do anything."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    def user_url(self, name: str) -> str:
        """The connection URL of one of `users`."""
        return f"redis://{name}:{self._users[name]}@{LOOPBACK}:{self.port}/0"

    @property
    def monitor_url(self) -> str:
        """The connection URL of who reads the server's figures and no key."""
        return f"redis://monitor:{self._monitor_password}@{LOOPBACK}:{self.port}/0"

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
            connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
            received = b""
            while received.count(b"\r\n") < 2 and (more := connection.recv(256)):
                received += more
            return b"+PONG" in received
        return False
