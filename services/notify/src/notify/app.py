"""The composition root of notify: the only file that knows everyone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from chassis.clock import Clock, utc_now
from chassis.service import Worker, create_app
from chassis.tokens import TokenVerifier
from contracts.actors import Clerk
from contracts.catalogue import load_catalogue
from contracts.offices import load_offices
from notify import listener, metrics, reminders, retention, tls_check
from notify.api import router
from notify.consumers import consumers
from notify.delivery import Smtp
from notify.mail import Composer
from notify.returning import ReturnAddresses
from notify.sender import Sender
from notify.settings import Settings
from notify.sms import Sms

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build(settings: Settings | None = None, *, clock: Clock = utc_now) -> FastAPI:
    """The application; without `settings` they are read from the environment."""
    settings = settings or Settings()
    catalogue = load_catalogue()
    offices = load_offices(settings.offices_dir, catalogue)
    smtp = Smtp(settings)
    returning = ReturnAddresses.configured(settings)
    composer = Composer(
        offices, catalogue, public_origin=settings.public_origin, sender=settings.mail_from, returning=returning
    )
    sms = Sms(settings)
    sender = Sender(composer, smtp, clock, sms=sms, per_second=settings.mails_per_second)

    @asynccontextmanager
    async def connection(_: FastAPI) -> AsyncIterator[None]:
        yield
        smtp.close()
        await sms.close()

    async def send() -> None:
        await sender.run(app.state.database)

    async def check_tls() -> None:
        await tls_check.watch(settings)

    async def remind() -> None:
        await reminders.run(offices, app.state.database, clock, sender.wake, sms=sms.on)

    async def erase() -> None:
        await retention.run(offices, app.state.database, clock)

    async def take_returned() -> None:
        assert returning is not None, "else it is no worker"
        await listener.run(settings, returning, app.state.database, clock)

    async def count_waiting() -> None:
        await metrics.watch(app.state.database, clock)

    metrics.begin_at_zero()
    app = create_app(
        "notify",
        settings,
        title="messages to citizens",
        migrations_dir=MIGRATIONS,
        routers=[router],
        consumers=consumers(offices, clock, sender),
        workers=[
            Worker("sender", send),
            Worker("tls-check", check_tls),
            Worker("reminders", remind),
            Worker("retention", erase),
            Worker("metrics", count_waiting),
            *([Worker("returned-mails", take_returned)] if returning else []),
        ],
        resources=[connection],
        verifiers=[
            (Clerk.AUDIENCE, TokenVerifier(settings.clerk_public_key, issuer=Clerk.ISSUER, audience=Clerk.AUDIENCE))
        ],
        state={"composer": composer, "wake": sender.wake},
        counts=metrics.published,
        clock=clock,
    )
    return app
