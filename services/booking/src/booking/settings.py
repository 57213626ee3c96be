"""What booking reads from the environment."""

from typing import Annotated

from pydantic import Field, RedisDsn, SecretStr

from booking.limits.model import Limits
from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Booking alone holds the private key of the citizens' links; clerks' tokens it can only verify."""

    redis_url: RedisDsn
    #: How long Redis may be silent before citizens are served without it.
    redis_seconds: Annotated[float, Field(gt=0, le=10)] = 0.25
    link_public_key: str
    link_private_key: SecretStr
    clerk_public_key: str
    #: Limits of what bots would grab; JSON such as {"booking": {"proof_from": 6, "at_most": 30, "seconds": 3600}}.
    limits: Limits = Limits()
