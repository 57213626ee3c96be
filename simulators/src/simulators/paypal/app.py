"""Composition root of the simulator."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from simulators.paypal import control, pages
from simulators.paypal.certificates import make_signer
from simulators.paypal.errors import PayPalError
from simulators.paypal.ledger import Capture, Ledger, Order, Refund
from simulators.paypal.rest import Access, Rest
from simulators.paypal.settings import Settings
from simulators.paypal.webhooks import Sender
from simulators.paypal.wire import Wire


def build(settings: Settings, client: httpx.AsyncClient | None = None) -> FastAPI:
    """The simulator as an ASGI application; `client` posts the webhooks (a test may pass its own)."""
    signer = make_signer()
    if settings.paypal_ca_file:
        settings.paypal_ca_file.parent.mkdir(parents=True, exist_ok=True)
        settings.paypal_ca_file.write_bytes(signer.ca_pem)
    wire = Wire(settings.paypal_api_url, settings.paypal_public_url)
    sender = Sender(
        signer,
        settings.paypal_webhook_id,
        f"{settings.paypal_api_url}/v1/notifications/certs/{signer.certificate_id}",
        settings.paypal_webhook_target,
        client or httpx.AsyncClient(timeout=10.0, trust_env=False),
    )

    def announce(event_type: str, order: Order, part: Capture | Refund | None) -> None:
        sender.event(event_type, *wire.resource(event_type, order, part))

    ledger = Ledger(announce)
    rest = Rest(settings, ledger, wire, signer, Access(settings.paypal_client_id, settings.paypal_client_secret))
    registry = CollectorRegistry()
    orders = Gauge("simulator_paypal_orders", "Orders known to the PayPal simulator.", registry=registry)
    orders.set_function(lambda: len(ledger.orders))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await sender.close()

    app = FastAPI(title="PayPal simulator", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.include_router(rest.router())
    app.include_router(pages.router(ledger))
    app.include_router(control.router(rest, sender))

    @app.exception_handler(PayPalError)
    async def answer_error(_: Request, error: PayPalError) -> Response:
        return JSONResponse(error.body, status_code=error.status)

    @app.get("/healthz")
    @app.get("/readyz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    logging.getLogger(__name__).info("PayPal simulator: certificate %s", signer.certificate_id)
    return app
