"""The secrets of docker-compose.yml: made once, each written where one container alone can read it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from contracts.topology import SERVICES
from schalter import turn_config
from schalter.embedded.redis import bounds, monitor
from schalter.nats_config import OPERATOR
from schalter.offices import read_offices
from schalter.running.clerks import DemoClerk, demo_clerks
from schalter.running.secret_store import SecretStore

_DATABASE_HOST: Final = "postgres:5432"
_REDIS_HOST: Final = "redis:6379"
USERS_OF_REDIS: Final = ("booking", "signaling")
#: Whom containers run as that need be nobody else: `user` in docker-compose.yml, and in deploy/docker/Dockerfile.
USER: Final = 10001
_PAYPAL: Final = ("client_secret", "webhook_id")


def write_secrets(directory: Path, offices: Path, *, demo: bool = True) -> list[DemoClerk]:
    """Write every secret below `directory`: a folder per container, and `store/` with what they are made from.

    What exists stays as it is, so that a second run changes nothing. Returns the demo clerks with their passwords;
    without `demo` there are none, and casework is told of those that a trial left, to close their accounts.
    """
    (directory / "store").mkdir(parents=True, exist_ok=True)
    secrets = SecretStore(directory / "store" / "secrets.json")
    kept, told = directory / "store" / "demo-clerks.json", directory / "casework" / "demo-clerks.json"
    clerks = demo_clerks(kept, read_offices(offices)[0]) if demo else []
    for path, content in _files(secrets):
        _write(directory / path, content)
    if demo:
        _write(told, kept.read_text())
    else:
        told.unlink(missing_ok=True)
        if kept.exists():
            _write(directory / "casework" / "former-demo-clerks.json", kept.read_text())
    secrets.save()
    return clerks


def written(directory: Path) -> bool:
    """Whether containers have below `directory` what the store there says: not so when the last writing broke off."""
    files = _files(SecretStore(directory / "store" / "secrets.json"))
    return all((directory / path).is_file() and (directory / path).read_text() == text for path, text in files)


def give_volumes(directory: Path) -> None:
    """Makes all below `directory`, a folder per volume, our containers' user's; images alone know no owner for them."""
    for path in (each for volume in directory.iterdir() for each in (volume, *volume.rglob("*"))):
        os.chown(path, USER, USER, follow_symlinks=False)


def _files(secrets: SecretStore) -> Iterator[tuple[str, str]]:
    yield "postgres/postgres", secrets.password("postgres")
    yield "redis/redis.conf", _redis_conf(secrets)
    users = (*SERVICES, OPERATOR)
    yield "nats/passwords.conf", "".join(f"NATS_PASSWORD_{u.upper()}: {secrets.password(f'nats_{u}')}\n" for u in users)
    yield "bus/operator", secrets.password(f"nats_{OPERATOR}")
    looks, reads = secrets.password("postgres_monitor"), secrets.password("redis_monitor")
    yield "postgres/monitor", looks
    yield "exporter/schalter_monitor_postgres_url", f"postgresql://monitor:{looks}@{_DATABASE_HOST}/postgres"
    yield "exporter/schalter_monitor_redis_url", f"redis://monitor:{reads}@{_REDIS_HOST}/0"
    for service in SERVICES:
        password = secrets.password(f"postgres_{service}")
        yield f"postgres/{service}", password
        yield f"{service}/schalter_database_url", f"postgresql://{service}:{password}@{_DATABASE_HOST}/{service}"
        yield f"{service}/schalter_nats_password", secrets.password(f"nats_{service}")
        yield f"{service}/schalter_link_public_key", secrets.public_keys("link")
        yield f"{service}/schalter_clerk_public_key", secrets.public_keys("clerk")
    yield "booking/schalter_link_private_key", secrets.key_pair("link")[0]
    yield "casework/schalter_clerk_private_key", secrets.key_pair("clerk")[0]
    yield "signaling/schalter_turn_secret", secrets.password("turn")
    yield "turn/turnserver.conf", turn_config.render(*secrets.passwords("turn"))
    yield "notify/schalter_bounce_key", secrets.password("bounce")
    for service in USERS_OF_REDIS:
        yield (
            f"{service}/schalter_redis_url",
            f"redis://{service}:{secrets.password(f'redis_{service}')}@{_REDIS_HOST}/0",
        )
    for name in _PAYPAL:
        for container in ("payment", "paypal"):
            yield f"{container}/schalter_paypal_{name}", secrets.password(f"paypal_{name}")


def _redis_conf(secrets: SecretStore) -> str:
    own = f"appendonly yes\nappendfsync everysec\ndir /data\nrequirepass {secrets.password('redis')}\n"
    users = {service: secrets.passwords(f"redis_{service}") for service in USERS_OF_REDIS}
    return own + bounds(users) + monitor(secrets.passwords("redis_monitor"))


def _write(path: Path, content: str) -> None:
    """Readable by all: the folder becomes the volume of one container, whose user is not ours.

    Replaced at once: a server that starts while the disk is full reads what was before, not half a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != content:
        partial = path.with_name(f".{path.name}.partial")
        partial.unlink(missing_ok=True)
        partial.write_text(content)
        partial.chmod(0o444)
        partial.replace(path)
    path.chmod(0o444)
