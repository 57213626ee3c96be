"""Fixtures of the payment tests: the real simulator process, the database, and the service as a server."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from twin_office import Twin, move_in

from chassis import migrations
from chassis.consumer import process
from chassis.database import Database
from contracts.actors import Citizen
from contracts.base import Event, Meta
from contracts.booking import (
    BookingCancelled,
    BookingContactChanged,
    BookingNoShow,
    BookingRescheduled,
    BookingResumed,
)
from contracts.casework import CaseAborted, CaseCompleted, PaymentRequested
from contracts.offices import Office
from payment.app import MIGRATIONS, build, paypal
from payment.consumers import consumers
from payment.model import Order
from payment.settings import Settings
from payment.settlement import Settlement
from payment.workers import work_once
from schalter.embedded import free_port

CLIENT_ID, CLIENT_SECRET, WEBHOOK_ID = "merchant", "merchant-secret", "8PT597110X687430"
#: The provider knows no twin, and nobody looks after its orders.
TWIN = Twin(
    instead={
        "payment_order": {
            "provider_order_id": "twin_text(new.provider_order_id)",
            "authorization_id": "twin_text(new.authorization_id)",
            "capture_id": "twin_text(new.capture_id)",
            "checked_at": "'infinity'",
        }
    }
)


@dataclass
class FakeClock:
    """The present, moved as a test likes."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class Simulator:
    """The simulator's process, seen from a test."""

    url: str
    ca_file: Path
    hook_port: int
    http: httpx.Client

    def control(self, **change: object) -> dict[str, Any]:
        answer = self.http.post("/simulator/control", json=change)
        answer.raise_for_status()
        return dict(answer.json())

    def state(self) -> dict[str, Any]:
        return dict(self.http.get("/simulator/control").json())

    def approve(self, order: Order) -> None:
        answer = self.http.post(f"/paypal-simulator/checkoutnow/{order.provider_order_id}/approve")
        assert answer.status_code == 303, answer.text

    def captures(self, order: Order) -> int:
        return int(self.state()["captures"].get(order.provider_order_id, 0))

    def authorization_status(self, order: Order) -> str:
        unit = self.state()["orders"][order.provider_order_id]["purchase_units"][0]
        return str(unit["payments"]["authorizations"][0]["status"])

    def sign(self, event: str, body: str, age_seconds: float = 0) -> dict[str, Any]:
        call = {"event_type": event, "body": body, "age_seconds": age_seconds}
        return dict(self.http.post("/simulator/control/sign", json=call).json())


@pytest.fixture(scope="session")
def simulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    port, hook_port = free_port(), free_port()
    url, ca_file = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("paypal") / "ca.pem"
    environment = os.environ | {
        "SCHALTER_PAYPAL_PORT": str(port),
        "SCHALTER_PAYPAL_CLIENT_ID": CLIENT_ID,
        "SCHALTER_PAYPAL_CLIENT_SECRET": CLIENT_SECRET,
        "SCHALTER_PAYPAL_WEBHOOK_ID": WEBHOOK_ID,
        "SCHALTER_PAYPAL_API_URL": url,
        "SCHALTER_PAYPAL_PUBLIC_URL": f"{url}/paypal-simulator",
        "SCHALTER_PAYPAL_WEBHOOK_TARGET": f"http://127.0.0.1:{hook_port}/api/payment/webhooks/paypal",
        "SCHALTER_PAYPAL_CA_FILE": str(ca_file),
        "SCHALTER_LOG_LEVEL": "error",
    }
    process = subprocess.Popen([sys.executable, "-m", "simulators.paypal"], env=environment)
    with httpx.Client(base_url=url, trust_env=False, timeout=5, transport=httpx.HTTPTransport(retries=0)) as http:
        try:
            _wait(http, process)
            yield Simulator(url, ca_file, hook_port, http)
        finally:
            process.terminate()
            process.wait(10)


