"""The simulator's environment, parsed once."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _strip_slash(value: str) -> str:
    return value.rstrip("/")


_SECRETS = Path("/run/secrets")
Url = Annotated[str, BeforeValidator(_strip_slash)]


class Settings(BaseSettings):
    """What the simulator is told by its surroundings; every variable begins with SCHALTER_.

    The secrets are those of the simulator alone: `schalter up` makes them at the first start.
    """

    model_config = SettingsConfigDict(
        env_prefix="SCHALTER_", secrets_dir=_SECRETS if _SECRETS.is_dir() else None, extra="ignore"
    )

    paypal_host: str = "127.0.0.1"
    paypal_port: int
    paypal_client_id: str = Field(min_length=1)
    paypal_client_secret: str = Field(min_length=1)
    paypal_webhook_id: str = Field(min_length=1)
    paypal_api_url: Url
    """Base of its own REST interface as the payment service reaches it; certificates are served below it."""
    paypal_public_url: Url
    """Base of the approval page as browsers see it, for example http://localhost:8080/paypal-simulator."""
    paypal_webhook_target: str | None = None
    """Where webhooks are posted; none: no webhooks are sent."""
    paypal_ca_file: Path | None = None
    """Where the certificate authority made at the start is written, for the payment service to trust."""
    log_level: str = "info"
