"""What casework reads from its environment, beside what every service reads."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

from chassis.settings import ServiceSettings
from contracts.actors import Role
from contracts.ids import OfficeSlug


class FirstClerk(BaseModel):
    """An account with the hash of its password: what is in a file that others may read is no password."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    office: OfficeSlug
    username: str
    name: str
    role: Role = "lead"
    password_hash: SecretStr


class Settings(ServiceSettings):
    """`clerk_private_key` signs clerks' access tokens; no other service has it."""

    link_public_key: str
    clerk_public_key: str
    clerk_private_key: SecretStr
    demo_clerks_file: Path | None = None
    #: Demo clerks of a trial before this production, if there was one: their accounts are closed.
    former_demo_clerks_file: Path | None = None
    #: Who signs in first (`schalter init`), as JSON; added once, and changed by `schalter clerks` alone.
    first_clerk: FirstClerk | None = None

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach us over TLS: then cookies travel over nothing else."""
        return self.public_origin.startswith("https://")
