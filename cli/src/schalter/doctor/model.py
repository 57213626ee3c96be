"""What is examined, and what is found."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from schalter.installation import Installation
from schalter.running.home import Home

#: How long one check may take before it is a finding itself.
SECONDS: Final = 20.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `trouble`: what is wrong with it, and `remedy` what to do; None: it is well.

    `cause`: by what name others follow from it, where that is not `what`; `follows`: of which causes it is no more than
    what follows.
    """

    what: str
    trouble: str | None = None
    remedy: str = ""
    cause: str = ""
    follows: tuple[str, ...] = ()


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed over."""

    host: str
    port: int
    #: none, starttls or tls; what else somebody wrote is a finding.
    security: str


@dataclass(frozen=True)
class Patient:
    """An installation, and what it was told of the world around it."""

    installation: Installation
    root: Path
    offices: Path
    public_url: str
    redis_url: str
    mail: MailServer
    turn_urls: Sequence[str]
    payment_url: str
    #: Whom an alert wakes.
    alerts_page: str
    #: Folders whose disk fills, and files that nobody else may read.
    folders: Sequence[Path]
    private: Sequence[Path]
    #: The collector of traces; empty where there are none.
    traces_url: str = ""

    @classmethod
    def here(cls, home: Home) -> "Patient":
        """That of compose or of `schalter up`, as its environment has it. Raises SchalterError when neither runs."""
        installation, env = Installation.running(home), os.environ.get
        redis = f"redis://:{installation.secrets.password('redis')}@{installation.redis}/0"
        turn = tuple(url.strip() for url in env("SCHALTER_TURN_URLS", "").split(",") if url.strip())
        if env("SCHALTER_SECRETS_STORE"):
            port, security = env("SCHALTER_SMTP_PORT") or "25", env("SCHALTER_SMTP_SECURITY") or "starttls"
            mail = MailServer(env("SCHALTER_SMTP_HOST", ""), int(port) if port.isdecimal() else 0, security)
            urls = env("SCHALTER_PUBLIC_URL", ""), env("SCHALTER_PAYPAL_API_URL", "")
            folders, private = [Path("/")], list[Path]()
            page = env("SCHALTER_ALERTS_PAGE", "")
        else:
            mail = MailServer(*_address(installation.services["smtp"]), "none")
            urls = installation.public_url, f"http://{installation.services['paypal']}"
            folders, private = [home.var], [home.var / "secrets.json", home.demo_clerks]
            page = "the mail sink"
        return cls(
            installation=installation,
            root=home.root,
            offices=installation.offices,
            public_url=urls[0],
            redis_url=redis,
            mail=mail,
            turn_urls=turn,
            payment_url=urls[1],
            alerts_page=page,
            folders=folders,
            private=private,
            traces_url=env("SCHALTER_TRACES_ENDPOINT", ""),
        )


Check = Callable[[Patient], Awaitable[Sequence[Finding]]]


async def examine(patient: Patient, checks: Sequence[tuple[str, Check]]) -> list[Finding]:
    """All `checks` (by what they look at) side by side; one that fails or takes too long is a finding, too.

    One cause is told once: what follows from something else that is ill is left out.
    """

    async def one(what: str, check: Check) -> Sequence[Finding]:
        try:
            async with asyncio.timeout(SECONDS):
                return await check(patient)
        except TimeoutError:
            return [Finding(what, f"did not answer within {SECONDS:.0f} s", "Is a firewall between, or does it hang?")]
        except Exception as error:  # noqa: BLE001 - a doctor who falls over a patient helps nobody
            return [Finding(what, f"could not be examined: {error}", "Please tell the developers.")]

    found = await asyncio.gather(*(one(what, check) for what, check in checks))
    causes = {each.cause or each.what for findings in found for each in findings if each.trouble}
    told = [each for findings in found for each in findings if not (each.trouble and causes.intersection(each.follows))]
    return [replace(each, remedy=patient.installation.advice(each.remedy)) for each in told]


def _address(at: str) -> tuple[str, int]:
    parts = urlsplit(f"//{at}")
    return parts.hostname or "", parts.port or 0
