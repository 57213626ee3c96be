"""The bus's configuration and who may do what on it, derived from contracts.topology."""

import json
from dataclasses import dataclass

from contracts.topology import CONSUMES, DEAD_LETTERS, PUBLISHES, SERVICES, STREAMS, durable

MAX_PAYLOAD = "1MB"
OPERATOR = "operator"


@dataclass(frozen=True)
class Permissions:
    """Subjects that a user may publish and subscribe; everything else is refused by the server."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


@dataclass(frozen=True)
class User:
    """A NATS user. `password` is literal, or `$NAME` for an environment variable of the server."""

    name: str
    password: str
    permissions: Permissions | None


def inbox_prefix(service: str) -> str:
    """Replies to a service arrive below this; no other service can listen there."""
    return f"_INBOX_{service}"


def permissions(service: str) -> Permissions:
    """What topology.py lets `service` do: publish its own events, keep its own stream, read what it consumes."""
    publish = [event.SUBJECT for event in PUBLISHES[service]]
    publish += [f"dead.{service}.>", "$JS.API.INFO", "$JS.API.STREAM.NAMES"]
    for stream in (STREAMS[service].name, DEAD_LETTERS.name):
        publish += [f"$JS.API.STREAM.{verb}.{stream}" for verb in ("INFO", "CREATE", "UPDATE")]
    subscribe = [f"{inbox_prefix(service)}.>"]
    sources = {event.SUBJECT.split(".", 1)[0] for event in CONSUMES[service]}
    for source in sorted(sources - {service}):
        publish.append(f"$JS.API.STREAM.INFO.{STREAMS[source].name}")
    for event in CONSUMES[service]:
        stream = STREAMS[event.SUBJECT.split(".", 1)[0]].name
        name = durable(service, event)
        publish += [
            # The filter is part of the subject, so that a consumer cannot be widened to other subjects.
            f"$JS.API.CONSUMER.CREATE.{stream}.{name}.{event.SUBJECT}",
            f"$JS.API.CONSUMER.INFO.{stream}.{name}",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}",
            f"$JS.ACK.{stream}.{name}.>",
            f"$JS.ACK.*.*.{stream}.{name}.>",
        ]
        subscribe.append(f"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{stream}.{name}")
    return Permissions(tuple(publish), tuple(subscribe))


def service_users(passwords: dict[str, str]) -> tuple[User, ...]:
    """A user for every service, and the operator (replay of dead letters), who may do anything."""
    users = [User(service, passwords[service], permissions(service)) for service in SERVICES]
    return (*users, User(OPERATOR, passwords[OPERATOR], None))


def render(
    *, listen: str, store: str, users: tuple[User, ...] = (), sync: str = "always", monitor: str | None = None
) -> str:
    """The server's configuration file.

    `sync` always: an acknowledged message survives a power cut (with the server's default it does not).
    """
    lines = [
        f'listen: "{listen}"',
        *([f'http: "{monitor}"'] if monitor else []),
        'server_name: "schalter"',
        f"max_payload: {MAX_PAYLOAD}",
        "jetstream {",
        f"  store_dir: {json.dumps(store)}",
        f"  sync_interval: {sync}",
        "  max_memory_store: 64MB",
        "  max_file_store: 4GB",
        "}",
    ]
    if users:
        lines += ["authorization {", "  users: [", *(line for user in users for line in _render_user(user)), "  ]", "}"]
    return "\n".join(lines) + "\n"


def _render_user(user: User) -> list[str]:
    password = user.password if user.password.startswith("$") else json.dumps(user.password)
    if user.permissions is None:
        return [f"    {{ user: {user.name}, password: {password} }}"]
    lines = ["    {", f"      user: {user.name}, password: {password}", "      permissions {"]
    for verb, subjects in (("publish", user.permissions.publish), ("subscribe", user.permissions.subscribe)):
        lines += [f"        {verb}: [", *(f"          {json.dumps(subject)}" for subject in subjects), "        ]"]
    return [*lines, "      }", "    }"]
