"""What a request carries with it (correlation id, trace context), and the spans of its way where traces are wanted.

The context lies in structlog's variables and nowhere else, so lines, events and spans cannot disagree. A span is begun
where everything of its kind passes: requests at the edge, statements at the connection, events at outbox and consumer,
mails at the hand-over. Without a collector (`SCHALTER_TRACES_ENDPOINT`) no module of OpenTelemetry is imported, and a
place asks no more than whether there is one. See docs/adr/0037.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import structlog

from contracts.base import Meta

if TYPE_CHECKING:
    from chassis.spans import Spans

Kind: TypeAlias = Literal["server", "client", "producer", "consumer"]
Value: TypeAlias = str | int | float

#: Version, trace, parent, flags. Version ff and ids of nothing but zeros are none.
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_CARRIED: Final = ("correlation_id", "traceparent")


class Span:
    """A span that has begun: it may be named and described until its block ends. This one is nobody's."""

    def tell(self, name: str | None = None, *, failed: bool = False, **attributes: Value) -> None:
        """Call it `name`, add `attributes` (`a__b` is a.b), mark it as failed."""


_NOBODYS: Final = nullcontext(Span())
_spans: "Spans | None" = None


def configure(service: str, endpoint: str | None, ratio: float) -> "Spans | None":
    """From now on spans of `service` go to the collector at `endpoint` (OTLP over HTTP), of `ratio` of all traces.

    Without an endpoint there are none. Whoever configured it closes what is returned.
    """
    global _spans
    _spans = None
    if endpoint is not None:
        from chassis.spans import Spans  # heavy, and needed here only

        _spans = Spans(service, endpoint, ratio)
    return _spans


def collected() -> "Spans | None":
    """Where spans go; None where nobody collects them."""
    return _spans


def span(name: str, kind: Kind, *, begins: bool = False, **attributes: Value) -> AbstractContextManager[Span]:
    """A block that is one span of the trace that is carried; what is carried within is its child.

    What `begins` is the first of its trace; where nothing is carried there is no span else. `attributes`: see
    `Span.tell`; ids of things, kinds and numbers, never what tells of a person.
    """
    return _NOBODYS if _spans is None else _spans.span(name, kind, begins=begins, attributes=attributes)


def carried() -> dict[str, str]:
    """What is carried now, to be kept beside what is done later (see `carrying`)."""
    context = structlog.contextvars.get_contextvars()
    return {name: context[name] for name in _CARRIED if context.get(name)}


def carrying(kept: Mapping[str, str], **also: str) -> AbstractContextManager[object]:
    """A block whose lines, events and spans carry on what `carried` gave, and say `also`.

    A traceparent that is none is left out: whoever publishes or stores it is not the edge.
    """
    context = {**kept, **also}
    if trace := trace_id(kept.get("traceparent")):
        context["trace_id"] = trace
    else:
        context.pop("traceparent", None)
    return structlog.contextvars.bound_contextvars(**context)


def carried_by(meta: Meta) -> dict[str, str]:
    """What the event of `meta` carries."""
    found = {"correlation_id": meta.correlationid, "traceparent": meta.traceparent}
    return {name: value for name, value in found.items() if value}


def trace_id(traceparent: str | None) -> str | None:
    """The trace's id within `traceparent`; None if that has not the form of W3C Trace Context, 3.2."""
    sent = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return sent[1] if sent else None
