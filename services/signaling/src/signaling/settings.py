"""The environment of both processes, parsed once."""

from typing import Annotated

from pydantic import BeforeValidator, Field, RedisDsn, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.settings import SECRETS, ServiceSettings


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Settings(ServiceSettings):
    """The signaling service. Without `turn_urls` calls connect directly or not at all; no third party is ever asked."""

    redis_url: RedisDsn
    link_public_key: str
    clerk_public_key: str
    turn_urls: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    turn_secret: SecretStr | None = None
    relay_rate: float = Field(default=40, gt=0, description="Messages per second and socket, in the long run.")
    relay_burst: float = Field(default=160, gt=0, description="Messages at once; one ICE negotiation is about 40.")

    @property
    def turn_key(self) -> str:
        """The secret shared with the TURN server; empty when there is none."""
        return self.turn_secret.get_secret_value() if self.turn_secret else ""


class CheckSettings(BaseSettings):
    """The echo of the technical check: a process of its own, with no access to anything."""

    model_config = SettingsConfigDict(
        env_prefix="SCHALTER_",
        env_ignore_empty=True,
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        frozen=True,
    )

    log_level: str = "info"
    watchdog_seconds: float | None = Field(default=None, description="As every service has it.")
    check_sessions: int = Field(default=6, ge=1, description="At once; each takes up to a quarter of a core.")
    check_address: str | None = Field(
        default=None,
        description="The address browsers reach this machine by, where its own is private (1:1 NAT).",
    )
