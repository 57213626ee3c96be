"""The small commands."""

import importlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contracts.topology import SERVICES
from schalter.embedded import SchalterError
from schalter.nats_config import OPERATOR, render, service_users
from schalter.offices import read_offices
from schalter.running.home import Home

#: What has an HTTP interface: the services, and the technical check's own process.
DESCRIBED: Final = {**{service: f"{service}.app" for service in SERVICES}, "signaling-check": "signaling.check_app"}


def openapi(name: str, home: Home) -> str:
    """The OpenAPI document of one of `DESCRIBED`, as JSON."""
    with standing_in(home):
        document = importlib.import_module(DESCRIBED[name]).build().openapi()
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write_openapi(directory: Path, home: Home) -> Iterator[Path]:
    """Writes `{name}.json` for all of `DESCRIBED`."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in DESCRIBED:
        path = directory / f"{name}.json"
        path.write_text(openapi(name, home))
        yield path


def write_mails(directory: Path, home: Home, office: str | None) -> str:
    """Writes every mail below `directory`; the page that shows them. Raises SchalterError for an unknown office."""
    offices = read_offices(home.offices)[0]
    if office is not None and office not in offices:
        raise SchalterError(f"There is no office {office!r}. There are: {', '.join(offices)}.")
    *_, index = importlib.import_module("notify.preview").write(directory, home.offices, office)
    return str(index)


@contextmanager
def standing_in(home: Home) -> Iterator[None]:
    """A block in which services can be built: what the environment does not set, `stand_ins` sets."""
    before = dict(os.environ)
    os.environ.update(stand_ins(home) | before)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def stand_ins(home: Home) -> dict[str, str]:
    """Settings that a service needs to be built, not to be described: nothing connects to these addresses."""
    from chassis.tokens import generate_keys  # heavy, and needed here only

    private, public = generate_keys()
    nowhere = "127.0.0.1:9"
    return {
        "SCHALTER_ENVIRONMENT": "development",
        "SCHALTER_DATABASE_URL": f"postgresql://nobody:none@{nowhere}/none",
        "SCHALTER_NATS_URL": f"nats://{nowhere}",
        "SCHALTER_REDIS_URL": f"redis://{nowhere}",
        "SCHALTER_PUBLIC_URL": f"http://{nowhere}",
        "SCHALTER_OFFICES_DIR": str(home.offices),
        "SCHALTER_LINK_PRIVATE_KEY": private,
        "SCHALTER_LINK_PUBLIC_KEY": public,
        "SCHALTER_CLERK_PRIVATE_KEY": private,
        "SCHALTER_CLERK_PUBLIC_KEY": public,
        "SCHALTER_SMTP_HOST": "127.0.0.1",
        "SCHALTER_SMTP_PORT": "9",
        "SCHALTER_PAYPAL_API_URL": f"http://{nowhere}",
        "SCHALTER_PAYPAL_CERT_ORIGIN": f"http://{nowhere}",
        "SCHALTER_PAYPAL_CLIENT_ID": "none",
        "SCHALTER_PAYPAL_CLIENT_SECRET": "none",
        "SCHALTER_PAYPAL_WEBHOOK_ID": "none",
        "SCHALTER_TURN_SECRET": "none",
    }


def compose_nats_config() -> str:
    """The NATS configuration of docker-compose.yml; the passwords come from a file that `schalter secrets` writes.

    They must begin with a letter: the server would read digits as a number.
    """
    users = service_users({name: f"$NATS_PASSWORD_{name.upper()}" for name in (*SERVICES, OPERATOR)})
    head = "# Made by `schalter nats-config` from libs/contracts (topology.py). Do not edit.\n"
    head += 'include "secrets/passwords.conf"\n'
    return head + render(listen="0.0.0.0:4222", monitor="0.0.0.0:8222", store="/data", users=users)


def read(secret: Path) -> str:
    """What a file of secrets holds. Raises SchalterError when it is not there."""
    try:
        return secret.read_text().strip()
    except OSError as error:
        raise SchalterError(f"{secret} cannot be read: {error.strerror}") from None
