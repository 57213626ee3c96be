"""`schalter status`: whether everything is well, from the services' own answers and figures."""

import asyncio
import json
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contracts.topology import SERVICES
from schalter.bus import differences
from schalter.embedded import SchalterError
from schalter.installation import BusAccess, Installation
from schalter.replay import replay

_TIMEOUT_SECONDS: Final = 3.0
#: From when on what waits is a trouble and not a moment; the alerts say the same (deploy/prometheus/alerts.yml).
_EVENTS_LATE_SECONDS: Final = 60.0
_MESSAGES_LATE_SECONDS: Final = 900.0
#: What a service calls a part that it needs, in words.
_PARTS: Final = {"bus": "the bus", "database": "its database", "redis": "Redis"}


@dataclass(frozen=True)
class Seen:
    """What one service says of itself. `failing`: what it needs and does not have; None: it does not answer."""

    name: str
    failing: tuple[str, ...] | None
    figures: Mapping[str, float] = field(default_factory=dict)

    def figure(self, name: str) -> float:
        """The sum of a metric's series; 0 for one that is not there."""
        return self.figures.get(name, 0.0)

    @property
    def troubles(self) -> list["Trouble"]:
        """What is not well, each with what to look at."""
        if self.failing is None:
            return [Trouble("does not answer: is it running? Its log says why.")]
        found = [
            Trouble(f"does not reach {_PARTS.get(part, part)}.", part) for part in self.failing if part != "topology"
        ]
        if "topology" in self.failing:
            text = "has nothing to speak to or to listen to on the bus: schalter bus apply"
            found.append(Trouble(text, "topology"))
        if self.figure("schalter_outbox_oldest_seconds") > _EVENTS_LATE_SECONDS:
            found.append(Trouble("has events that do not reach the bus: is NATS up? Nothing is lost.", "bus"))
        if self.figure("schalter_messages_oldest_seconds") > _MESSAGES_LATE_SECONDS:
            found.append(Trouble("has messages that wait for over a quarter of an hour: is the mail server away?"))
        return found


@dataclass(frozen=True)
class Trouble:
    """What is not well with a service, to be read after its name. `needs`: the part whose lack is why."""

    text: str
    needs: str = ""


@dataclass(frozen=True)
class Status:
    """How it stands. `dead_letters`: how many events nobody could process; None: the bus cannot be reached.

    `differences`: in how many streams and consumers the bus is not as the topology has it.
    """

    services: list[Seen]
    dead_letters: int | None
    differences: int = 0

    @property
    def troubles(self) -> list[str]:
        """All that is not well, each with what to do."""
        away = self.dead_letters is None
        found = [
            f"{service.name} {trouble.text}"
            for service in self.services
            for trouble in service.troubles
            if not (away and trouble.needs == "bus")  # that follows from what is said below
        ]
        if self.dead_letters is None:
            found.append("The bus does not answer: is NATS up? What is committed meanwhile waits in the outboxes.")
        elif self.dead_letters:
            events = counted(self.dead_letters, "event")
            found.append(f"{events} could not be processed: schalter events replay --dry-run")
        if self.differences == 1:
            found.append("1 stream or consumer is not as it shall be: schalter bus apply --check")
        elif self.differences:
            found.append(
                f"{self.differences} streams and consumers are not as they shall be: schalter bus apply --check"
            )
        return found


def counted(number: int, one: str) -> str:
    """So many of what `one` names."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def look(installation: Installation) -> Status:
    """Asks all services, one after the other, for three seconds each at most, and the bus."""
    services = look_at_services(installation)
    try:
        return Status(services, *asyncio.run(_on_the_bus(installation.bus)))
    except SchalterError:
        return Status(services, None)


def look_at_services(installation: Installation) -> list[Seen]:
    """Asks all services, one after the other, for three seconds each at most."""
    return [_seen(name, installation.service(name)) for name in SERVICES]


async def _on_the_bus(access: BusAccess) -> tuple[int, int]:
    letters = [letter async for letter in replay(access, dry_run=True)]
    return len(letters), len(await differences(access))


def shown(status: Status, at: datetime | None = None) -> RenderableType:
    """A table of services, and below what is not well; `at`: when it was looked, where that is not plain."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("service", style="bold", no_wrap=True)
    table.add_column("", no_wrap=True)
    for column in ("events waiting", "oldest", "messages waiting", "oldest"):
        table.add_column(column, justify="right", no_wrap=True)
    for service in status.services:
        table.add_row(service.name, *_row(service))
    troubles = status.troubles
    said = Table.grid(padding=(0, 1, 0, 0))
    for trouble in troubles:
        said.add_row(Text("!", "bold red"), Text(trouble, "bold red"))
    looked = [Text(f"Looked at {at:%H:%M:%S}.", style="dim")] if at else []
    return Group(table, Text(), said if troubles else Text("All is well.", style="green"), *looked)


def _row(service: Seen) -> list[str | Text]:
    if service.failing is None:
        return [Text("away", style="bold red")]
    ready = Text("not ready", style="bold red") if service.failing else Text("ready", style="green")
    row: list[str | Text] = [
        ready,
        f"{service.figure('schalter_outbox_pending'):.0f}",
        _age(service.figure("schalter_outbox_oldest_seconds")),
    ]
    if "schalter_messages_waiting" in service.figures:
        waiting = f"{service.figure('schalter_messages_waiting'):.0f}"
        row += [waiting, _age(service.figure("schalter_messages_oldest_seconds"))]
    return row


def _age(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds))) if seconds >= 1 else "-"


def _seen(name: str, address: str) -> Seen:
    try:
        status, body = _get(f"{address}/readyz")
        failing = () if status == 200 else tuple(_failing(body))
        return Seen(name, failing, _figures(_get(f"{address}/metrics")[1]))
    except (OSError, ValueError, KeyError):
        return Seen(name, None)


def _failing(body: str) -> list[str]:
    return list(json.loads(body)["failing"])


def _figures(text: str) -> dict[str, float]:
    """The sum of each metric's series, of ages the greatest."""
    figures: dict[str, float] = defaultdict(float)
    for metric in text_string_to_metric_families(text):
        for sample in metric.samples:
            if sample.name.endswith("_seconds"):
                figures[sample.name] = max(figures[sample.name], sample.value)
            else:
                figures[sample.name] += sample.value
    return figures


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - an address of ours
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
