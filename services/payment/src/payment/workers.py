"""What runs beside requests and events: the work list, and a look at what was missed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import Gauge

from chassis.metrics import at_zero
from payment import jobs, store
from payment.errors import ProviderUnavailable
from payment.metrics import OPEN_CENTS, SETTLEMENTS_OLDEST_SECONDS, SETTLEMENTS_WAITING
from payment.model import LIVE
from payment.settlement import Settlement

log = structlog.get_logger(__name__)

_HANDS: Final = 4
_POLL_SECONDS: Final = 0.5
_SWEEP_SECONDS: Final = 20.0
_WEBHOOKS_KEPT: Final = timedelta(days=30)

Run = Callable[[Settlement], Awaitable[None]]

PAID_BUT_OPEN: Final = Gauge(
    "schalter_payment_paid_but_open",
    "Orders whose money and case disagree for too long, by kind; an alert when not 0. Max of processes.",
    ("kind",),
)
at_zero(PAID_BUT_OPEN, store.PAID_BUT_OPEN)


async def work_off(settlement: Settlement) -> None:
    """Settle due orders until cancelled, several at once, so that a slow answer holds up nobody else."""
    places = asyncio.Semaphore(_HANDS)
    async with asyncio.TaskGroup() as group:
        while True:
            await places.acquire()
            job = await _claim(settlement)
            if job is None:
                places.release()
                await asyncio.sleep(_POLL_SECONDS)
            else:
                group.create_task(_do(settlement, job)).add_done_callback(lambda _: places.release())


async def work_once(settlement: Settlement) -> bool:
    """Do one due job; False when there is none."""
    job = await _claim(settlement)
    if job:
        await _do(settlement, job)
    return job is not None


async def _claim(settlement: Settlement) -> jobs.Job | None:
    async with settlement.database.transaction() as tx:
        return await jobs.claim(tx, settlement.clock())


async def _do(settlement: Settlement, job: jobs.Job) -> None:
    """A job that fails is back in the list, and no reason for the others to stop."""
    try:
        await settlement.work(job)
    except ProviderUnavailable:
        log.info("settlement_postponed", order_id=str(job.order_id), attempts=job.attempts)
    except Exception as error:
        log.error("settlement_failed", order_id=str(job.order_id), attempts=job.attempts, exc_info=error)


async def watch(settlement: Settlement) -> None:
    """Every few seconds enter orders whose news were lost, and count those that need a human eye."""
    while True:
        await watch_once(settlement)
        await asyncio.sleep(_SWEEP_SECONDS)


async def watch_once(settlement: Settlement) -> None:
    """One round of `watch`."""
    now = settlement.clock()
    async with settlement.database.transaction() as tx:
        await jobs.sweep(tx, now)
        await store.forget_webhooks(tx, now - _WEBHOOKS_KEPT)
        counts = await store.paid_but_open(tx, now)
        cents = await store.open_cents(tx)
        waiting, oldest = await jobs.waiting(tx, now)
    for kind, count in counts.items():
        PAID_BUT_OPEN.labels(kind).set(count)
    for office in settlement.offices:
        for state in LIVE:
            OPEN_CENTS.labels(office, state).set(cents.get((office, state), 0))
    SETTLEMENTS_WAITING.set(waiting)
    SETTLEMENTS_OLDEST_SECONDS.set(oldest.total_seconds())
