"""Spans by OpenTelemetry, sent to a collector in the background. Imported only where there is one (see `traces`)."""

import logging
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Thread
from time import time_ns
from typing import Final
from urllib.parse import urlsplit

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from chassis import traces
from chassis.traces import Kind, Value

log = structlog.get_logger(__name__)

#: More than so many that wait for the collector are dropped; nobody waits for it.
_QUEUE: Final = 4096
_SEND_EVERY_MS: Final = 1000
_TIMEOUT_SECONDS: Final = 3.0
#: How long the end of a process waits for the collector to take the rest.
_LAST_SECONDS: Final = 2.0
_LOW_64_BITS: Final = (1 << 64) - 1
_KINDS: Final[Mapping[str, SpanKind]] = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|(?<![\w$])\d+(?:\.\d+)?\b")
#: What a statement does to which table: what it writes first, else what it reads.
_WRITES: Final = re.compile(r"\b(?:(INSERT) INTO|(?<!FOR )(UPDATE)(?! SET)|(DELETE) FROM)\s+(\w+)", re.IGNORECASE)
_READS: Final = re.compile(r"\b(SELECT)\b[^;]*?\bFROM\s+([a-z_]\w*)", re.IGNORECASE)


class _Ids(RandomIdGenerator):
    """A trace that begins here has the id that lines and events have for it."""

    def generate_trace_id(self) -> int:
        bound = structlog.contextvars.get_contextvars().get("trace_id")
        return int(bound, 16) if bound else super().generate_trace_id()


class _Unhurried(SpanExporter):
    """Hands spans to a collector if there is one: an absent one costs a warning, and nobody's time."""

    def __init__(self, endpoint: str) -> None:
        self._exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=_TIMEOUT_SECONDS)
        self._at = urlsplit(endpoint).netloc.rpartition("@")[2]
        self._away = self._ending = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Those that are not taken are lost."""
        if self._away and self._ending:
            return SpanExportResult.FAILURE
        taken = self._exporter.export(spans)
        away = taken is not SpanExportResult.SUCCESS
        if away and not self._away:
            log.warning("traces_not_taken", collector=self._at)
        elif self._away and not away:
            log.info("traces_taken_again", collector=self._at)
        self._away = away
        return taken

    def end(self) -> None:
        """No more waiting for a collector that does not answer."""
        self._ending = True

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call] # as it is


class _Begun(traces.Span):
    """A span of OpenTelemetry, described in plain words."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def tell(self, name: str | None = None, *, failed: bool = False, **attributes: Value) -> None:
        if name:
            self._span.update_name(name)
        self._span.set_attributes(_named(attributes))
        if failed:
            self._span.set_status(StatusCode.ERROR)


class Spans:
    """The spans of one process. Which traces are told follows from their ids alone, for all services alike."""

    def __init__(self, service: str, endpoint: str, ratio: float) -> None:
        # What it has to say of a collector that is away is said once, by us.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._below = round(ratio * (_LOW_64_BITS + 1))
        self._exporter = _Unhurried(endpoint)
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource({"service.name": service, "service.namespace": "schalter"}),
            id_generator=_Ids(),
            span_limits=SpanLimits(max_span_attributes=32, max_events=0, max_links=0),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(self._exporter, max_queue_size=_QUEUE, schedule_delay_millis=_SEND_EVERY_MS)
        )
        self._tracer = self._provider.get_tracer("schalter")

    @contextmanager
    def span(self, name: str, kind: Kind, *, begins: bool, attributes: Mapping[str, Value]) -> Iterator[traces.Span]:
        """See `traces.span`. What the block raises marks it as failed, by the error's name alone."""
        context = structlog.contextvars.get_contextvars()
        parent = None if begins else context.get("traceparent")
        if not (parent or begins):
            yield traces.Span()
            return
        new = context.get("trace_id") or f"{random.getrandbits(128):032x}"
        trace_id = traces.trace_id(parent) or new
        with structlog.contextvars.bound_contextvars(trace_id=trace_id):
            if not self._is_told(trace_id):
                yield traces.Span()
                return
            span = self._tracer.start_span(name, _within(parent), _KINDS[kind], _named(attributes))
            inner = span.get_span_context()
            begun = _Begun(span)
            carried = f"00-{inner.trace_id:032x}-{inner.span_id:016x}-01"
            try:
                with structlog.contextvars.bound_contextvars(traceparent=carried):
                    yield begun
            except BaseException as error:
                begun.tell(failed=True, error__type=type(error).__name__)
                raise
            finally:
                span.end()

    def past(
        self,
        name: str,
        kind: Kind,
        seconds: float,
        *,
        parent: str | None,
        error: str | None = None,
        **attributes: Value,
    ) -> None:
        """A span that is over, and took `seconds`: a child of `parent` (a traceparent), or nothing without one."""
        trace_id = traces.trace_id(parent)
        if trace_id is None or not self._is_told(trace_id):
            return
        end = time_ns()
        start = end - int(seconds * 1e9)
        span = self._tracer.start_span(name, _within(parent), _KINDS[kind], _named(attributes), start_time=start)
        if error:
            span.set_attribute("error.type", error)
            span.set_status(StatusCode.ERROR)
        span.end(end)

    def statement(self, sql: str, seconds: float, error: BaseException | None = None) -> None:
        """A statement was run for what is carried now. Its text goes without whatever stands in it literally."""
        parent = structlog.contextvars.get_contextvars().get("traceparent")
        trace_id = traces.trace_id(parent)
        if trace_id and self._is_told(trace_id):
            name, shape = _shape(sql)
            failed = type(error).__name__ if error else None
            told = {"db__system__name": "postgresql", "db__query__text": shape}
            self.past(name, "client", seconds, parent=parent, error=failed, **told)

    def close(self) -> None:
        """Hand over what is left, within two seconds."""
        self._exporter.end()
        ending = Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(_LAST_SECONDS)

    def _is_told(self, trace_id: str) -> bool:
        return int(trace_id[16:], 16) < self._below


def _within(traceparent: str | None) -> Context:
    """OpenTelemetry's context for a child of `traceparent`, or for a trace that begins."""
    if traceparent is None:
        return Context()
    ids = int(traceparent[3:35], 16), int(traceparent[36:52], 16)
    return trace.set_span_in_context(
        NonRecordingSpan(SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))), Context()
    )


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name.replace("__", "."): value for name, value in attributes.items()}


@lru_cache(maxsize=2048)
def _shape(sql: str) -> tuple[str, str]:
    """What `sql` does to which table, and its text without literals and line breaks."""
    text = " ".join(_LITERAL.sub("?", sql).split())
    found = _WRITES.search(text) or _READS.search(text)
    words = [word for word in found.groups() if word] if found else text.split(maxsplit=1)[:1]
    return " ".join([words[0].upper(), *words[1:]]), text[:1000]
