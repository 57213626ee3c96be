"""What casework reads from its environment, beside what every service reads."""

from pathlib import Path

from pydantic import SecretStr

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """`clerk_private_key` signs clerks' access tokens; no other service has it."""

    link_public_key: str
    clerk_public_key: str
    clerk_private_key: SecretStr
    demo_clerks_file: Path | None = None

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach us over TLS: then cookies travel over nothing else."""
        return self.public_origin.startswith("https://")
