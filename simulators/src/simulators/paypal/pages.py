"""The approval page that the payer's browser sees. GET shows, POST acts; plain HTML, no script."""

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment, PackageLoader, select_autoescape

from simulators.paypal.errors import PayPalError
from simulators.paypal.ledger import Ledger, Order
from simulators.paypal.texts import TEXTS, language_of, money

_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_STYLE = Path(__file__).parent / "static" / "style.css"


def router(ledger: Ledger, prefix: str = "/paypal-simulator") -> APIRouter:
    """The routes under `prefix`, which the gateway passes on unchanged."""
    routes = APIRouter(prefix=prefix)
    templates = Environment(
        loader=PackageLoader("simulators.paypal"), autoescape=select_autoescape(default=True), trim_blocks=True
    )

    def page(request: Request, order: Order | None, status: int = 200) -> Response:
        language = language_of(request.headers.get("accept-language", ""))
        items = order.unit.get("items", []) if order else []
        html = templates.get_template("approval.html").render(
            lang=language,
            t=TEXTS[language],
            prefix=prefix,
            order=order,
            open=order is not None and order.status in ("CREATED", "PAYER_ACTION_REQUIRED"),
            amount=money(order.cents, order.currency, language) if order else "",
            items=[(str(item["name"]), _price(item, language)) for item in items],
        )
        headers = {"Content-Security-Policy": _CSP, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return Response(html, status_code=status, media_type="text/html", headers=headers | {"Vary": "Accept-Language"})

    @routes.get("/style.css")
    async def style() -> Response:
        return Response(_STYLE.read_bytes(), media_type="text/css")

    @routes.get("/checkoutnow")
    async def show(request: Request, token: str = "") -> Response:
        try:
            return page(request, ledger.order(token))
        except PayPalError:
            return page(request, None, 404)

    @routes.post("/checkoutnow/{order_id}/approve")
    async def approve(request: Request, order_id: str) -> Response:
        try:
            order = ledger.approve(order_id)
        except PayPalError:
            return page(request, None, 404)
        return RedirectResponse(_with(order.return_url, token=order.id, PayerID="SIMULATEDPAYER"), status_code=303)

    @routes.post("/checkoutnow/{order_id}/cancel")
    async def cancel(request: Request, order_id: str) -> Response:
        try:
            order = ledger.order(order_id)
        except PayPalError:
            return page(request, None, 404)
        return RedirectResponse(_with(order.cancel_url, token=order.id), status_code=303)

    return routes


def _price(item: dict[str, object], language: str) -> str:
    amount = item["unit_amount"]
    assert isinstance(amount, dict)
    cents = int(str(amount["value"]).replace(".", ""))
    return money(cents, str(amount["currency_code"]), language)


def _with(url: str, **more: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *more.items()])))
