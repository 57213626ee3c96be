"""`schalter keys`: turning what is secret, while everybody goes on who has the old one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import Console

from schalter.compose_secrets import USERS_OF_REDIS, write_secrets, written
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
        self.home = Home.find(var)
        store = Path(self._compose) / "store" if self._compose else self.home.var
        path = store / "secrets.json"
        if not path.is_file():
            raise SchalterError(f"There are no secrets yet: {path}. Start Schalter once.")
        self.store = SecretStore(path)

    def save(self) -> None:
        """Keeps what changed, and hands it to the containers that may read it."""
        self.store.save()
        if self._compose:
            trial = Path(self._compose) / "casework" / "demo-clerks.json"
            write_secrets(Path(self._compose), self.home.offices, demo=trial.exists())

    @property
    def broke_off(self) -> bool:
        """Whether containers were not handed what the store holds, by a full disk or a kill. `save` mends it."""
        return bool(self._compose) and not written(Path(self._compose or ""))

    def stage(self, ring: Ring) -> Literal["announced", "used"] | None:
        """Which half of a turn of `ring` was the last; None when none is under way."""
        if ring in _SHARED:
            stages = {self.store.stage(name) for name in _SHARED[ring].names}
            return "announced" if "announced" in stages else "used" if "used" in stages else None
        if self.store.announced(_STORED[ring]):
            return "announced"
        return "used" if self.store.retired(_STORED[ring]) else None

    def told(self, ring: Ring) -> str:
        """How those who accept a secret of `ring` get to know another one."""
        if ring not in _SHARED:
            return self.restart
        if self.has_redis(ring):
            return "schalter keys tell-redis"
        return self.then(_SHARED[ring].server)

    def has_redis(self, ring: Ring) -> bool:
        """Whether `ring` is Redis' and it can be asked: compose's secrets are turned where there is no network."""
        return ring is Ring.redis and not self._compose and self.home.state.exists()

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
def rotate(
    ring: Ring,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: what the first half said is to be done has been done.")
    ] = False,
    var: _Var = None,
) -> None:
    """Half a turn: called once it makes another one and announces it, called again it takes it into use.

    A half that broke off is finished by calling it again.
    """
    place = _Place(var)
    stage = place.stage(ring)
    if stage and place.broke_off:
        _out.print("The last call broke off before everything was written. This finishes it, and does no more.")
    else:
        if stage == "announced":
            _make_sure(place, ring, yes=yes)
        stage = _turn(place, ring)
    place.save()
    _say(place, ring, stage)


def _make_sure(place: _Place, ring: Ring, *, yes: bool) -> None:
    """Ends the command unless who accepts secrets of `ring` knows the announced one: its use would shut people out."""
    if place.has_redis(ring):
        _ask_redis(place)
        return
    _out.print(f"To be done after the first half: {place.told(ring)}.", markup=False)
    if not yes:
        typer.confirm("Has it been done since? If not, what is new is refused. (Scripts: --yes)", abort=True)


def _ask_redis(place: _Place) -> None:
    """Enters the running Redis with every password that is announced. Raises SchalterError when one is refused."""
    from redis import Redis
    from redis.exceptions import AuthenticationError, RedisError

    address = Installation.running(place.home).redis
    for name in _SHARED[Ring.redis].names:
        for password in place.store.passwords(name):
            user = name.removeprefix("redis_")
            try:
                with Redis.from_url(
                    f"redis://{user}:{password}@{address}/0", socket_timeout=5, socket_connect_timeout=5
                ) as client:
                    client.ping()
            except AuthenticationError:
                raise SchalterError(
                    f"Redis does not know the new password of {user} yet, so nothing was changed. "
                    "First: schalter keys tell-redis, then call this again."
                ) from None
            except RedisError as error:
                raise unreachable("Redis", error) from None


def _turn(place: _Place, ring: Ring) -> Literal["announced", "used"]:
    """The next half in the store. Raises SchalterError while the secret before is still taken."""
    store = place.store
    if ring not in _SHARED:
        return "announced" if store.turn(_STORED[ring], _today()) == "announced" else "used"
    shared = _SHARED[ring]
    stage = place.stage(ring)
    if stage == "used":
        raise SchalterError(
            f"The one before is still taken. If not done yet: {place.then(shared.users)}. "
            f"Drop it first: schalter keys drop {ring}"
        )
    # A user whom an update brought between both halves has nothing announced, and turns the next time.
    for name in shared.names:
        if stage is None or store.stage(name) == "announced":
            store.turn_password(name)
    return "announced" if stage is None else "used"


def _say(place: _Place, ring: Ring, stage: Literal["announced", "used"]) -> None:
    """What the half did, and what is to be done next."""
    if ring not in _SHARED and stage == "announced":
        _out.print(f"Another key for {ring} is made, and will be known after a restart. Nothing is signed with it yet.")
        _out.print(f"{place.restart}, then call this again.", markup=False)
    elif ring not in _SHARED:
        _out.print(f"The new key signs {ring} after a restart. What the old one signed stays good.")
        _out.print(f"{place.restart}. Later: schalter keys drop {ring}", markup=False)
    elif stage == "announced":
        _out.print(f"Another secret for {ring} is made. Nobody enters with it yet; let the server take both:")
        _out.print(f"{place.told(ring)}, then call this again.", markup=False)
    else:
        _out.print(f"The new secret for {ring} is in use after this; the old one is taken as well:")
        _out.print(f"{place.then(_SHARED[ring].users)}. Then: schalter keys drop {ring}", markup=False)


def _drop_shared(place: _Place, ring: Ring, *, yes: bool) -> None:
    stage = place.stage(ring)
    if stage == "announced" or (stage is None and not place.broke_off):
        _out.print(f"Nothing to forget. If not done since the last time: {place.told(ring)}.", markup=False)
        return
    if stage and not yes:
        _out.print(f"To be done before: {place.then(_SHARED[ring].users)}.", markup=False)
        typer.confirm("Has it been done? If not, they are shut out. (Scripts: --yes)", abort=True)
    for name in _SHARED[ring].names:
        place.store.drop_password(name)
    place.save()
    _out.print(f"The old secret for {ring} is forgotten. {place.told(ring)}: it is refused then.", markup=False)


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
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    var: _Var = None,
) -> None:
    """Forgets what is retired: keys once nothing needs them (links: 400 days; what they signed is void then), secrets
    of servers at once.
    """
    place = _Place(var)
    if ring in _SHARED:
        _drop_shared(place, ring, yes=yes)
        return
    if now and place.store.retired(_STORED[ring]) and not yes:
        typer.confirm(f"{_VOID[ring]} Go on?", abort=True)
    gone = place.store.drop(_STORED[ring], _today() - (timedelta(0) if now else _NEEDED[ring]))
    if not gone and not place.broke_off:
        kept = place.store.retired(_STORED[ring])
        why = f"; {len(kept)} are needed until {min(kept.values()) + _NEEDED[ring]}" if kept else ""
        _out.print(f"Nothing to forget{why}.", markup=False)
        return
    place.save()
    _out.print(f"{len(gone)} forgotten. {place.restart}.", markup=False)
