"""Loopback ports."""

import http.client
import socket
from contextlib import ExitStack, closing, suppress

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """`count` different loopback TCP ports that are free right now.

    Another program may still take one before it is used: the part then says so and is started again.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


def free_port() -> int:
    """One free loopback TCP port."""
    return free_ports(1)[0]


def accepts(port: int, host: str = LOOPBACK) -> bool:
    """Whether somebody listens on `port`."""
    with suppress(OSError), socket.create_connection((host, port), timeout=0.5):
        return True
    return False


def is_taken(port: int) -> bool:
    """Whether somebody else holds `port`. Raises PermissionError for a port that this user may not use."""
    if accepts(port):
        return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except PermissionError:
            raise
        except OSError:
            return True
    return False


def http_status(port: int, path: str) -> int | None:
    """The status that a GET of `path` is answered with, or None when there is no answer within two seconds."""
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=2)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