def _wait(http: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60  # a busy machine takes its time
    while time.monotonic() < deadline:
        try:
            if http.get("/healthz").is_success:
                return
        except httpx.TransportError:
            assert process.poll() is None, "the simulator died"
            time.sleep(0.025)
    raise AssertionError("the simulator does not start")


@pytest.fixture
def simulator(simulator_process: Simulator) -> Simulator:
    """The simulator, well-behaved, and with its webhooks kept back unless a test releases them."""
    simulator_process.control(
        hold_webhooks=True,
        lose_webhooks=False,
        webhook_copies=1,
        shuffle_webhooks=False,
        lose_capture_answers=0,
        silence_seconds=60,
        refuse_calls=0,
        decline_authorizations=0,
        decline_captures=0,
    )
    simulator_process.control(lose_webhooks=True)
    simulator_process.http.post("/simulator/control/release")
    simulator_process.control(lose_webhooks=False)
    return simulator_process


@pytest.fixture
def settings(simulator_process: Simulator, database_url: str, nats_url: str, offices_dir: Path, keys: Any) -> Settings:
    return Settings(
        environment="development",
        log_level="error",
        database_url=database_url,
        nats_url=nats_url,
        public_url="http://localhost:8080",
        offices_dir=offices_dir,
        link_public_key=keys.link.public,
        paypal_api_url=simulator_process.url,
        paypal_client_id=CLIENT_ID,
        paypal_client_secret=CLIENT_SECRET,
        paypal_webhook_id=WEBHOOK_ID,
        paypal_cert_origin=simulator_process.url,
        paypal_ca_file=simulator_process.ca_file,
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@dataclass
class Case:
    """A case of casework as the payment service hears of it."""

    office: str = "heidelberg"
    amount_cents: int = 1300
    appointment_id: UUID = field(default_factory=uuid4)
    case_id: UUID = field(default_factory=uuid4)
    generation: int = 1

    @property
    def citizen(self) -> Citizen:
        return Citizen.model_validate({"sub": self.appointment_id, "office": self.office, "gen": self.generation})

    def requested(self, amount_cents: int | None = None) -> PaymentRequested:
        amount = amount_cents or self.amount_cents
        text = {"de": "Führungszeugnis", "en": "Certificate of good conduct"}
        return PaymentRequested.model_validate(
            self._ids()
            | {
                "reference": "HD-7K3M9Q",
                "items": [{"service_id": "fuehrungszeugnis", "text": text, "amount_cents": amount}],
                "amount_cents": amount,
                "language": "de",
            }
        )

    def completed(self, amount_cents: int | None = None) -> CaseCompleted:
        more = {
            "reference": "HD-7K3M9Q",
            "services": ["fuehrungszeugnis"],
            "citizen": self._contact(),
            "amount_cents": self.amount_cents if amount_cents is None else amount_cents,
            "completed_at": datetime.now(UTC),
        }
        return CaseCompleted.model_validate(self._ids() | more)

    def aborted(self) -> CaseAborted:
        return CaseAborted.model_validate(self._ids() | {"reason": "technical", "aborted_at": datetime.now(UTC)})

    def cancelled(self) -> BookingCancelled:
        more = {
            "reference": "HD-7K3M9Q",
            "services": [],
            "starts_at": datetime.now(UTC),
            "ends_at": datetime.now(UTC) + timedelta(minutes=5),
            "citizen": self._contact(),
            "cancelled_by": "citizen",
        }
        return BookingCancelled.model_validate(self._ids(case=False) | more)

    def missed(self) -> BookingNoShow:
        """The citizen did not come."""
        same = self.cancelled().model_dump(exclude={"cancelled_by"})
        return BookingNoShow.model_validate({**same, "marked_at": "2026-06-02T08:15:00Z"})

    def resumed(self, resumed_at: str = "2026-06-02T08:20:00Z") -> BookingResumed:
        """The citizen came after all."""
        same = self.cancelled().model_dump(include={"office", "appointment_id", "reference", "starts_at", "ends_at"})
        return BookingResumed.model_validate({**same, "link_generation": 1, "resumed_at": resumed_at})

    def moved(self, generation: int = 2) -> BookingRescheduled:
        """The appointment has another time and another link."""
        same = self.cancelled().model_dump(exclude={"cancelled_by"})
        then = {"previous_starts_at": same["starts_at"], "previous_ends_at": same["ends_at"]}
        link = {"link_token": "not-read-here", "link_generation": generation, "rescheduled_by": "citizen"}
        return BookingRescheduled.model_validate(same | then | link)

    def readdressed(self, generation: int = 2) -> BookingContactChanged:
        """The citizen is written to at another address, with another link."""
        same = self.cancelled().model_dump(exclude={"cancelled_by"})
        link = {"link_token": "not-read-here", "link_generation": generation, "changed_by": "citizen"}
        return BookingContactChanged.model_validate(same | link)

    def _ids(self, *, case: bool = True) -> dict[str, Any]:
        ids: dict[str, Any] = {"office": self.office, "appointment_id": self.appointment_id}
        return ids | {"case_id": self.case_id} if case else ids

    @staticmethod
    def _contact() -> dict[str, Any]:
        return {"name": "Amélie", "email": "amelie@example.org", "language": "de"}


@pytest.fixture
def case() -> Case:
    return Case()


@dataclass(frozen=True)
class Desk:
    """The service without its server: events in, citizens' calls in, outbox out."""

    settlement: Settlement
    clock: FakeClock

    async def hear(self, event: Event, meta: Meta | None = None) -> bool:
        """Take an event from the bus, as the consumer does; whether it was new."""
        meta = meta or Meta.of(event, now=self.clock())
        known = {c.event: c for c in consumers(self.settlement.offices, "paypal", self.clock)}
        database = self.settlement.database
        name = f"payment-{event.SUBJECT}"
        return await process(database, name, known[type(event)], event, meta, clock=self.clock)

    async def told(self, case: Case) -> list[str]:
        """What was published about an appointment, oldest first."""
        rows = await self.rows(
            "SELECT subject FROM outbox WHERE headers->>'ce-subject' = :id ORDER BY id", id=str(case.appointment_id)
        )
        return [row["subject"].removeprefix("payment.").removesuffix(".v1") for row in rows]

    async def rows(self, sql: str, **parameters: object) -> list[Mapping[str, Any]]:
        async with self.settlement.database.transaction() as tx:
            return [dict(row) for row in await tx.rows(sql, **parameters)]

    async def settle(self) -> None:
        """Do all jobs that are due."""
        while await work_once(self.settlement):
            pass

    async def pending(self, simulator: Simulator, case: Case, *, approved: bool = True) -> Order:
        """A case whose payer is at the provider, or has approved there."""
        await self.hear(case.requested())
        order = await self.settlement.start_approval(case.citizen)
        if approved:
            simulator.approve(order)
        return order

    async def authorised(self, simulator: Simulator, case: Case) -> Order:
        """A case whose money is reserved."""
        await self.pending(simulator, case)
        order = await self.settlement.confirm_approval(case.citizen)
        assert order.state == "authorised"
        return order


@pytest.fixture
async def desk(settings: Settings, offices: Mapping[str, Office], clock: FakeClock) -> AsyncIterator[Desk]:
    """A desk with impatient calls to the provider."""
    await migrations.upgrade(str(settings.database_url), MIGRATIONS)
    await move_in(str(settings.database_url), TWIN)
    database = Database(str(settings.database_url), clock=clock)
    async with httpx.AsyncClient(timeout=0.5, trust_env=False) as client:
        settlement = Settlement(database, paypal(settings, client), offices, settings.public_origin, clock)
        async with database.transaction() as tx:
            await tx.execute("TRUNCATE order_job")
        yield Desk(settlement, clock)
    await database.close()


@asynccontextmanager
async def serve(app: FastAPI, port: int) -> AsyncIterator[httpx.AsyncClient]:
    """`app` behind a real socket; the client of its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="on"))
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not task.done(), "the service does not start"
            await asyncio.sleep(0.02)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
            yield client
    finally:
        server.should_exit = True
        await task


@dataclass(frozen=True)
class Service:
    """The running service, and a desk beside it on the same database."""

    http: httpx.AsyncClient
    desk: Desk
    app: FastAPI
    sign: Callable[..., str]

    def as_citizen(self, case: Case) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.sign(case.appointment_id, case.office, gen=case.generation)}"}

    async def until(self, condition: Callable[[], Any], seconds: float = 10) -> None:
        """Wait for an awaitable condition."""
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.03)


@pytest.fixture
async def service(
    settings: Settings, simulator: Simulator, desk: Desk, clock: FakeClock, citizen_token: Callable[..., str]
) -> AsyncIterator[Service]:
    app = build(settings, clock=clock)
    async with serve(app, simulator.hook_port) as http:
        yield Service(http, desk, app, citizen_token)
