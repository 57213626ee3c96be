"""The composition root of booking: the only file that knows everyone."""

import asyncio
from pathlib import Path

from fastapi import FastAPI

from booking import consumers
from booking.appointments import api as appointments_api
from booking.desk import Desk
from booking.limits import model as limits
from booking.limits.counters import Counters
from booking.limits.gate import Gate
from booking.limits.proof import Challenges
from booking.offers import api as offers_api
from booking.offers.model import offers as all_offers
from booking.office import api as office_api
from booking.retention import worker as retention
from booking.settings import Settings
from booking.slots import api as slots_api
from booking.slots import holds
from booking.slots.usecases import Calendar
from booking.statistics import api as statistics_api
from booking.timetable import api as timetable_api
from booking.timetable.schedules import Schedules
from booking.waiting import api as waiting_api
from booking.waiting import worker as waiting_list
from booking.walkin import api as walk_in_api
from booking.walkin import worker as walk_in
from booking.walkin.paces import Paces
from booking.walkin.usecases import Hall
from chassis import redis
from chassis.clock import Clock, utc_now
from chassis.service import Worker, create_app
from chassis.tokens import TokenSigner, TokenVerifier
from contracts.actors import Citizen, Clerk, Listed, Offeree, WalkIn
from contracts.catalogue import load_catalogue
from contracts.offices import load_offices

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build(settings: Settings | None = None, *, clock: Clock = utc_now) -> FastAPI:
    """The application; without `settings` they are read from the environment."""
    settings = settings or Settings()
    client = holds.connect(str(settings.redis_url))
    catalogue = load_catalogue()
    offered = all_offers(load_offices(settings.offices_dir, catalogue), catalogue)
    link_key = settings.link_private_key.get_secret_value()
    gate = Gate(
        settings.limits,
        limits.Names(limits.derived(link_key, "names")),
        Counters(client),
        Challenges(limits.derived(link_key, "challenges"), work=settings.limits.work),
    )
    slot_freed, somebody_waits = asyncio.Event(), asyncio.Event()
    desk = Desk(
        offers=offered,
        calendar=Calendar(Schedules(offered), holds.Holds(client)),
        links=TokenSigner(link_key, issuer=Citizen.ISSUER, audience=Citizen.AUDIENCE),
        offer_links=TokenSigner(link_key, issuer=Offeree.ISSUER, audience=Offeree.AUDIENCE),
        waiting_links=TokenSigner(link_key, issuer=Listed.ISSUER, audience=Listed.AUDIENCE),
        public_origin=settings.public_origin,
        slot_freed=slot_freed.set,
    )
    tickets = TokenSigner(link_key, issuer=WalkIn.ISSUER, audience=WalkIn.AUDIENCE)
    hall = Hall(desk, tickets, Paces(), somebody_waits.set)

    async def hand_out_freed_slots() -> None:
        await waiting_list.run(desk, app.state.database, clock, slot_freed)

    async def call_the_next_ones() -> None:
        await walk_in.run(hall, app.state.database, clock, somebody_waits)

    async def erase_what_is_over() -> None:
        await retention.run(desk.offers, app.state.database, clock)

    app = create_app(
        "booking",
        settings,
        title="booking",
        migrations_dir=MIGRATIONS,
        routers=[
            offers_api.router,
            slots_api.router,
            appointments_api.router,
            timetable_api.router,
            office_api.router,
            statistics_api.router,
            waiting_api.router,
            walk_in_api.router,
        ],
        consumers=consumers.CONSUMERS,
        workers=[
            Worker("waiting-list", hand_out_freed_slots),
            Worker("walk-in", call_the_next_ones),
            Worker("retention", erase_what_is_over),
        ],
        resources=[redis.resource(client)],
        verifiers=[
            _verifier(Citizen, settings.link_public_key),
            _verifier(Offeree, settings.link_public_key),
            _verifier(Listed, settings.link_public_key),
            _verifier(WalkIn, settings.link_public_key),
            _verifier(Clerk, settings.clerk_public_key),
        ],
        state={"desk": desk, "gate": gate, "hall": hall},
        clock=clock,
    )
    return app


def _verifier(actor: type[Citizen | Offeree | Listed | WalkIn | Clerk], key: str) -> tuple[str, TokenVerifier]:
    return actor.AUDIENCE, TokenVerifier(key, issuer=actor.ISSUER, audience=actor.AUDIENCE)
