"""The approval page: says that it is a simulator, works without script, shows by GET and acts by POST."""

from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest

from simulators.paypal.app import build
from simulators.paypal.settings import Settings
from simulators.paypal.texts import TEXTS, language_of, money

UNIT = {
    "amount": {
        "currency_code": "EUR",
        "value": "13.00",
        "breakdown": {"item_total": {"currency_code": "EUR", "value": "13.00"}},
    },
    "items": [
        {"name": "<b>Zeugnis</b>", "quantity": "1", "unit_amount": {"currency_code": "EUR", "value": "13.00"}},
    ],
}
CONTEXT = {
    "brand_name": "Heidelberg",
    "return_url": "http://office.test/demo/payment-return?state=approved",
    "cancel_url": "http://office.test/demo/payment-return?state=cancelled",
}
ORDER = {
    "intent": "AUTHORIZE",
    "purchase_units": [UNIT],
    "payment_source": {"paypal": {"experience_context": CONTEXT}},
}


class Outline(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        paypal_port=1,
        paypal_client_id="id",
        paypal_client_secret="secret",
        paypal_webhook_id="WH1",
        paypal_api_url="http://paypal.test",
        paypal_public_url="http://paypal.test/paypal-simulator",
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(settings)), base_url="http://paypal.test") as http:
        form = {"grant_type": "client_credentials"}
        answer = await http.post("/v1/oauth2/token", data=form, auth=("id", "secret"))
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield http


@pytest.fixture
async def order_id(http: httpx.AsyncClient) -> str:
    answer = await http.post("/v2/checkout/orders", json=ORDER, headers={"PayPal-Request-Id": "1"})
    return str(answer.json()["id"])


async def status(http: httpx.AsyncClient, order_id: str) -> str:
    return str((await http.get(f"/v2/checkout/orders/{order_id}")).json()["status"])


@pytest.mark.parametrize(
    ("header", "language", "amount"), [("de-AT,de;q=0.9", "de", "13,00\xa0€"), ("fr", "en", "€13.00")]
)
async def test_the_page_speaks_the_payers_language(
    http: httpx.AsyncClient, order_id: str, header: str, language: str, amount: str
) -> None:
    url = f"/paypal-simulator/checkoutnow?token={order_id}"
    answer = await http.get(url, headers={"Accept-Language": header})
    outline = Outline(answer.text)
    assert outline.all("html")[0]["lang"] == language
    assert TEXTS[language]["notice"] in answer.text
    assert amount in answer.text
    assert "&lt;b&gt;Zeugnis&lt;/b&gt;" in answer.text
    # A mapping's `items` is its method, not the word of that name.
    assert f"<caption>{TEXTS[language]['items']}</caption>" in answer.text
    assert "built-in" not in answer.text


async def test_the_page_needs_no_script_and_no_inline_style(http: httpx.AsyncClient, order_id: str) -> None:
    answer = await http.get(f"/paypal-simulator/checkoutnow?token={order_id}")
    outline = Outline(answer.text)
    assert outline.all("script") == outline.all("style") == []
    assert not [tag for tag, attributes in outline.tags if "style" in attributes or "onclick" in attributes]
    assert len(outline.all("h1")) == len(outline.all("main")) == len(outline.all("title")) == 1
    sheet = outline.all("link")[0]["href"]
    assert (await http.get(str(sheet))).headers["content-type"].startswith("text/css")
    assert "'unsafe" not in answer.headers["content-security-policy"]


async def test_looking_changes_nothing(http: httpx.AsyncClient, order_id: str) -> None:
    await http.get(f"/paypal-simulator/checkoutnow?token={order_id}")
    assert (await http.get(f"/paypal-simulator/checkoutnow/{order_id}/approve")).status_code == 405
    assert await status(http, order_id) == "PAYER_ACTION_REQUIRED"


async def test_approving_leads_back_to_the_office(http: httpx.AsyncClient, order_id: str) -> None:
    answer = await http.post(f"/paypal-simulator/checkoutnow/{order_id}/approve")
    assert answer.status_code == 303
    location = httpx.URL(answer.headers["location"])
    assert str(location).startswith("http://office.test/demo/payment-return?")
    assert dict(location.params) == {"state": "approved", "token": order_id, "PayerID": "SIMULATEDPAYER"}
    assert await status(http, order_id) == "APPROVED"
    page = await http.get(f"/paypal-simulator/checkoutnow?token={order_id}")
    assert Outline(page.text).all("form") == []


async def test_cancelling_leaves_the_order_open(http: httpx.AsyncClient, order_id: str) -> None:
    answer = await http.post(f"/paypal-simulator/checkoutnow/{order_id}/cancel")
    assert httpx.URL(answer.headers["location"]).params["state"] == "cancelled"
    assert await status(http, order_id) == "PAYER_ACTION_REQUIRED"


async def test_an_unknown_payment_is_a_page_too(http: httpx.AsyncClient) -> None:
    for answer in [
        await http.get("/paypal-simulator/checkoutnow?token=X"),
        await http.get("/paypal-simulator/checkoutnow"),
        await http.post("/paypal-simulator/checkoutnow/X/approve"),
    ]:
        assert answer.status_code == 404
        assert TEXTS["en"]["unknown_title"] in answer.text


def test_languages_and_amounts() -> None:
    headers = ["de", "en-GB", "de;q=0.2,en;q=0.3", "", "tr", "de;q=x"]
    assert [language_of(header) for header in headers] == ["de", "en", "en", "en", "en", "en"]
    assert [money(5, "EUR", "de"), money(123456, "CHF", "en")] == ["0,05\xa0€", "CHF1234.56"]
