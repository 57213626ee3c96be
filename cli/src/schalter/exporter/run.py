"""The process: looks at everything every ten seconds, and tells what it saw last to whoever asks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import structlog
from prometheus_client import disable_created_metrics, start_http_server
from pydantic import AnyHttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.exceptions import RedisError

from chassis.clock import Clock, utc_now
from chassis.settings import SECRETS
from schalter.exporter import figures, looks
from schalter.exporter.figures import Followed

log = structlog.get_logger(__name__)

Look = Callable[[], Awaitable[None]]
_EVERY_SECONDS: Final = 10.0
_PATIENCE_SECONDS: Final = 8.0
_HTTP: Final = 80
_HTTPS: Final = 443
#: What a part that is away, or dies while it answers, is known by.
_NOT_SEEN: Final = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    HTTPException,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    RedisError,
)


class Settings(BaseSettings):
    """Where to look. What is not named is not looked at."""

    model_config = SettingsConfigDict(
        env_prefix="SCHALTER_",
        env_ignore_empty=True,
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    monitor_postgres_url: SecretStr | None = None
    monitor_redis_url: SecretStr | None = None
    monitor_nats_url: str | None = None
    #: What citizens ask for. Where the gateway is, if not there, as `host` or `host:port`; and what it serves itself
    #: (`GATEWAY_SITE`), if that is something else, because a proxy before it ends TLS.
    public_url: AnyHttpUrl | None = None
    gateway_address: str | None = None
    gateway_site: str | None = None
    #: Folders on the volumes whose disks are looked at: `postgres=/disks/postgres,nats=/disks/nats`.
    monitor_disks: str = ""

    @property
    def disks(self) -> Mapping[str, Path]:
        """`monitor_disks` by name."""
        pairs = (part.partition("=") for part in self.monitor_disks.split(",") if part)
        return {name.strip(): Path(path) for name, _, path in pairs}

    @property
    def gateway(self) -> looks.Gateway | None:
        """Where and how the gateway is asked."""
        if self.public_url is None:
            return None
        site = urlsplit(self.gateway_site or str(self.public_url))
        name = site.hostname or self.public_url.host or ""
        tls = site.scheme != "http"  # as Caddy has it
        at = urlsplit(f"//{self.gateway_address or name}")
        return looks.Gateway(at.hostname or name, at.port or site.port or (_HTTPS if tls else _HTTP), name, tls)


def parts(settings: Settings, clock: Clock = utc_now) -> dict[str, Look]:
    """What there is to look at, by name."""
    followed = Followed()
    found: dict[str, Look] = {}
    if postgres := settings.monitor_postgres_url:
        found["postgres"] = partial(looks.at_postgres, postgres.get_secret_value(), followed)
    if redis := settings.monitor_redis_url:
        found["redis"] = partial(looks.at_redis, redis.get_secret_value(), followed)
    if nats := settings.monitor_nats_url:
        found["nats"] = partial(looks.at_nats, nats.rstrip("/"), followed)
    if gateway := settings.gateway:
        figures.GATEWAY_ANSWERS.labels("gateway").set(0)
        found["gateway"] = partial(looks.at_gateway, gateway, clock)
    if settings.disks:
        found["disks"] = partial(looks.at_disks, settings.disks)
    return found


async def look(found: Mapping[str, Look]) -> None:
    """Look at everything once. Of a part that cannot be reached nothing is told but that."""
    for part, at in found.items():
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await at()
        except _NOT_SEEN as error:
            log.warning("not_seen", part=part, error=type(error).__name__)
            figures.hide(part)
        else:
            figures.show(part)


async def run(settings: Settings, port: int, host: str) -> None:
    """Serve `/metrics` on `host` and `port`, and look, until cancelled."""
    found = parts(settings)
    disable_created_metrics()  # type: ignore[no-untyped-call] # as it is
    start_http_server(port, host, registry=figures.REGISTRY)
    while True:
        await look(found)
        await asyncio.sleep(_EVERY_SECONDS)
