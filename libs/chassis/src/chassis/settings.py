"""The environment, parsed once. Every variable is `SCHALTER_<NAME>`, or a file of that name under /run/secrets."""

from pathlib import Path
from typing import Literal

from pydantic import AnyHttpUrl, Field, PostgresDsn, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")


class ServiceSettings(BaseSettings):
    """What every service needs to know. Raises pydantic.ValidationError naming what is missing."""

    model_config = SettingsConfigDict(
        env_prefix="SCHALTER_",
        # Compose files can empty a variable, but not take it away.
        env_ignore_empty=True,
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    environment: Literal["development", "production"] = "production"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    database_url: PostgresDsn
    nats_url: str
    nats_user: str | None = None
    nats_password: SecretStr | None = None
    public_url: AnyHttpUrl
    offices_dir: Path
    #: Whom mails are from, and calendar entries: calendars act on a mail only if both agree.
    mail_from: str = "Schalter <noreply@schalter.example>"
    #: Whether busy routes are answered without FastAPI's machinery (docs/adr/0020); off to see whether it is to blame.
    express: bool = True
    #: The collector of traces (OTLP over HTTP, such as http://collector:4318); without one there are none.
    traces_endpoint: AnyHttpUrl | None = None
    #: Of which part of all traces it is told.
    traces_ratio: float = Field(default=1.0, ge=0, le=1)
    #: How long the event loop may stand still before the process is ended; nothing looks at it without.
    watchdog_seconds: float | None = None

    @property
    def collector(self) -> str | None:
        """Where traces go, without a trailing slash."""
        return str(self.traces_endpoint).rstrip("/") if self.traces_endpoint else None

    @property
    def public_origin(self) -> str:
        """Scheme, host and port under which browsers reach the gateway, without a trailing slash."""
        return str(self.public_url).rstrip("/")
