"""What notify reads from the environment."""

from typing import Self

from pydantic import SecretStr, field_validator, model_validator

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """The mail server of the office, and the address that mails come from."""

    smtp_host: str
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = True
    mail_from: str = "Schalter <noreply@schalter.example>"

    @field_validator("smtp_user", "smtp_password", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None  # compose hands on what .env leaves out as an empty text

    @model_validator(mode="after")
    def _encrypted_in_production(self) -> Self:
        if self.environment == "production" and not self.smtp_starttls:
            raise ValueError("SCHALTER_SMTP_STARTTLS must be on in production: mails carry the citizens' links")
        return self
