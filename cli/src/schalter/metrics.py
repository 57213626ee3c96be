"""All series that Prometheus gets, as a part of docs/metrics.md, and the rules that each of them keeps."""

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.metrics import MetricWrapperBase

from contracts.topology import SERVICES
from schalter.chores import DESCRIBED, standing_in
from schalter.pages import row, with_part
from schalter.running.home import Home

BEGIN: Final = "<!-- made by `schalter metrics document` from the code -->"
END: Final = "<!-- end of what is made -->"

#: Every label that a series may have, and what bounds its values. Prometheus keeps each combination for good: no id, no
#: person, no path, and nothing that a client can make up.
LABELS: Final[Mapping[str, str]] = {
    "act": "what the provider is asked for: `create`, `read`, `authorise`, `capture`, `void`",
    "channel": "by which way: `citizen`, `office`, `waiting_list`, `walk_in`; of messages `mail`, `sms`",
    "consumer": "a durable consumer of the topology, `{service}-{subject}`",
    "database": "a service's database",
    "days": "`7`, `28`",
    "kind": "a fixed list of the series",
    "method": "an HTTP method; `other` for one that HTTP does not know",
    "office": "an office that has a file; bounded by them",
    "outcome": "a fixed list of the series",
    "part": "what is looked at: `database`, `bus`, `topology`, `redis`, `postgres`, `nats`, `gateway`, `disks`",
    "path": "the kind of path of a call: `host` (directly), `srflx` (through routers), `relay`, `none`",
    "provider": "a payment provider that there is an adapter for",
    "reason": "a fixed list of the series",
    "role": "who has the socket: `citizen`, `clerk`, `lobby`",
    "route": "a route's template, as it stands in the code; `unmatched` for everything else",
    "stream": "a stream of the topology",
    "stage": "the step of a case: `talk`, `identity`, `application`, `signature`, `payment`",
    "state": "a fixed list of the series",
    "status": "an HTTP status that the code answers with",
    "subject": "an event's subject, as in the topology",
    "transport": "`udp`, `tcp`, `tls`; `none` where there is no path",
    "version": "the running version",
    "volume": "a name in `SCHALTER_MONITOR_DISKS`",
    "way": "a fixed list of the series",
    "worker": "a background worker, by the name it has in the code",
}
_EVERY: Final = "every service"
_EXPORTER: Final = "exporter"
_NAME: Final = re.compile(r"schalter(_[a-z]+){2,}")
_UNITS: Final = {"seconds": "seconds", "cents": "cents", "bytes": "bytes", "ratio": "0 to 1"}
_HEAD: Final = ("| series | type | labels | unit | meaning |", "|---|---|---|---|---|")


@dataclass(frozen=True)
class Series:
    """A metric as the code declares it. `teller`: whose it is."""

    name: str
    type: str
    labels: tuple[str, ...]
    meaning: str
    teller: str

    @classmethod
    def of(cls, metric: MetricWrapperBase, teller: str) -> "Series":
        """`metric` under the name that Prometheus knows it by."""
        (told,) = metric.describe()
        suffix = {"counter": "_total", "info": "_info"}.get(told.type, "")
        return cls(told.name + suffix, told.type, tuple(metric._labelnames), told.documentation, teller)

    @property
    def unit(self) -> str:
        """What its numbers count: a unit by the name's end, else things."""
        word = self.name.removesuffix("_total").rpartition("_")[2]
        return _UNITS.get(word, "count")

    def faults(self) -> Iterator[str]:
        """What is against the rules."""
        if not self.meaning.strip().endswith("."):
            yield f"{self.name} does not say in a sentence what it means"
        if not _NAME.fullmatch(self.name):
            yield f"{self.name} is not named schalter_(service or part)_(what)_(unit)"
        if self.type == "histogram" and self.unit == "count":
            yield f"{self.name} has no unit at its end"
        if self.type != "counter" and self.name.endswith("_total"):
            yield f"{self.name} is no counter, and is called like one"
        for label in self.labels:
            if label not in LABELS:
                yield f"{self.name} has a label {label!r} of which nobody says what bounds it"


def declared(home: Home) -> list[Series]:
    """All series of all processes, by name."""
    with standing_in(home):
        for module in (*DESCRIBED.values(), "schalter.exporter.figures"):
            importlib.import_module(module)
    tellers: dict[MetricWrapperBase, str] = {}
    for name, loaded in list(sys.modules.items()):
        package = name.partition(".")[0]
        package = _EXPORTER if package == "schalter" else package
        if package in ("chassis", _EXPORTER) or package in SERVICES:
            for value in list(vars(loaded).values()):
                if isinstance(value, MetricWrapperBase):
                    known = tellers.setdefault(value, package)
                    tellers[value] = "chassis" if "chassis" in (known, package) else known
    found = [Series.of(metric, _EVERY if teller == "chassis" else teller) for metric, teller in tellers.items()]
    return sorted(found, key=lambda series: series.name)


def document(page: Path, home: Home) -> str:
    """What `page` reads when what stands between its marks is current. Raises SchalterError without marks."""
    return with_part(page, BEGIN, END, "\n".join(_tables(declared(home))))


def _tables(found: list[Series]) -> Iterator[str]:
    for teller in (_EVERY, *SERVICES, _EXPORTER):
        yield from (f"### {teller[0].upper()}{teller[1:]}", "", *_HEAD)
        for series in found:
            if series.teller == teller:
                labels = ", ".join(f"`{label}`" for label in series.labels)
                yield row(f"`{series.name}`", series.type, labels, series.unit, series.meaning)
        yield ""
    yield from ("### Labels", "", "| label | values |", "|---|---|")
    used = {label for series in found for label in series.labels}
    yield from (row(f"`{label}`", says) for label, says in LABELS.items() if label in used)
