"""What the mail simulator reads from the environment."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Ports and bounds."""

    model_config = SettingsConfigDict(env_prefix="SCHALTER_", extra="ignore", frozen=True)

    mail_host: str = "127.0.0.1"
    mail_smtp_port: int = 1025
    mail_http_port: int = 8025
    mail_keep: int = 5000
    #: The port on `mail_host` that takes mails which come back; without one they do not.
    mail_return_port: int | None = None
