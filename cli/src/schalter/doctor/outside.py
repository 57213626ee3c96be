"""The world around: the address of citizens and its certificate, mail server, TURN server, payment provider."""

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
from aioice.stun import TransactionFailed
from aioice.turn import create_turn_endpoint

from schalter.doctor.model import Finding, MailServer, Patient

_RENEW: Final = timedelta(days=14)
_CLOCK_SECONDS: Final = 60.0
_OFFICES: Final = "/api/booking/offices"


async def public_address(patient: Patient) -> Sequence[Finding]:
    """Browsers reach this installation by the address that stands in its mails, and its clock is right."""
    what = f"address {patient.public_url}"
    remedy = "SCHALTER_PUBLIC_URL is what stands in every mail. Does its name lead here, and does the proxy hand on?"
    async with httpx.AsyncClient(timeout=5, verify=False) as client:  # noqa: S501 - the certificate is looked at below
        try:
            answer = await client.get(f"{patient.public_url}{_OFFICES}")
            ours = (await client.get(f"{patient.installation.service('booking')}{_OFFICES}")).text
        except httpx.ConnectError:
            return [Finding(what, "cannot be reached from here", remedy)]
        except httpx.HTTPError as error:
            return [Finding(what, f"does not answer as HTTP: {type(error).__name__}", remedy)]
    if answer.status_code >= 500:
        return [Finding(what, f"answers {answer.status_code}", "docker compose logs gateway")]
    if answer.text != ours:
        return [Finding(what, "is not this installation", remedy)]
    found = [Finding(what)]
    if said := answer.headers.get("date"):
        off = abs((datetime.now(UTC) - parsedate_to_datetime(said)).total_seconds())
        if off > _CLOCK_SECONDS:
            found.append(Finding("clock", f"differs from the gateway's by {off:.0f} s", "Let NTP set the clocks."))
    return found


async def certificate(patient: Patient) -> Sequence[Finding]:
    """That of the public address: known, for this name, and good for two more weeks."""
    at = urlsplit(patient.public_url)
    if at.scheme != "https":
        return []
    what = f"certificate of {at.hostname}"
    try:
        ends = await asyncio.to_thread(_not_after, at.hostname or "", at.port or 443)
    except ssl.SSLCertVerificationError as error:
        return [Finding(what, error.verify_message, "GATEWAY_TLS in .env; docker compose logs gateway")]
    except OSError:
        return []  # said of the address
    left = ends - datetime.now(UTC)
    if left < _RENEW:
        remedy = "With acme: are ports 80 and 443 open to the world? With files: put new ones into deploy/certificates."
        return [Finding(what, f"ends in {left.days} days", remedy)]
    return [Finding(what)]


def _not_after(host: str, port: int) -> datetime:
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        said: Mapping[str, object] = secure.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(said["notAfter"])), UTC)


async def mail_server(patient: Patient) -> Sequence[Finding]:
    """Reached, and spoken to as it expects."""
    mail = patient.mail
    what = f"mail server {mail.host}:{mail.port}"
    if mail.security not in ("none", "starttls", "tls"):
        remedy = "SCHALTER_SMTP_SECURITY is none, starttls or tls; notify does not start with anything else."
        return [Finding(what, f"is to be spoken to by {mail.security!r}", remedy)]
    try:
        greeting, offers = await _greeted(mail)
    except ssl.SSLError:
        remedy = "SCHALTER_SMTP_SECURITY: starttls for ports 25 and 587, tls for 465."
        return [Finding(what, "does not speak TLS from the first byte", remedy)]
    except TimeoutError:
        remedy = "SCHALTER_SMTP_SECURITY: starttls for ports 25 and 587, tls for 465. Or a firewall swallows it."
        return [Finding(what, "says nothing", remedy)]
    except OSError:
        remedy = "SCHALTER_SMTP_HOST and _PORT; many providers close port 25. Mails wait meanwhile, for a day."
        return [Finding(what, "cannot be reached", remedy)]
    if not greeting.startswith(b"220"):
        return [Finding(what, f"refuses: {greeting.decode(errors='replace').strip()[:100]}", "Ask who runs it.")]
    if mail.security == "starttls" and b"STARTTLS" not in offers.upper():
        return [Finding(what, "offers no STARTTLS", "Use its port for TLS (465) with SCHALTER_SMTP_SECURITY=tls.")]
    return [Finding(what)]


