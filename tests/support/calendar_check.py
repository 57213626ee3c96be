"""A calendar file read as RFC 5545 and RFC 5546 say, by nobody's library: what a strict client may expect of us."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

#: RFC 5545, 3.1: as long as a line may be, in octets, without its break.
_LINE_OCTETS: Final = 75
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PARAMETERS: Final = r'(?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*'
_CONTENT: Final = re.compile(rf"([A-Za-z0-9-]+)({_PARAMETERS}):(.*)")
_PARAMETER: Final = re.compile(r';([A-Za-z0-9-]+)=("[^"]*"|[^";:]*)')
_UTC: Final = re.compile(r"\d{8}T\d{6}Z")
_LOCAL: Final = re.compile(r"\d{8}T\d{6}")
_OFFSET: Final = re.compile(r"([+-])(\d\d)(\d\d)")


class NotACalendar(AssertionError):
    """What the file does wrong."""


@dataclass(frozen=True)
class Property:
    """One content line, unfolded. `parameters` by name in capitals, values without quotes."""

    name: str
    parameters: dict[str, str]
    value: str


@dataclass
class Component:
    """BEGIN to END."""

    name: str
    properties: list[Property] = field(default_factory=list)
    components: list["Component"] = field(default_factory=list)

    def all(self, name: str) -> list[Property]:
        """The properties called `name`."""
        return [each for each in self.properties if each.name == name]

    def one(self, name: str) -> Property:
        """The property called `name`, which must be there exactly once."""
        found = self.all(name)
        if len(found) != 1:
            raise NotACalendar(f"{self.name} has {len(found)} x {name}")
        return found[0]

    def inside(self, name: str) -> list["Component"]:
        """The components called `name` directly in this one."""
        return [each for each in self.components if each.name == name]


@dataclass(frozen=True)
class Entry:
    """What a calendar makes of the file: which entry, which revision of it, and what to do."""

    method: str
    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    status: str
    summary: str
    alarms: int


def check(content: bytes) -> Entry:
    """The one appointment in `content`. Raises NotACalendar when it breaks a rule."""
    calendar = _parse(content)
    for name in ("VERSION", "PRODID", "METHOD"):
        calendar.one(name)
    _must(calendar.one("VERSION").value == "2.0", "VERSION is not 2.0")
    events = calendar.inside("VEVENT")
    _must(len(events) == 1, f"{len(events)} events")
    event, method = events[0], calendar.one("METHOD").value
    zones = {zone.one("TZID").value: zone for zone in calendar.inside("VTIMEZONE")}
    starts_at, ends_at = (_instant(event.one(name), zones) for name in ("DTSTART", "DTEND"))
    _must(starts_at < ends_at, "it ends before it begins")
    _must(bool(_UTC.fullmatch(event.one("DTSTAMP").value)), "DTSTAMP is not UTC")
    _must(event.one("SEQUENCE").value.isdigit(), "SEQUENCE is no number")
    _must(bool(event.one("UID").value), "UID is empty")
    if method in ("REQUEST", "CANCEL"):  # RFC 5546, 3.2
        _must(event.one("ORGANIZER").value.startswith("mailto:"), "ORGANIZER is no address")
        _must(len(event.all("ATTENDEE")) > 0, "nobody is invited")
    status = event.one("STATUS").value
    _must((method == "CANCEL") == (status == "CANCELLED"), f"METHOD {method} with STATUS {status}")
    for alarm in event.inside("VALARM"):
        for name in ("ACTION", "TRIGGER", "DESCRIPTION"):
            alarm.one(name)
    return Entry(
        method=method,
        uid=event.one("UID").value,
        sequence=int(event.one("SEQUENCE").value),
        starts_at=starts_at,
        ends_at=ends_at,
        status=status,
        summary=re.sub(r"\\([\\,;])", r"\1", event.one("SUMMARY").value),
        alarms=len(event.inside("VALARM")),
    )


def _parse(content: bytes) -> Component:
    root = Component("")
    open_ones = [root]
    for line in _unfold(content):
        read = _CONTENT.fullmatch(line)
        if read is None:
            raise NotACalendar(f"not a content line: {line[:80]!r}")
        name, value = read[1].upper(), read[3]
        if name == "BEGIN":
            component = Component(value)
            open_ones[-1].components.append(component)
            open_ones.append(component)
        elif name == "END":
            _must(open_ones.pop().name == value, f"END:{value} ends nothing")
        else:
            parameters = {key.upper(): text.strip('"') for key, text in _PARAMETER.findall(read[2])}
            open_ones[-1].properties.append(Property(name, parameters, value))
    _must(open_ones == [root], "something is not ended")
    _must([each.name for each in root.components] == ["VCALENDAR"], "not one VCALENDAR")
    return root.components[0]


def _unfold(content: bytes) -> Iterator[str]:
    _must(content.endswith(b"\r\n"), "the last line has no CRLF")
    lines = content.removesuffix(b"\r\n").split(b"\r\n")
    unfolded: list[bytes] = []
    for line in lines:
        _must(b"\n" not in line and b"\r" not in line, "a line break that is not CRLF")
        _must(len(line) <= _LINE_OCTETS, f"a line of {len(line)} octets")
        line.decode()  # a fold may not tear a character: clients decode before they unfold
        if line[:1] in (b" ", b"\t"):
            _must(bool(unfolded), "the first line is folded")
            unfolded[-1] += line[1:]
        else:
            unfolded.append(line)
    for line in unfolded:
        text = line.decode()
        _must(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text), "a control character")
        yield text


def _instant(stamp: Property, zones: dict[str, Component]) -> datetime:
    """The instant as the file itself explains it: by its own VTIMEZONE, not by what we know of the zone."""
    if _UTC.fullmatch(stamp.value):
        return datetime.strptime(stamp.value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    _must(bool(_LOCAL.fullmatch(stamp.value)), f"{stamp.name} is no time")
    zone_id = stamp.parameters.get("TZID", "")
    _must(zone_id in zones, f"no VTIMEZONE for {zone_id!r}")
    local = datetime.strptime(stamp.value, "%Y%m%dT%H%M%S")
    instant = (local - _offset_at(zones[zone_id], local)).replace(tzinfo=UTC)
    known = local.replace(tzinfo=ZoneInfo(zone_id)).astimezone(UTC)
    _must(instant == known, f"by its VTIMEZONE {stamp.value} is {instant}, in {zone_id} it is {known}")
    return instant


def _offset_at(zone: Component, local: datetime) -> timedelta:
    """The offset of the observance that began last before `local` (RFC 5545, 3.6.5)."""
    onsets: list[tuple[datetime, timedelta, timedelta]] = []
    for observance in zone.inside("STANDARD") + zone.inside("DAYLIGHT"):
        before, after = (_offset(observance.one(f"TZOFFSET{end}").value) for end in ("FROM", "TO"))
        onsets += [(onset, before, after) for onset in _onsets(observance, local.year)]
    onsets.sort()
    for number, (onset, before, after) in enumerate(onsets):
        really = _change(zone.one("TZID").value, onset - before)
        # The first of all may be no change at all, but what held when the file begins to explain.
        _must(really == (before, after) or (number == 0 and really[1] == after), f"nothing changes so at {onset}")
    begun = [after for onset, _, after in onsets if onset <= local]
    _must(bool(begun), f"no observance holds at {local}")
    return begun[-1]


def _onsets(observance: Component, until: int) -> list[datetime]:
    """When it begins, up to the year `until`: once, or every year by a rule like "the last Sunday of March"."""
    first = datetime.strptime(observance.one("DTSTART").value, "%Y%m%dT%H%M%S")
    rules = observance.all("RRULE")
    _must(not observance.all("RDATE"), "Outlook reads no RDATE")
    if not rules:
        return [first]
    rule = dict(part.split("=") for part in rules[0].value.split(";"))
    _must(rule.keys() == {"FREQ", "BYMONTH", "BYDAY"} and rule["FREQ"] == "YEARLY", f"not a yearly rule: {rule}")
    found = []
    for year in range(first.year, until + 1):
        count, weekday = int(rule["BYDAY"][:-2]), _WEEKDAYS.index(rule["BYDAY"][-2:])
        month = first.replace(year=year, month=int(rule["BYMONTH"]), day=1)
        days = [month + timedelta(days=day) for day in range(31)]
        fitting = [day for day in days if day.month == month.month and day.weekday() == weekday]
        found.append(fitting[count - 1 if count > 0 else count])
    _must(found[:1] == [first], "DTSTART does not follow its own rule")
    return found


def _change(zone_id: str, instant: datetime) -> tuple[timedelta | None, timedelta | None]:
    """What the zone's offset really is before and after `instant` (UTC)."""
    after = instant.replace(tzinfo=UTC)
    zone = ZoneInfo(zone_id)
    return (after - timedelta(seconds=1)).astimezone(zone).utcoffset(), after.astimezone(zone).utcoffset()


def _offset(text: str) -> timedelta:
    read = _OFFSET.fullmatch(text)
    if read is None:
        raise NotACalendar(f"not an offset: {text}")
    minutes = int(read[2]) * 60 + int(read[3])
    return timedelta(minutes=-minutes if read[1] == "-" else minutes)


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotACalendar(otherwise)
