"""The bus's configuration and who may do what on it, derived from contracts.topology."""

import json
from dataclasses import dataclass

from contracts.topology import CONSUMES, PUBLISHES, SERVICES, dead_letter_subject, durable, stream_of

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
    """What topology.py lets `service` do: publish its own events and dead letters, take what is for it.

    Nothing else of JetStream: streams and consumers are the operator's (docs/adr/0032).
    """
    publish = [event.SUBJECT for event in PUBLISHES[service]]
    # Each by its name: what an operator replays is what the service consumes, and nothing that it thought up.
    publish += [dead_letter_subject(service, event.SUBJECT) for event in CONSUMES[service]]
    for event in CONSUMES[service]:
        name, stream = durable(service, event), stream_of(event.SUBJECT)
        publish += [
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}",
            f"$JS.API.CONSUMER.INFO.{stream}.{name}",  # how much waits there (chassis.vitals)
            f"$JS.ACK.{stream}.{name}.>",
            # As newer servers write it. Not `*` for the domain: that would be a stream's place in the line above.
            f"$JS.ACK._.*.{stream}.{name}.>",
        ]
    return Permissions(tuple(publish), (f"{inbox_prefix(service)}.>",))


def service_users(passwords: dict[str, str]) -> tuple[User, ...]:
    """A user for every service, and the operator (the topology, dead letters), who may do anything."""
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
