"""What notify reads from the environment."""

from typing import Self

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """The mail server of the office, and the address that mails come from."""

    clerk_public_key: str
    smtp_host: str
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = True
    mail_from: str = "Schalter <noreply@schalter.example>"

    #: The most mails that this process hands over in a second, however many wait.
    mails_per_second: float = Field(default=10, gt=0)
    dkim_domain: str | None = None
    dkim_selector: str | None = None
    dkim_private_key: SecretStr | None = None

    #: Reminders by short message, beside the mail, to those who gave a number. Without an address there are none.
    sms_url: AnyHttpUrl | None = None
    sms_token: SecretStr | None = None
    sms_from: str = "Schalter"

    @field_validator(
        "smtp_user",
        "smtp_password",
        "dkim_domain",
        "dkim_selector",
        "dkim_private_key",
        "sms_url",
        "sms_token",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None  # compose hands on what .env leaves out as an empty text

    @model_validator(mode="after")
    def _encrypted_in_production(self) -> Self:
        if self.environment == "production" and not self.smtp_starttls:
            raise ValueError("SCHALTER_SMTP_STARTTLS must be on in production: mails carry the citizens' links")
        if self.environment == "production" and self.sms_url and self.sms_url.scheme != "https":
            raise ValueError("SCHALTER_SMS_URL must be https in production: it is told citizens' telephone numbers")
        return self

    @model_validator(mode="after")
    def _all_of_dkim_or_nothing(self) -> Self:
        if len({bool(self.dkim_domain), bool(self.dkim_selector), bool(self.dkim_private_key)}) != 1:
            raise ValueError("SCHALTER_DKIM_DOMAIN, _SELECTOR and _PRIVATE_KEY go together: all of them or none")
        return self
