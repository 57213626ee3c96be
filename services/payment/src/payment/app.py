"""Composition root of the payment service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
from fastapi import FastAPI

from chassis.clock import Clock, utc_now
from chassis.service import Worker, create_app
from chassis.tokens import TokenVerifier
from contracts.actors import Citizen
from contracts.catalogue import load_catalogue
from contracts.offices import load_offices
from payment import metrics, workers
from payment.api import router
from payment.consumers import consumers
from payment.providers.base import Provider
from payment.providers.paypal import PayPal, http_client
from payment.providers.paypal_webhooks import WebhookVerifier
from payment.settings import Settings
from payment.settlement import Settlement

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def build(settings: Settings | None = None, *, provider: Provider | None = None, clock: Clock = utc_now) -> FastAPI:
    """The service, from the environment unless told otherwise. Tests pass another provider or clock."""
    settings = settings or Settings()
    offices = load_offices(settings.offices_dir, load_catalogue())
    client = http_client()
    provider = provider or paypal(settings, client)

    @asynccontextmanager
    async def remote(app: FastAPI) -> AsyncIterator[None]:
        settlement = Settlement(app.state.database, provider, offices, settings.public_origin, clock)
        app.state.settlement = settlement
        try:
            yield
        finally:
            await client.aclose()

    async def with_settlement(run: "workers.Run") -> None:
        await run(app.state.settlement)

    metrics.begin_at_zero(offices)
    app = create_app(
        "payment",
        settings,
        title="payment orders, providers and webhooks",
        migrations_dir=MIGRATIONS,
        routers=[router],
        consumers=consumers(offices, provider.name, clock),
        workers=[
            Worker("settlement", partial(with_settlement, workers.work_off)),
            Worker("watch", partial(with_settlement, workers.watch)),
        ],
        resources=[remote],
        verifiers=[
            (
                Citizen.AUDIENCE,
                TokenVerifier(settings.link_public_key, issuer=Citizen.ISSUER, audience=Citizen.AUDIENCE),
            )
        ],
        counts=metrics.count,
        clock=clock,
    )
    return app


def paypal(settings: Settings, client: httpx.AsyncClient) -> PayPal:
    """The PayPal adapter for these settings."""
    verifier = WebhookVerifier(client, settings.paypal_webhook_id, settings.paypal_cert_origin, settings.paypal_ca_file)
    return PayPal(
        client,
        settings.paypal_api_url,
        settings.paypal_client_id,
        settings.paypal_client_secret.get_secret_value(),
        verifier,
    )
