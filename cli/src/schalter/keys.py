"""`schalter keys`: turning the keys that links and sign-ins are signed with, while what they signed stays good."""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from schalter.compose_secrets import write_secrets
from schalter.embedded import SchalterError
from schalter.running.home import Home
from schalter.running.secret_store import SecretStore


class Ring(StrEnum):
    """What has keys that turn: the links in mails, signed by booking, and clerks' sign-ins, signed by casework."""

    links = "links"
    clerks = "clerks"


_STORED: Final[Mapping[Ring, str]] = {Ring.links: "link", Ring.clerks: "clerk"}
#: How long something that a key signed may still be needed: links until long after their appointment, access tokens for
#: ten minutes.
_NEEDED: Final = {Ring.links: timedelta(days=400), Ring.clerks: timedelta(days=1)}

_VOID: Final = {
    Ring.links: "Every link that the old keys signed is dead at once; citizens have to ask for new ones.",
    Ring.clerks: "Every clerk whom the old keys signed in has to sign in again.",
}

keys = typer.Typer(help="The keys that links and sign-ins are signed with.", no_args_is_help=True)
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


@keys.command()
def rotate(ring: Ring, var: _Var = None) -> None:
    """Half a turn: called once it announces another key, called again it lets it sign. Restart after each."""
    place = _Place(var)
    done = place.store.turn(_STORED[ring], _today())
    place.save()
    if done == "announced":
        _out.print(f"Another key for {ring} is made, and will be known after a restart. Nothing is signed with it yet.")
        _out.print(f"{place.restart}, then call this again.", markup=False)
    else:
        _out.print(f"The new key signs {ring} after a restart. What the old one signed stays good.")
        _out.print(f"{place.restart}. Later: schalter keys drop {ring}", markup=False)


@keys.command()
def drop(
    ring: Ring,
    now: Annotated[
        bool, typer.Option("--now", help="Also what is still needed: the key was stolen, and its links shall die.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --now: do not ask.")] = False,
    var: _Var = None,
) -> None:
    """Forgets keys that sign no more, once nothing needs them (links: 400 days); what they signed is void then."""
    place = _Place(var)
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
