"""`schalter init`: what a production needs to know, asked once and written into `.env` and `offices/`."""

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parseaddr
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
from rich.console import Console

from schalter.embedded import SchalterError
from schalter.offices import read_offices
from schalter.running.clerks import new_password
from schalter.running.home import Home
from schalter.running.secret_store import write_private

#: A name alone: a port would need to be published, and everything else would end up in every link.
_ADDRESS: Final = re.compile(r"https://([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)/?")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_SAFE: Final = re.compile(r"[\w@%+=:,./ <>-]*")


_SECRET: Final = ("paypal_client_secret",)
_WHOM_TO_WAKE: Final = "Whom an alert wakes (e-mail address; empty: nobody yet)"
_CERTIFICATES: Final = ("acme", "files", "internal")


@dataclass(frozen=True)
class Answers:
    """What was asked. `behind`: the addresses of the proxy that ends TLS; empty where the gateway does.

    `turn_address`: where browsers reach this machine's TURN server; empty for none. `turn_listen`: this machine's own
    address, where that is another one (1:1 NAT). `alerts_page`: whom an alert wakes; empty for nobody.
    """

    url: str
    office: str
    first_clerk: str
    name: str
    mail_from: str
    smtp_host: str
    smtp_port: int
    smtp_user: str
    smtp_password: str
    paypal_client_id: str
    paypal_client_secret: str
    paypal_webhook_id: str
    behind: str
    tls: str
    turn_address: str
    turn_listen: str
    alerts_page: str


@dataclass(frozen=True)
class Initialised:
    """What was written, and the first sign-in, which is kept nowhere."""

    files: list[Path]
    password: str


def initialise(directory: Path, answers: Answers, *, example: Path) -> Initialised:
    """Write `.env` and, unless it is there, `offices/` with the office's file, copied from the folder `example`.

    Raises SchalterError, with nothing written, when there is a `.env` already or an answer cannot be right.
    """
    env = directory / ".env"
    if env.exists():
        raise SchalterError(f"{env} is there already, and is not overwritten. Change it by hand, or move it away.")
    checked = {name: check(getattr(answers, name)) for name, check in _CHECKS.items()}
    answers = replace(answers, **checked)  # type: ignore[arg-type] # what is checked is text
    offices = directory / "offices"
    if not offices.exists():
        source = example / f"{answers.office}.toml"
        if not source.is_file():
            known = ", ".join(sorted(path.stem for path in example.glob("*.toml")))
            raise SchalterError(
                f"There is no file for {answers.office!r}. Write offices/{answers.office}.toml after one of {example}: "
                f"{known}. Then call this again."
            )
    known_offices = read_offices(offices if offices.exists() else example)[0]
    if answers.office not in known_offices:
        raise SchalterError(f"{offices} has no {answers.office}.toml. It has: {', '.join(known_offices)}.")
    password = new_password()
    text = _env(answers, _first_clerk(answers, password))
    if not offices.exists():
        offices.mkdir()
        shutil.copy(example / f"{answers.office}.toml", offices)
    write_private(env, text)
    return Initialised([env, *sorted(offices.glob("*.toml"))], password)


def _address(url: str) -> str:
    found = _ADDRESS.fullmatch(url.strip())
    if not found:
        raise SchalterError(f"{url!r} is no address for citizens. Write it as https://termin.town.example")
    return f"https://{found[1].lower()}"


def _username(text: str) -> str:
    from casework.clerks.accounts import AccountError, Named

    try:
        return Named.of("", text).username
    except AccountError as error:
        raise SchalterError(str(error)) from None


def _name(text: str) -> str:
    from casework.clerks.accounts import AccountError, displayed

    try:
        return displayed(text)
    except AccountError as error:
        raise SchalterError(str(error)) from None


