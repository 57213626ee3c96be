"""A casework service on a real database, with a clock in our hands, and people who talk to it."""

import itertools
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from twin_office import Twin, move_in

from casework.app import build
from casework.clerks import store as clerk_store
from casework.clerks.model import Session, new_token, token_hash
from casework.clerks.usecases import _signed_in
from casework.consumers import consumers
from casework.directory import Directory
from casework.settings import Settings
from chassis.consumer import process
from chassis.database import Database
from chassis.tokens import TokenSigner
from contracts.actors import Role
from contracts.base import Event, Meta
from contracts.booking import BookedService, BookingCompleted, CitizenContact
from contracts.catalogue import load_catalogue
from contracts.topology import durable

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
#: Values with which every service's application is complete.
VALUES: Mapping[str, Mapping[str, Any]] = {
    "fuehrungszeugnis": {
        "belegart": "N",
        "family_name": "Öztürk",
        "given_names": "Ayşe Erika",
        "birth_name": "Öztürk",
        "birth_date": "1984-08-12",
        "birth_place": "İzmir",
        "nationality": "deutsch",
        "address": "Heidestraße 17\n51147 Köln",
        "exemption": "none",
    },
    "personalausweis": {
        "family_name": "Müller",
        "given_names": "Jörg",
        "birth_date": "1970-02-28",
        "birth_place": "Heidelberg",
        "height_cm": 181,
        "eye_colour": "green",
        "address": "Hauptstraße 1, 69117 Heidelberg",
        "nationality": "deutsch",
    },
    "anmeldung": {
        "family_name": "Nguyễn",
        "given_names": "Thị Minh",
        "birth_date": "1999-12-31",
        "nationality": "vietnamesisch",
        "moved_in": "2026-11-01",
        "new_address": "Hauptstraße 1, 69117 Heidelberg",
        "old_address": "Marktplatz 2, 68161 Mannheim",
        "landlord": "Wohnbau GmbH",
    },
}
_numbers = itertools.count(1)


@dataclass
class Clock:
    """Time that passes when we say so."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The present instant."""
        return self.now

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


def booking(
    office: str = "heidelberg",
    services: Sequence[str] = ("fuehrungszeugnis",),
    options: Mapping[str, str] | None = None,
    services_booked: tuple[BookedService, ...] | None = None,
    **changes: Any,
) -> BookingCompleted:
    """A booking of a citizen who speaks German, for START."""
    fields: dict[str, Any] = {
        "office": office,
        "appointment_id": uuid4(),
        "reference": f"HD-{next(_numbers):06}",
        "services": services_booked
        or tuple(BookedService(service_id=each, options=dict(options or {})) for each in services),
        "starts_at": START,
        "ends_at": START + timedelta(minutes=15),
        "citizen": CitizenContact(name="Ayşe Öztürk", email="ayse@example.org", language="de"),
        "link_token": "not-read-here",
        "link_generation": 1,
    }
    return BookingCompleted(**fields | changes)


@dataclass
class World:
    """The running service and those around it."""

    app: FastAPI
    client: httpx.AsyncClient
    clock: Clock
    signer: TokenSigner
    link_signer: TokenSigner
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The service's database."""
        database: Database = self.app.state.database
        return database

    @property
    def directory(self) -> Directory:
        """Offices and catalogue."""
        directory: Directory = self.app.state.directory
        return directory

    async def deliver(self, event: Event, meta: Meta | None = None) -> bool:
        """Consume `event` as from the bus; whether it had an effect."""
        by_subject = {consumer.event.SUBJECT: consumer for consumer in consumers(self.directory)}
        meta = meta or Meta.of(event, now=self.clock())
        name = durable("casework", type(event))
        return await process(self.database, name, by_subject[event.SUBJECT], event, meta, clock=self.clock)

    async def case_id(self, appointment_id: UUID) -> UUID:
        """The id of the appointment's case."""
        (row,) = await self.rows("SELECT case_id FROM case_file WHERE appointment_id = :id", id=appointment_id)
        found: UUID = row["case_id"]
        return found

    async def open(self, **booked: Any) -> tuple[BookingCompleted, UUID]:
        """A booked appointment, and its case."""
        event = booking(**booked)
        await self.deliver(event)
        return event, await self.case_id(event.appointment_id)

    async def rows(self, sql: str, **parameters: object) -> Sequence[Mapping[str, Any]]:
        """What stands in the database."""
        async with self.database.transaction() as tx:
            return [dict(row) for row in await tx.rows(sql, **parameters)]

    async def published(self, appointment_id: UUID) -> list[str]:
        """Subjects in the outbox about one appointment, in order."""
        rows = await self.rows(
            "SELECT subject FROM outbox WHERE headers->>'ce-subject' = :id ORDER BY id", id=str(appointment_id)
        )
        return [row["subject"] for row in rows]

    async def clerk(self, office: str = "heidelberg", role: Role = "clerk", name: str = "Karl Amt") -> dict[str, str]:
        """Headers of a clerk who has just signed in (without the costly password)."""
        username = f"clerk{secrets.token_hex(4)}"
        token = new_token()
        async with self.database.transaction() as tx:
            await clerk_store.put_account(
                tx, office=office, username=username, name=name, role=role, password_hash="none"
            )
            account = await clerk_store.account(tx, office, username)
            assert account is not None
            session = Session(uuid4(), account.clerk_id, token_hash(token), self.clock(), self.clock())
            await clerk_store.add_session(tx, session)
        self.cookies[username] = token
        access = _signed_in(self.signer, account, session, token, self.clock())
        return {"Authorization": f"Bearer {access.access_token}"}

    def citizen(self, event: BookingCompleted, generation: int = 1, office: str | None = None) -> dict[str, str]:
        """Headers of whoever holds the link of this booking."""
        claims = {"sub": str(event.appointment_id), "office": office or event.office, "gen": generation}
        token = self.link_signer.sign(claims, now=self.clock(), expires_at=self.clock() + timedelta(hours=8))
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def clock() -> Clock:
    """Time that passes when we say so."""
    return Clock()


