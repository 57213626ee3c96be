"""What notify reads from the environment."""

from typing import Final, Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator

from chassis.settings import ServiceSettings

#: Ports with a meaning of their own (RFC 8314, 7.3; RFC 6409): with TLS from the first byte, and never so.
_TLS_PORT: Final = 465
_SHORTEST_KEY: Final = 24
_PLAIN_PORTS: Final = frozenset({25, 587})


class Settings(ServiceSettings):
    """The mail server of the office, and the address that mails come from."""

    clerk_public_key: str
    smtp_host: str
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    #: How mails are kept from readers on the way: STARTTLS, TLS from the first byte (port 465), or not at all.
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    #: The most mails that all processes of notify together hand over in a second, however many wait.
    mails_per_second: float = Field(default=10, gt=0)
    dkim_domain: str | None = None
    dkim_selector: str | None = None
    dkim_private_key: SecretStr | None = None

    #: Where mails come back to that cannot be delivered: addresses under this domain, which the town's mail server
    #: hands to this port. Without both, what comes back goes to `mail_from`, and nobody here learns of it.
    bounce_domain: str | None = None
    bounce_host: str = "0.0.0.0"  # noqa: S104 - in a container: who may reach it is the network's to say
    bounce_port: int | None = None
    bounce_key: SecretStr | None = None

    #: Reminders by short message, beside the mail, to those who gave a number. Without an address there are none.
    sms_url: AnyHttpUrl | None = None
    sms_token: SecretStr | None = None
    sms_from: str = "Schalter"

    @model_validator(mode="after")
    def _encrypted_in_production(self) -> Self:
        if self.environment == "production" and self.smtp_security == "none":
            raise ValueError("SCHALTER_SMTP_SECURITY must not be none in production: mails carry the citizens' links")
        if self.environment == "production" and self.sms_url and self.sms_url.scheme != "https":
            raise ValueError("SCHALTER_SMS_URL must be https in production: it is told citizens' telephone numbers")
        return self

    @model_validator(mode="after")
    def _security_that_the_port_knows(self) -> Self:
        if self.smtp_port == _TLS_PORT and self.smtp_security != "tls":
            raise ValueError("SCHALTER_SMTP_PORT 465 speaks TLS from the first byte: set SCHALTER_SMTP_SECURITY to tls")
        if self.smtp_port in _PLAIN_PORTS and self.smtp_security == "tls":
            raise ValueError(
                f"SCHALTER_SMTP_PORT {self.smtp_port} begins without TLS: set SCHALTER_SMTP_SECURITY to starttls"
            )
        return self

    @model_validator(mode="after")
    def _all_of_bounces_or_nothing(self) -> Self:
        if bool(self.bounce_domain) != bool(self.bounce_port):
            raise ValueError("SCHALTER_BOUNCE_DOMAIN and _PORT go together: both or none")
        if self.bounce_domain and len(self.bounce_key.get_secret_value() if self.bounce_key else "") < _SHORTEST_KEY:
            raise ValueError(f"SCHALTER_BOUNCE_KEY needs {_SHORTEST_KEY} random characters: it signs return addresses")
        return self

    @model_validator(mode="after")
    def _all_of_dkim_or_nothing(self) -> Self:
        if len({bool(self.dkim_domain), bool(self.dkim_selector), bool(self.dkim_private_key)}) != 1:
            raise ValueError("SCHALTER_DKIM_DOMAIN, _SELECTOR and _PRIVATE_KEY go together: all of them or none")
        return self
