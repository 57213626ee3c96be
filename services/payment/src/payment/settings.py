"""The environment of the payment service."""

from pathlib import Path

from pydantic import SecretStr, model_validator

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """PayPal's live interface is https://api-m.paypal.com, with certificates from https://api.paypal.com."""

    link_public_key: str
    paypal_api_url: str
    paypal_client_id: str
    paypal_client_secret: SecretStr
    paypal_webhook_id: str
    paypal_cert_origin: str
    """Scheme, host and port that webhook certificates are loaded from; nothing else is ever fetched for a webhook."""
    paypal_ca_file: Path | None = None
    """Trust root of the simulator's certificates. None: the public certificate authorities."""

    @model_validator(mode="after")
    def _encrypted_and_public_in_production(self) -> "Settings":
        addresses = (self.paypal_api_url, self.paypal_cert_origin)
        if self.environment == "production" and not all(url.startswith("https://") for url in addresses):
            raise ValueError("production needs https:// for SCHALTER_PAYPAL_API_URL and SCHALTER_PAYPAL_CERT_ORIGIN")
        return self