@pytest.fixture
def settings(database_url: str, keys: Any, offices_dir: Path) -> Settings:
    """The environment of a service whose bus is away."""
    return Settings(
        environment="development",
        database_url=database_url,
        nats_url="nats://127.0.0.1:1",
        public_url="http://localhost:8080",
        offices_dir=offices_dir,
        link_public_key=keys.link.public,
        clerk_public_key=keys.clerk.public,
        clerk_private_key=keys.clerk.private,
    )


@pytest.fixture
async def world(settings: Settings, keys: Any, clock: Clock) -> AsyncIterator[World]:
    """The service, started, and reached without a network."""
    app = build(settings, clock=clock)
    async with app.router.lifespan_context(app):
        await move_in(str(settings.database_url), Twin())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080/api/casework") as client:
            link_signer = TokenSigner(keys.link.private, issuer="booking", audience="citizen")
            yield World(app, client, clock, app.state.clerk_signer, link_signer)


@pytest.fixture(scope="session")
def directory(offices: Any) -> Directory:
    """The shipped offices and services."""
    return Directory(offices, load_catalogue())


@dataclass
class Call:
    """A case in a call: its clerk, its citizen, and the steps that they take."""

    world: World
    booked: BookingCompleted
    case_id: UUID
    clerk: dict[str, str]
    citizen: dict[str, str]
    first_application: str = ""

    async def view(self) -> Any:
        """The case as its clerk sees it."""
        return await self.get(f"/cases/{self.case_id}")

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        """A successful GET, as the clerk unless said otherwise."""
        answer = await self.world.client.get(path, headers=headers or self.clerk)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def act(self, path: str, body: Any = None) -> httpx.Response:
        """A POST of the clerk below the case."""
        return await self.world.client.post(f"/cases/{self.case_id}/{path}", json=body, headers=self.clerk)

    async def citizen_acts(self, path: str, body: Any) -> httpx.Response:
        """A POST of the citizen below their case."""
        return await self.world.client.post(f"/citizen/case/{path}", json=body, headers=self.citizen)

    @staticmethod
    def values(service: str) -> Mapping[str, Any]:
        """Values with which an application of `service` is complete."""
        return VALUES[service]

    async def identify(self, **changes: Any) -> httpx.Response:
        """The clerk records that all checks passed."""
        checks = dict.fromkeys(("photo_matches", "security_features", "not_expired", "data_matches"), True)
        body = {"document_type": "identity_card", "checks": checks, "outcome": "verified"}
        return await self.act("identity-check", body | changes)

    async def save(self, values: Mapping[str, Any] | None = None, index: int = 0) -> Any:
        """The clerk saves an application, complete unless said otherwise."""
        application = (await self.view())["applications"][index]
        answer = await self.world.client.put(
            f"/cases/{self.case_id}/applications/{application['application_id']}",
            json={
                "values": dict(values if values is not None else VALUES[application["service_id"]]),
                "revision": application["revision"],
            },
            headers=self.clerk,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def confirm(self, application: Any) -> httpx.Response:
        """The citizen confirms what they read."""
        path = f"applications/{application['application_id']}/confirmation"
        return await self.citizen_acts(path, {"document_hash": application["document_hash"]})

    async def sign(self, application: Any, **changes: Any) -> httpx.Response:
        """The citizen signs with a pen."""
        signature = {
            "schalter": "signature/1",
            "document_hash": application["document_hash"],
            "width": 800,
            "height": 300,
            "pointer": "pen",
            "strokes": [[[50, 50, 0, 400], [400, 200, 20, 600], [700, 80, 45, 500]]],
        }
        body = {
            "document_hash": application["document_hash"],
            "signature": signature | changes,
            "svg": "",
            "method": "drawn",
        }
        return await self.citizen_acts(f"applications/{application['application_id']}/signature", body)

    async def settle(self) -> None:
        """All that comes before the money."""
        assert (await self.identify()).status_code == 200
        for index in range(len(self.booked.services)):
            saved = await self.save(index=index)
            assert (await self.confirm(saved)).status_code == 200
            assert (await self.sign(saved)).status_code == 200

    async def paid(self, kind: type[Event], **changes: Any) -> None:
        """The payment service reports."""
        view = await self.view()
        fields: dict[str, Any] = {
            "office": self.booked.office,
            "appointment_id": self.booked.appointment_id,
            "case_id": self.case_id,
            "order_id": UUID(int=5),
            "provider": "paypal",
            "amount_cents": view["payment"]["amount_cents"],
            "at": self.world.clock(),
        }
        await self.world.deliver(kind(**fields | changes))


async def in_call(world: World, **booked: Any) -> Call:
    """A clerk has taken the case of a new booking."""
    event, case_id = await world.open(**booked)
    call = Call(world, event, case_id, await world.clerk(event.office), world.citizen(event))
    taken = await call.act("assignment")
    assert taken.status_code == 200
    if taken.json()["applications"]:
        call.first_application = taken.json()["applications"][0]["application_id"]
    return call


@pytest.fixture
async def call(world: World) -> Call:
    """A Führungszeugnis in a call."""
    return await in_call(world)


@pytest.fixture
def begin(world: World) -> Any:
    """`await begin(services=[...], office=...)`: another case in a call."""

    async def start(**booked: Any) -> Call:
        return await in_call(world, **booked)

    return start
