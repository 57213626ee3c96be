"""The composition root of booking: the only file that knows everyone."""

from pathlib import Path

from fastapi import FastAPI

from booking import api, consumers, holds, offers
from booking.settings import Settings
from booking.usecases import Desk
from chassis import redis
from chassis.clock import Clock, utc_now
from chassis.service import create_app
from chassis.tokens import TokenSigner, TokenVerifier
from contracts.actors import Citizen
from contracts.catalogue import load_catalogue
from contracts.offices import load_offices

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build(settings: Settings | None = None, *, clock: Clock = utc_now) -> FastAPI:
    """The application; without `settings` they are read from the environment."""
    settings = settings or Settings()
    client = holds.connect(str(settings.redis_url))
    catalogue = load_catalogue()
    issuer, audience = Citizen.ISSUER, Citizen.AUDIENCE
    desk = Desk(
        offers=offers.offers(load_offices(settings.offices_dir, catalogue), catalogue),
        holds=holds.Holds(client),
        links=TokenSigner(settings.link_private_key.get_secret_value(), issuer=issuer, audience=audience),
        public_origin=settings.public_origin,
    )
    return create_app(
        "booking",
        settings,
        title="booking",
        migrations_dir=MIGRATIONS,
        routers=[api.router],
        consumers=consumers.CONSUMERS,
        resources=[redis.resource(client)],
        verifiers=[(audience, TokenVerifier(settings.link_public_key, issuer=issuer, audience=audience))],
        state={"desk": desk},
        clock=clock,
    )
