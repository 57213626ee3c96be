"""`schalter keys`: turning what is secret, while everybody goes on who has the old one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from schalter.compose_secrets import USERS_OF_REDIS, write_secrets
from schalter.embedded import SchalterError
from schalter.embedded.errors import unreachable
from schalter.embedded.redis import monitor_rules, rules
from schalter.installation import Installation
from schalter.running.home import Home
from schalter.running.secret_store import SecretStore


class Ring(StrEnum):
    """What turns: keys of the links in mails, signed by booking, and of clerks' sign-ins, signed by casework; the
    secret that the TURN server shares with signaling; the passwords by which services and the exporter enter Redis.
    """

    links = "links"
    clerks = "clerks"
    turn = "turn"
    redis = "redis"


_STORED: Final[Mapping[Ring, str]] = {Ring.links: "link", Ring.clerks: "clerk"}
#: How long something that a key signed may still be needed: links until long after their appointment, access tokens for
#: ten minutes.
_NEEDED: Final = {Ring.links: timedelta(days=400), Ring.clerks: timedelta(days=1)}


@dataclass(frozen=True)
class _Shared:
    """A secret that a server and those who enter there have in common."""

    names: tuple[str, ...]
    #: In compose: how the server takes what there is now, and how those get it who enter there.
    server: str
    users: str


_SHARED: Final[Mapping[Ring, _Shared]] = {
    Ring.turn: _Shared(
        ("turn",),
        "docker compose restart turn (it reads it at its start alone; calls that are relayed pause for some seconds)",
        "docker compose restart signaling",
    ),
    Ring.redis: _Shared(
        (*(f"redis_{service}" for service in USERS_OF_REDIS), "redis_monitor"),
        "docker compose run --rm operator schalter keys tell-redis",
        "docker compose restart booking signaling exporter",
    ),
}
_VOID: Final = {
    Ring.links: "Every link that the old keys signed is dead at once; citizens have to ask for new ones.",
    Ring.clerks: "Every clerk whom the old keys signed in has to sign in again.",
}

keys = typer.Typer(help="Keys and passwords that turn.", no_args_is_help=True)
_out = Console(soft_wrap=True, highlight=False)
_Var = Annotated[Path | None, typer.Option(help="Where data, logs and secrets are kept [default: var/].")]


class _Place:
    """Where the secrets are: of compose below SCHALTER_SECRETS_DIR, else of `schalter up`."""

    def __init__(self, var: Path | None) -> None:
        self._compose = os.environ.get("SCHALTER_SECRETS_DIR")
        store = Path(self._compose) / "store" if self._compose else Home.find(var).var
        path = store / "secrets.json"
        if not path.is_file():
            raise SchalterError(f"There are no secrets yet: {path}. Start Schalter once.")
        self.store = SecretStore(path)

    def save(self) -> None:
        """Keeps what changed, and hands it to the containers that may read it."""
        self.store.save()
        if self._compose:
            trial = Path(self._compose) / "casework" / "demo-clerks.json"
            write_secrets(Path(self._compose), Home.find().offices, demo=trial.exists())

    def then(self, command: str) -> str:
        """What is to be done next: `command` in compose; `schalter up` hands out everything at its start."""
        return command if self._compose else "Restart it"

    @property
    def restart(self) -> str:
        return "docker compose restart booking signaling casework payment notify" if self._compose else "Restart it"


def _today() -> date:
    return datetime.now(UTC).date()


@keys.command("list")
def list_keys(var: _Var = None) -> None:
    """Shows which key signs, which is announced, and whose old signatures are still good."""
    from chassis.tokens import key_id

    store = _Place(var).store
    for ring, name in _STORED.items():
        _out.print(f"{ring}: {key_id(store.key_pair(name)[1])} signs")
        if announced := store.announced(name):
            _out.print(f"{ring}: {key_id(announced)} is announced, signs after the next `schalter keys rotate {ring}`")
        for key, since in store.retired(name).items():
            _out.print(f"{ring}: {key_id(key)} signs no more since {since}; what it signed is good")
    for ring, shared in _SHARED.items():
        _out.print(f"{ring}: {len(store.passwords(shared.names[0]))} taken")


@keys.command()
def rotate(ring: Ring, var: _Var = None) -> None:
    """Half a turn: called once it makes another one and announces it, called again it takes it into use."""
    place = _Place(var)
    if ring in _SHARED:
        _rotate_shared(place, ring)
        return
    done = place.store.turn(_STORED[ring], _today())
    place.save()
    if done == "announced":
        _out.print(f"Another key for {ring} is made, and will be known after a restart. Nothing is signed with it yet.")
        _out.print(f"{place.restart}, then call this again.", markup=False)
    else:
        _out.print(f"The new key signs {ring} after a restart. What the old one signed stays good.")
        _out.print(f"{place.restart}. Later: schalter keys drop {ring}", markup=False)


def _rotate_shared(place: _Place, ring: Ring) -> None:
    shared = _SHARED[ring]
    done = {place.store.turn_password(name) for name in shared.names}
    place.save()
    if "announced" in done:
        _out.print(f"Another secret for {ring} is made. Nobody enters with it yet; let the server take both:")
        _out.print(f"{place.then(shared.server)}, then call this again.", markup=False)
    else:
        _out.print(f"The new secret for {ring} is in use after this; the old one is taken as well:")
        _out.print(f"{place.then(shared.users)}. Then: schalter keys drop {ring}", markup=False)


def _drop_shared(place: _Place, ring: Ring) -> None:
    shared = _SHARED[ring]
    if not sum(place.store.drop_password(name) for name in shared.names):
        _out.print("Nothing to forget.")
        return
    place.save()
    _out.print(
        f"The old secret for {ring} is forgotten. {place.then(shared.server)}: it is refused then.", markup=False
    )


@keys.command("tell-redis")
def tell_redis(var: _Var = None) -> None:
    """Lets the running Redis take the passwords that there are now, and no others. Nobody who is connected notices."""
    from redis import Redis  # heavy, and needed here alone
    from redis.exceptions import RedisError

    installation = Installation.running(Home.find(var))
    store, url = installation.secrets, f"redis://:{installation.secrets.password('redis')}@{installation.redis}/0"
    told = {service: rules(service, store.passwords(f"redis_{service}")) for service in USERS_OF_REDIS}
    told["monitor"] = monitor_rules(store.passwords("redis_monitor"))
    try:
        with Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            for user, said in told.items():
                client.execute_command("ACL", "SETUSER", user, "resetpass", *said.split())
    except RedisError as error:
        raise unreachable("Redis", error) from None
    _out.print(f"Redis takes the passwords of {', '.join(told)}.")


@keys.command()
def drop(
    ring: Ring,
    now: Annotated[
        bool, typer.Option("--now", help="Also what is still needed: the key was stolen, and its links shall die.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --now: do not ask.")] = False,
    var: _Var = None,
) -> None:
    """Forgets what is retired: keys once nothing needs them (links: 400 days; what they signed is void then), secrets
    of servers at once.
    """
    place = _Place(var)
    if ring in _SHARED:
        _drop_shared(place, ring)
        return
    if now and place.store.retired(_STORED[ring]) and not yes:
        typer.confirm(f"{_VOID[ring]} Go on?", abort=True)
    gone = place.store.drop(_STORED[ring], _today() - (timedelta(0) if now else _NEEDED[ring]))
    if not gone:
        kept = place.store.retired(_STORED[ring])
        why = f"; {len(kept)} are needed until {min(kept.values()) + _NEEDED[ring]}" if kept else ""
        _out.print(f"Nothing to forget{why}.", markup=False)
        return
    place.save()
    _out.print(f"{len(gone)} forgotten. {place.restart}.", markup=False)