def _sender(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", parseaddr(text)[1]):
        raise SchalterError(f"{text!r} is no e-mail address. Write it as Town <noreply@town.example>")
    return text.strip()


def _page(text: str) -> str:
    if text.strip() and not re.fullmatch(r"[^@\s,]+@[^@\s,]+\.[^@\s,.]+", text.strip()):
        raise SchalterError(f"{text!r} is no e-mail address. Write it as oncall@town.example")
    return text.strip()


def _server(text: str) -> str:
    if not _HOST.fullmatch(text.strip()):
        raise SchalterError(f"{text!r} is no mail server. Write its name alone: mail.town.example")
    return text.strip()


def _present(text: str) -> str:
    if not text.strip():
        raise SchalterError("Of the account with the payment provider something is missing.")
    return text.strip()


def _addresses(text: str) -> str:
    """Addresses and networks as the gateway wants them, one space between. Raises SchalterError for what is none."""
    try:
        return " ".join(str(ip_network(each, strict=False)) for each in text.replace(",", " ").split())
    except ValueError as error:
        raise SchalterError(f"--behind takes addresses such as 10.0.0.0/8 192.0.2.7: {error}") from None


def _turn_address(text: str) -> str:
    try:
        return str(ip_address(text.strip())) if text.strip() else ""
    except ValueError:
        raise SchalterError(f"The TURN server's addresses look like 192.0.2.7, not {text!r}.") from None


def _turn_urls(answers: Answers) -> str:
    """What browsers are told: by UDP, by TCP, and by TLS where there is a certificate that coturn can read."""
    host = urlsplit(answers.url).hostname
    urls = [f"turn:{host}:3478?transport={transport}" for transport in ("udp", "tcp")]
    return ",".join([*urls, *([f"turns:{host}:5349?transport=tcp"] if answers.tls == "files" else [])])


#: What is looked at in each answer; each gives the answer as it is kept, or raises SchalterError.
_CHECKS: Final[Mapping[str, Callable[[str], str]]] = {
    "url": _address,
    "first_clerk": _username,
    "name": _name,
    "mail_from": _sender,
    "smtp_host": _server,
    "paypal_client_id": _present,
    "paypal_client_secret": _present,
    "paypal_webhook_id": _present,
    "behind": _addresses,
    "turn_address": _turn_address,
    "turn_listen": _turn_address,
    "alerts_page": _page,
}


def _first_clerk(answers: Answers, password: str) -> str:
    from casework.clerks import passwords

    account = {
        "office": answers.office,
        "username": answers.first_clerk,
        "name": answers.name,
        "password_hash": asyncio.run(passwords.hashed(password)),
    }
    return json.dumps(account, ensure_ascii=False).replace("'", r"\u0027")


def _env(answers: Answers, first_clerk: str) -> str:
    files = ["docker-compose.yml", "deploy/production.yml"]
    files += [] if answers.behind else ["deploy/tls.yml"]
    files += ["deploy/turn.yml"] if answers.turn_address else []
    turn = {"SCHALTER_TURN_URLS": _turn_urls(answers), "TURN_ADDRESS": answers.turn_address}
    turn["TURN_LISTEN"] = answers.turn_listen or answers.turn_address
    settings = {
        "COMPOSE_FILE": ":".join(files),
        "SCHALTER_PUBLIC_URL": answers.url,
        "GATEWAY_SITE": "http://:8080" if answers.behind else answers.url,
        "GATEWAY_TLS": "none" if answers.behind else answers.tls,
        "GATEWAY_TRUSTED_PROXIES": answers.behind,
        "SCHALTER_OFFICES": "./offices",
        "SCHALTER_MAIL_FROM": answers.mail_from,
        "SCHALTER_SMTP_HOST": answers.smtp_host,
        "SCHALTER_SMTP_PORT": str(answers.smtp_port),
        "SCHALTER_SMTP_SECURITY": "tls" if answers.smtp_port == 465 else "starttls",
        "SCHALTER_SMTP_USER": answers.smtp_user,
        "SCHALTER_SMTP_PASSWORD": answers.smtp_password,
        "SCHALTER_PAYPAL_API_URL": "https://api-m.paypal.com",
        "SCHALTER_PAYPAL_CERT_ORIGIN": "https://api.paypal.com",
        "SCHALTER_PAYPAL_CLIENT_ID": answers.paypal_client_id,
        "SCHALTER_PAYPAL_CLIENT_SECRET": answers.paypal_client_secret,
        "SCHALTER_PAYPAL_WEBHOOK_ID": answers.paypal_webhook_id,
        "SCHALTER_ALERTS_PAGE": answers.alerts_page,
        "SCHALTER_FIRST_CLERK": first_clerk,
        **(turn if answers.turn_address else {}),
    }
    lines = [f"{name}={_quoted(name, value)}" for name, value in settings.items()]
    head = "# Made by `schalter init`; docs/operations.md says what else there is. Keep it to yourself.\n"
    return head + "\n".join(lines) + "\n"


def _quoted(name: str, value: str) -> str:
    """As Compose reads it: between single quotes nothing is replaced."""
    if "'" in value or "\n" in value or value.endswith("\\"):
        raise SchalterError(
            f"{name} cannot stand in .env: no apostrophes, no line breaks, no backslash at the end. Write it into a"
            f" file {name.lower()} under /run/secrets of its container instead."
        )
    return value if value and _SAFE.fullmatch(value) and " " not in value else f"'{value}'"


def command(  # noqa: PLR0913 - its options
    *,
    url: Annotated[str | None, typer.Option(help="The address of citizens: https://termin.town.example")] = None,
    office: Annotated[str | None, typer.Option(help="The first office, such as heidelberg.")] = None,
    first_clerk: Annotated[str | None, typer.Option(help="Who signs in first, such as erika.amt.")] = None,
    name: Annotated[str | None, typer.Option(help="Their name, as citizens see it.")] = None,
    mail_from: Annotated[str | None, typer.Option(help="Whom mails are from.")] = None,
    smtp_host: Annotated[str | None, typer.Option(help="The town's mail server.")] = None,
    smtp_port: Annotated[
        int, typer.Option(min=1, max=65535, help="587 or 25 (STARTTLS), 465 (TLS from the first byte).")
    ] = 587,
    smtp_user: Annotated[str, typer.Option(help="If the mail server wants one.")] = "",
    smtp_password: Annotated[str, typer.Option(envvar="SCHALTER_SMTP_PASSWORD", help="For --smtp-user.")] = "",
    paypal_client_id: Annotated[
        str | None, typer.Option(help="Of the town's account with the payment provider.")
    ] = None,
    paypal_client_secret: Annotated[
        str | None, typer.Option(envvar="SCHALTER_PAYPAL_CLIENT_SECRET", help="Its secret.")
    ] = None,
    paypal_webhook_id: Annotated[str | None, typer.Option(help="The id that it gave to our webhook.")] = None,
    behind: Annotated[str, typer.Option(help="TLS ends at a proxy before it: its addresses (10.0.0.0/8).")] = "",
    tls: Annotated[str, typer.Option(help="Where the certificate is from: acme, files or internal (trial).")] = "acme",
    turn_address: Annotated[
        str, typer.Option(help="With a TURN server, for calls out of closed networks: this machine's public address.")
    ] = "",
    turn_listen: Annotated[
        str, typer.Option(help="This machine's own address, where the public one leads to it by 1:1 NAT.")
    ] = "",
    alerts_page: Annotated[
        str | None, typer.Option(help="Whom an alert wakes: a pager's or telephone's e-mail address; empty: nobody.")
    ] = None,
    directory: Annotated[Path | None, typer.Option(help="Where docker-compose.yml is [default: the checkout].")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; what is missing is an error.")] = False,
) -> None:
    """Prepares a production: writes .env and offices/, and prints the first sign-in, once."""

    out = Console(soft_wrap=True, highlight=False)

    def asked(value: str | None, name: str, question: str, default: str | None = None) -> str:
        """The answer, checked; asked again until it can be right."""
        check = _CHECKS.get(name, str)
        if value is not None:
            return check(value)
        if yes:
            raise SchalterError(f"--{name.replace('_', '-')} is missing: {question}")
        while True:
            answer: str = typer.prompt(question, default=default, hide_input=name in _SECRET)
            try:
                return check(answer)
            except SchalterError as error:
                out.print(str(error), style="red", markup=False)

    if tls not in _CERTIFICATES:
        raise SchalterError(f"--tls is one of {', '.join(_CERTIFICATES)}, not {tls!r}.")
    home = Home.find()
    address = asked(url, "url", "Address of citizens (https://...)")
    answers = Answers(
        url=address,
        office=asked(office, "office", "First office (the name of its file)"),
        first_clerk=asked(first_clerk, "first_clerk", "User name of the first clerk, a lead"),
        name=asked(name, "name", "Their name"),
        mail_from=asked(mail_from, "mail_from", "Whom mails are from", f"noreply@{urlsplit(address).hostname}"),
        smtp_host=asked(smtp_host, "smtp_host", "Mail server"),
        smtp_port=smtp_port,
        smtp_user=smtp_user,
        smtp_password=smtp_password,
        paypal_client_id=asked(paypal_client_id, "paypal_client_id", "Client id at the payment provider"),
        paypal_client_secret=asked(paypal_client_secret, "paypal_client_secret", "Its secret"),
        paypal_webhook_id=asked(paypal_webhook_id, "paypal_webhook_id", "Id of the webhook there"),
        behind=behind,
        tls=tls,
        turn_address=turn_address,
        turn_listen=turn_listen,
        alerts_page=asked("" if yes and alerts_page is None else alerts_page, "alerts_page", _WHOM_TO_WAKE, ""),
    )
    done = initialise(directory or home.root, answers, example=home.root / "deploy" / "offices")
    for file in done.files:
        out.print(f"Written: {file}", markup=False)
    out.print(f"First sign-in, at {answers.url}/clerk/, not shown again:", markup=False)
    out.print(f"  {answers.office}: {answers.first_clerk} {done.password}", markup=False)
    where = directory or home.root
    if not answers.alerts_page:
        out.print("Alerts wake nobody. Set SCHALTER_ALERTS_PAGE in .env before citizens come.", markup=False)
    out.print(f"Check the office's file, then: cd {where} && docker compose up --build --wait", markup=False)
