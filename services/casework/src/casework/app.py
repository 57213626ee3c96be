"""The composition root of casework: the only file that knows everyone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from casework import figures, metrics
from casework.cases.api import router as cases
from casework.clerks import accounts, passwords, signing_out, usecases
from casework.clerks.api import colleagues
from casework.clerks.api import router as clerks
from casework.consumers import consumers
from casework.directory import Directory
from casework.filling.api import router as applications
from casework.papers.api import router as papers
from casework.settings import Settings
from chassis.clock import Clock, utc_now
from chassis.service import Worker, create_app
from chassis.tokens import TokenSigner, TokenVerifier
from contracts.actors import Citizen, Clerk
from contracts.catalogue import load_catalogue
from contracts.offices import load_offices

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build(settings: Settings | None = None, clock: Clock = utc_now) -> FastAPI:
    """The service, ready to be served. Reads the environment unless `settings` are given."""
    settings = settings or Settings()
    catalogue = load_catalogue()
    directory = Directory(load_offices(settings.offices_dir, catalogue), catalogue)
    clerk_key = settings.clerk_private_key.get_secret_value()
    metrics.begin_at_zero(directory.offices)

    async def count_the_day() -> None:
        await figures.run(directory, app.state.database, clock)

    async def read_trails() -> None:
        await figures.read_trails(directory, app.state.database)

    async def end_sessions() -> None:
        await signing_out.run(directory.offices, app.state.database, clock)

    app = create_app(
        "casework",
        settings,
        title="casework",
        migrations_dir=MIGRATIONS,
        routers=[clerks, colleagues, cases, applications, papers],
        consumers=consumers(directory),
        workers=[
            Worker("figures", count_the_day),
            Worker("audit-trails", read_trails),
            Worker("sessions", end_sessions),
        ],
        resources=[_accounts],
        verifiers=[_verifier(Citizen, settings.link_public_key), _verifier(Clerk, settings.clerk_public_key)],
        state={
            "directory": directory,
            "clerk_signer": TokenSigner(clerk_key, issuer=Clerk.ISSUER, audience=Clerk.AUDIENCE),
        },
        counts=metrics.count,
        clock=clock,
    )
    return app


def _verifier(actor: type[Citizen] | type[Clerk], public_key: str) -> tuple[str, TokenVerifier]:
    return actor.AUDIENCE, TokenVerifier(public_key, issuer=actor.ISSUER, audience=actor.AUDIENCE)


@asynccontextmanager
async def _accounts(app: FastAPI) -> AsyncIterator[None]:
    """The first clerk and demo clerks can sign in from the first moment; changed passwords follow while it runs."""
    await passwords.prepare()
    if first := app.state.settings.first_clerk:
        who = accounts.Named.of(first.office, first.username)
        await accounts.add_first(
            app.state.database, who, first.name, first.role, first.password_hash.get_secret_value()
        )
    former = app.state.settings.former_demo_clerks_file
    if former and former.is_file():
        await usecases.close_demo_clerks(app.state.database, usecases.read_demo_clerks(former), app.state.clock())
    file = app.state.settings.demo_clerks_file
    clerks = usecases.read_demo_clerks(file) if file else []
    await usecases.add_demo_clerks(app.state.database, clerks)
    updating = asyncio.create_task(usecases.update_demo_clerks(app.state.database, clerks))
    try:
        yield
    finally:
        updating.cancel()
        await asyncio.gather(updating, return_exceptions=True)
