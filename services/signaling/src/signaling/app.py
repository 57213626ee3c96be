"""Composition root of the signaling service."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from fastapi import FastAPI

from chassis.clock import Clock, utc_now
from chassis.database import Transaction
from chassis.redis import connect, resource
from chassis.service import Worker, create_app
from chassis.tokens import TokenVerifier
from contracts.actors import Citizen, Clerk
from contracts.catalogue import load_catalogue
from contracts.offices import load_offices
from signaling import api, figures, metrics
from signaling.consumers import Consumers
from signaling.conversation import Door
from signaling.hub import Hub
from signaling.offices import Offices
from signaling.presence import Presence
from signaling.retention import Retention
from signaling.settings import Settings
from signaling.tickets import Tickets
from signaling.workplaces import Workplaces

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build(settings: Settings | None = None, clock: Clock = utc_now) -> FastAPI:
    """The service as uvicorn runs it; tests pass their settings."""
    settings = settings or Settings()
    redis = connect(str(settings.redis_url))
    hub = Hub(redis)
    offices = load_offices(settings.offices_dir, load_catalogue())

    def transactions() -> AbstractAsyncContextManager[Transaction]:
        # The application owns the pool; nothing asks for a transaction before it has started.
        unit: AbstractAsyncContextManager[Transaction] = app.state.database.transaction()
        return unit

    presence = Presence(hub, transactions, clock)
    door = Door(settings, hub, presence, Tickets(redis), transactions, clock)

    async def count_calls() -> None:
        await figures.run(offices, transactions, clock)

    metrics.begin_at_zero(offices)
    app = create_app(
        "signaling",
        settings,
        title="rooms, admission and the relay of the call's signaling",
        migrations_dir=MIGRATIONS,
        routers=[api.router(door, offices)],
        consumers=Consumers(hub, clock).all(),
        workers=[
            Worker("mailbox", hub.mailbox.run),
            Worker("pulse", presence.pulse),
            Worker("departures", presence.departures),
            Worker("calls", presence.calls),
            Worker("reconcile", presence.reconcile),
            Worker("offices", Offices(hub, transactions, clock).run),
            Worker("workplaces", Workplaces(hub, offices, transactions, clock).run),
            Worker("figures", count_calls),
            Worker("retention", Retention(offices, transactions, clock).run),
        ],
        resources=[resource(redis)],
        checks={"redis": hub.ping},
        verifiers=[
            ("citizen", TokenVerifier(settings.link_public_key, issuer=Citizen.ISSUER, audience=Citizen.AUDIENCE)),
            ("clerk", TokenVerifier(settings.clerk_public_key, issuer=Clerk.ISSUER, audience=Clerk.AUDIENCE)),
        ],
        state={"hub": hub},
        counts=metrics.count,
        clock=clock,
    )
    return app