async def _greeted(mail: MailServer) -> tuple[bytes, bytes]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is told to it here
    async with asyncio.timeout(6):
        tls = context if mail.security == "tls" else None
        reader, writer = await asyncio.open_connection(mail.host, mail.port, ssl=tls)
        try:
            greeting = await reader.readline()
            writer.write(b"EHLO localhost\r\n")
            offers = b""
            while line := await reader.readline():
                offers += line
                if line[3:4] != b"-":
                    break
            writer.write(b"QUIT\r\n")
            return greeting, offers
        finally:
            writer.close()


async def turn_servers(patient: Patient) -> Sequence[Finding]:
    """Each relays for who has our credentials."""
    if not patient.turn_urls:
        return []
    found = await asyncio.gather(*(_turn(patient, url) for url in patient.turn_urls if url.startswith("turn")))
    return list(found)


async def _turn(patient: Patient, url: str) -> Finding:
    scheme, _, rest = url.partition(":")
    at, query = urlsplit(f"//{rest.partition('?')[0]}"), parse_qs(rest.partition("?")[2])
    transport = "tcp" if scheme == "turns" else query.get("transport", ["udp"])[0]
    username = f"{int((datetime.now(UTC) + timedelta(minutes=5)).timestamp())}:doctor"
    secret = patient.installation.secrets.password("turn")
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    server = (at.hostname or "", at.port or (5349 if scheme == "turns" else 3478))
    try:
        async with asyncio.timeout(6):
            relayed, _ = await create_turn_endpoint(
                asyncio.DatagramProtocol,
                server,
                username,
                base64.b64encode(digest).decode(),
                ssl=scheme == "turns",
                transport=transport,
            )
    except TransactionFailed:
        remedy = "Its static-auth-secret has to be schalter_turn_secret, and its clock right."
        return Finding(url, "refuses our credentials", remedy)
    except (OSError, TimeoutError, ssl.SSLError, ConnectionError):
        return Finding(url, "cannot be reached", "Is it running, and its port open to the world (UDP and TCP)?")
    relayed.close()
    return Finding(url)


async def alerts(patient: Patient) -> Sequence[Finding]:
    """Somebody is named whom they wake; whether they hear it a trial alone shows."""
    remedy = "Set SCHALTER_ALERTS_PAGE in .env, then start the profile observability anew."
    return [Finding("alerts", None if patient.alerts_page.strip() else "wake nobody", remedy)]


async def payment_provider(patient: Patient) -> Sequence[Finding]:
    """Reached; what it says to somebody who shows nothing does not matter."""
    what = f"payment provider {patient.payment_url}"
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            await client.get(patient.payment_url)
    except httpx.HTTPError:
        return [Finding(what, "cannot be reached", "Does a firewall let payment out? Citizens can pay at the counter.")]
    return [Finding(what)]


async def traces(patient: Patient) -> Sequence[Finding]:
    """Where there are traces: somebody takes them (OTLP over HTTP; none are sent here)."""
    if not patient.traces_url:
        return []
    what = f"collector of traces {patient.traces_url}"
    remedy = "Start it, or empty SCHALTER_TRACES_ENDPOINT. Until then traces are lost, and nothing else."
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.post(
                f"{patient.traces_url.rstrip('/')}/v1/traces", headers={"Content-Type": "application/x-protobuf"}
            )
    except (httpx.HTTPError, httpx.InvalidURL):
        return [Finding(what, "cannot be reached", remedy)]
    if answer.is_error:
        return [Finding(what, f"answers {answer.status_code}", "Is this its port for OTLP over HTTP (4318)?")]
    return [Finding(what)]
