"""The composition root of booking: the only file that knows everyone."""

import asyncio
from email.utils import parseaddr
from pathlib import Path

from fastapi import FastAPI

from booking import consumers, figures, metrics
from booking.appointments import api as appointments_api
from booking.appointments import worker as endings
from booking.clerks import api as clerks_api
from booking.confirming import api as confirming_api
from booking.confirming import worker as confirming
from booking.dependencies import Dependencies
from booking.limits import model as limits
from booking.limits.counters import Counters
from booking.limits.gate import Gate
from booking.limits.proof import Challenges
from booking.lost_links import api as lost_links_api
from booking.lost_links import worker as lost_links
from booking.offices import api as offices_api
from booking.offices.model import offices as all_offices
from booking.planning import api as timetable_api
from booking.retention import worker as retention
from booking.settings import Settings
from booking.slots import api as slots_api
from booking.slots import holds
from booking.slots.usecases import Calendar
from booking.statistics import api as statistics_api
from booking.timetable.schedules import Schedules
from booking.waiting import api as waiting_api
from booking.waiting import worker as waiting_list
from booking.walkin import api as walk_in_api
from booking.walkin import worker as walk_in
from booking.walkin.durations import Durations
from booking.walkin.usecases import WalkInContext
from chassis import redis
from chassis.clock import Clock, utc_now
from chassis.service import Worker, create_app
from chassis.tokens import TokenSigner, TokenVerifier
from contracts.actors import Addressee, Booker, Citizen, Clerk, LinkHolder, Listed, Offeree, WalkIn
from contracts.catalogue import load_catalogue
from contracts.email import for_the_wire
from contracts.offices import load_offices

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build(settings: Settings | None = None, *, clock: Clock = utc_now) -> FastAPI:
    """The application; without `settings` they are read from the environment."""
    settings = settings or Settings()
    client = holds.connect(str(settings.redis_url), settings.redis_seconds)
    catalogue = load_catalogue()
    offered = all_offices(load_offices(settings.offices_dir, catalogue), catalogue)
    link_key = settings.link_private_key.get_secret_value()
    gate = Gate(
        settings.limits,
        limits.Names(limits.derived(link_key, "names")),
        Counters(client),
        Challenges(limits.derived(link_key, "challenges"), work=settings.limits.work),
    )
    slot_freed, somebody_waits, link_asked = asyncio.Event(), asyncio.Event(), asyncio.Event()
    deps = Dependencies(
        offices=offered,
        calendar=Calendar(Schedules(offered), holds.Holds(client)),
        links=TokenSigner(link_key, issuer=Citizen.ISSUER, audience=Citizen.AUDIENCE),
        offer_links=TokenSigner(link_key, issuer=Offeree.ISSUER, audience=Offeree.AUDIENCE),
        waiting_links=TokenSigner(link_key, issuer=Listed.ISSUER, audience=Listed.AUDIENCE),
        reservation_links=TokenSigner(link_key, issuer=Booker.ISSUER, audience=Booker.AUDIENCE),
        confirm_links=TokenSigner(link_key, issuer=Addressee.ISSUER, audience=Addressee.AUDIENCE),
        public_origin=settings.public_origin,
        mail_from=for_the_wire(parseaddr(settings.mail_from)[1]),
        link_asked=link_asked.set,
        slot_freed=slot_freed.set,
    )
    tickets = TokenSigner(link_key, issuer=WalkIn.ISSUER, audience=WalkIn.AUDIENCE)
    context = WalkInContext(deps, tickets, Durations(), somebody_waits.set)

    async def hand_out_freed_slots() -> None:
        await waiting_list.run(deps, app.state.database, clock, slot_freed)

    async def call_the_next_ones() -> None:
        await walk_in.run(context, app.state.database, clock, somebody_waits)

    async def free_what_nobody_confirms() -> None:
        await confirming.run(deps, app.state.database, clock)

    async def mail_lost_links() -> None:
        await lost_links.run(deps, app.state.database, clock, link_asked)

    async def end_what_ends_by_itself() -> None:
        await endings.run(deps, app.state.database, clock)

    async def erase_what_is_over() -> None:
        await retention.run(deps.offices, app.state.database, clock)

    async def count_what_waits() -> None:
        await figures.run(deps, app.state.database, clock)

    metrics.begin_at_zero(offered)
    app = create_app(
        "booking",
        settings,
        title="booking",
        migrations_dir=MIGRATIONS,
        routers=[
            offices_api.router,
            slots_api.router,
            appointments_api.router,
            confirming_api.router,
            lost_links_api.router,
            timetable_api.router,
            clerks_api.router,
            statistics_api.router,
            waiting_api.router,
            walk_in_api.router,
        ],
        consumers=consumers.CONSUMERS,
        workers=[
            Worker("waiting-list", hand_out_freed_slots),
            Worker("walk-in", call_the_next_ones),
            Worker("confirming", free_what_nobody_confirms),
            Worker("lost-links", mail_lost_links),
            Worker("endings", end_what_ends_by_itself),
            Worker("retention", erase_what_is_over),
            Worker("figures", count_what_waits),
        ],
        resources=[redis.resource(client)],
        verifiers=[
            _verifier(Citizen, settings.link_public_key),
            *(_verifier(holder, settings.link_public_key) for holder in (Booker, Addressee, Offeree, Listed, WalkIn)),
            _verifier(Clerk, settings.clerk_public_key),
        ],
        state={"deps": deps, "gate": gate, "walk_in": context},
        counts=metrics.count,
        clock=clock,
    )
    return app


def _verifier(actor: type[LinkHolder | Clerk], key: str) -> tuple[str, TokenVerifier]:
    return actor.AUDIENCE, TokenVerifier(key, issuer=actor.ISSUER, audience=actor.AUDIENCE)
