"""The two days on which Berlin's clock jumps: expected slots in UTC, written down by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from booking.slots import model
from booking.timetable.model import DutyHours, Lane, Schedule

SPRING = date(2027, 3, 28)  # 02:00 CET becomes 03:00 CEST at 01:00 UTC: 23 hours
AUTUMN = date(2026, 10, 25)  # 03:00 CEST becomes 02:00 CET at 01:00 UTC: 25 hours


def slots(day: date, opens: str, closes: str, grid: int, length: int) -> list[str]:
    hours = DutyHours(day.weekday(), _minutes(opens), _minutes(closes))
    office = Schedule(
        zone=ZoneInfo("Europe/Berlin"),
        hours=(hours,),
        grid=timedelta(minutes=grid),
        lead=timedelta(0),
        horizon=timedelta(days=400),
        lanes=(Lane(0),),
    )
    starts = office.offered(day, day, timedelta(minutes=length), datetime(2026, 10, 1, tzinfo=UTC))
    return [datetime.fromtimestamp(start, UTC).strftime("%dT%H:%M") for start in starts]


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


@pytest.mark.parametrize(
    ("day", "opens", "closes", "grid", "length", "expected"),
    [
        pytest.param(SPRING, "08:00", "10:00", 60, 60, ["28T06:00", "28T07:00"], id="spring, after the jump"),
        pytest.param(SPRING, "00:00", "02:00", 60, 60, ["27T23:00", "28T00:00"], id="spring, before the jump"),
        pytest.param(SPRING, "01:00", "04:00", 60, 60, ["28T00:00", "28T01:00"], id="spring, across: an hour less"),
        pytest.param(SPRING, "01:30", "03:30", 30, 30, ["28T00:30", "28T01:00"], id="spring, half hours across"),
        pytest.param(SPRING, "01:30", "04:00", 30, 60, ["28T00:30", "28T01:00"], id="spring, a slot across"),
        pytest.param(SPRING, "02:00", "03:00", 15, 15, [], id="spring, the hour that does not exist"),
        pytest.param(SPRING, "02:15", "02:45", 15, 15, [], id="spring, within the gap"),
        pytest.param(SPRING, "02:30", "04:00", 30, 30, ["28T01:00", "28T01:30"], id="spring, opens within the gap"),
        pytest.param(SPRING, "01:00", "02:30", 30, 30, ["28T00:00", "28T00:30"], id="spring, closes within the gap"),
        pytest.param(AUTUMN, "08:00", "10:00", 60, 60, ["25T07:00", "25T08:00"], id="autumn, after the jump"),
        pytest.param(AUTUMN, "00:00", "02:00", 60, 60, ["24T22:00", "24T23:00"], id="autumn, before the jump"),
        pytest.param(
            AUTUMN, "01:00", "04:00", 60, 60, ["24T23:00", "25T00:00", "25T01:00", "25T02:00"],
            id="autumn, across: an hour more",
        ),
        pytest.param(AUTUMN, "02:00", "02:30", 15, 15, ["25T00:00", "25T00:15"], id="autumn, the first 2 o'clock"),
        pytest.param(
            AUTUMN, "02:30", "03:30", 30, 30, ["25T00:30", "25T01:00", "25T01:30", "25T02:00"],
            id="autumn, opens in the hour that comes twice",
        ),
    ],
)  # fmt: skip
def test_slots_on_the_days_of_the_jump(
    day: date, opens: str, closes: str, grid: int, length: int, expected: list[str]
) -> None:
    assert slots(day, opens, closes, grid, length) == expected


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_a_day_and_night_office_is_open_all_hours_that_the_day_has(day: date, hours: int) -> None:
    assert len(slots(day, "00:00", "24:00", 60, 60)) == hours


def test_no_two_slots_of_the_doubled_hour_are_the_same_instant() -> None:
    starts = slots(AUTUMN, "00:00", "24:00", 15, 15)
    assert len(starts) == len(set(starts)) == 100


def on_shift(day: date, starts: str, ends: str, grid: int, length: int, **office: Any) -> list[str]:
    """The free slots of a day-and-night office in Berlin with one clerk, who is on this shift."""
    shift = DutyHours(day.weekday(), _minutes(starts), _minutes(ends))
    lane = Lane(0, shifts=(shift,))
    schedule = Schedule(
        zone=ZoneInfo("Europe/Berlin"),
        hours=tuple(DutyHours(weekday, 0, 1440) for weekday in range(7)),
        grid=timedelta(minutes=grid),
        lead=timedelta(0),
        horizon=timedelta(days=400),
        lanes=(lane,),
        **office,
    )
    before = datetime(2026, 10, 1, tzinfo=UTC)
    starts_at = schedule.offered(day, day, timedelta(minutes=length), before)
    off = schedule.off_duty([lane], starts_at[0], starts_at[-1] + 60 * length) if starts_at else []
    free = model.free(starts_at, 60 * length, [0], off)
    assert free == [start for start in starts_at if schedule.on_duty([lane], start, timedelta(minutes=length))]
    return [datetime.fromtimestamp(start, UTC).strftime("%dT%H:%M") for start in free]


@pytest.mark.parametrize(
    ("day", "starts", "ends", "grid", "length", "expected"),
    [
        pytest.param(SPRING, "01:00", "04:00", 60, 60, ["28T00:00", "28T01:00"], id="spring, an hour less of duty"),
        pytest.param(SPRING, "01:30", "03:30", 30, 60, ["28T00:30"], id="spring, an appointment across the jump"),
        pytest.param(SPRING, "02:00", "03:00", 15, 15, [], id="spring, a shift that does not take place"),
        pytest.param(SPRING, "02:30", "04:00", 30, 30, ["28T01:00", "28T01:30"], id="spring, a shift from the gap on"),
        pytest.param(
            AUTUMN, "01:00", "04:00", 60, 60, ["24T23:00", "25T00:00", "25T01:00", "25T02:00"],
            id="autumn, an hour more of duty",
        ),
        pytest.param(AUTUMN, "02:00", "02:30", 15, 15, ["25T00:00", "25T00:15"], id="autumn, the first 2 o'clock"),
        pytest.param(
            AUTUMN, "02:30", "03:30", 60, 60, ["25T01:00"],
            id="autumn, begins in the hour that comes twice: from 00:30 to 02:30 UTC, on the grid of midnight",
        ),
        pytest.param(
            AUTUMN, "02:45", "03:00", 15, 15, ["25T00:45", "25T01:00", "25T01:15", "25T01:30", "25T01:45"],
            id="autumn, from the first 02:45 to 03:00, which comes once",
        ),
    ],
)  # fmt: skip
def test_shifts_on_the_days_of_the_jump(
    day: date, starts: str, ends: str, grid: int, length: int, expected: list[str]
) -> None:
    assert on_shift(day, starts, ends, grid, length) == expected


@pytest.mark.parametrize(
    ("day", "office", "expected"),
    [
        pytest.param(SPRING, {"special": {SPRING: ((60, 240),)}}, ["28T00:00", "28T01:00"], id="spring, special hours"),
        pytest.param(
            AUTUMN, {"special": {AUTUMN: ((60, 240),)}}, ["24T23:00", "25T00:00", "25T01:00", "25T02:00"],
            id="autumn, special hours",
        ),
        pytest.param(SPRING, {"special": {SPRING: ((120, 180),)}}, [], id="spring, special hours within the gap"),
        pytest.param(SPRING, {"closures": ((SPRING, SPRING),)}, [], id="spring, closed for the day"),
        pytest.param(AUTUMN, {"closures": ((AUTUMN, AUTUMN),)}, [], id="autumn, closed for the day"),
        pytest.param(
            AUTUMN, {"closures": ((date(2026, 10, 20), date(2026, 10, 24)),), "special": {AUTUMN: ((1380, 1440),)}},
            ["25T22:00"], id="autumn, open again for the last hour",
        ),
        pytest.param(AUTUMN, {"holiday": AUTUMN.__eq__}, [], id="autumn, a holiday"),
        pytest.param(
            SPRING, {"holiday": SPRING.__eq__, "special": {SPRING: ((0, 180),)}}, ["27T23:00", "28T00:00"],
            id="spring, a holiday with special hours",
        ),
    ],
)  # fmt: skip
def test_special_days_closures_and_holidays_on_the_days_of_the_jump(
    day: date, office: dict[str, Any], expected: list[str]
) -> None:
    assert on_shift(day, "00:00", "24:00", 60, 60, **office) == expected


#: One Tuesday 09:00 of Berlin each, with what the clocks of citizens show. Between the jumps of America (14 March, 1
#: November) and Europe (28 March, 25 October) New York is five hours behind, else six; Kathmandu has no summer time.
@pytest.mark.parametrize(
    ("day", "utc", "new_york", "kathmandu"),
    [
        (date(2026, 10, 20), "20T07:00", "20T03:00", "20T12:45"),
        (date(2026, 10, 27), "27T08:00", "27T04:00", "27T13:45"),
        (date(2026, 11, 3), "03T08:00", "03T03:00", "03T13:45"),
        (date(2027, 3, 9), "09T08:00", "09T03:00", "09T13:45"),
        (date(2027, 3, 16), "16T08:00", "16T04:00", "16T13:45"),
        (date(2027, 3, 30), "30T07:00", "30T03:00", "30T12:45"),
    ],
)
def test_citizens_far_away_see_the_same_instant(day: date, utc: str, new_york: str, kathmandu: str) -> None:
    (shown,) = slots(day, "09:00", "09:30", 30, 30)
    assert shown == utc
    instant = datetime.strptime(f"{day:%Y-%m}-{shown}", "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    for zone, expected in (("America/New_York", new_york), ("Asia/Kathmandu", kathmandu)):
        assert instant.astimezone(ZoneInfo(zone)).strftime("%dT%H:%M") == expected


#: On the days of the jump themselves, an evening in Kathmandu and a night in New York.
@pytest.mark.parametrize(
    ("day", "opens", "closes", "utc", "new_york", "kathmandu"),
    [
        (SPRING, "01:00", "04:00", ["28T00:00", "28T01:00"], ["27T20:00", "27T21:00"], ["28T05:45", "28T06:45"]),
        (
            AUTUMN, "01:00", "04:00",
            ["24T23:00", "25T00:00", "25T01:00", "25T02:00"],
            ["24T19:00", "24T20:00", "24T21:00", "24T22:00"],
            ["25T04:45", "25T05:45", "25T06:45", "25T07:45"],
        ),
    ],
)  # fmt: skip
def test_citizens_far_away_on_the_days_of_the_jump(
    day: date, opens: str, closes: str, utc: list[str], new_york: list[str], kathmandu: list[str]
) -> None:
    shown = slots(day, opens, closes, 60, 60)
    assert shown == utc
    instants = [datetime.strptime(f"{day:%Y-%m}-{slot}", "%Y-%m-%dT%H:%M").replace(tzinfo=UTC) for slot in shown]
    for zone, expected in (("America/New_York", new_york), ("Asia/Kathmandu", kathmandu)):
        assert [instant.astimezone(ZoneInfo(zone)).strftime("%dT%H:%M") for instant in instants] == expected


@pytest.mark.parametrize(
    ("zone", "day", "opens", "closes", "expected"),
    [
        pytest.param(
            "America/New_York", date(2027, 3, 14), "01:00", "04:00", ["14T06:00", "14T07:00"], id="New York, spring"
        ),
        pytest.param(
            "America/New_York", date(2026, 11, 1), "00:00", "02:00", ["01T04:00", "01T05:00", "01T06:00"],
            id="New York, autumn",
        ),
        pytest.param(
            "Asia/Kathmandu", AUTUMN, "09:00", "11:00", ["25T03:15", "25T04:15"], id="Kathmandu, a quarter off the hour"
        ),
        pytest.param(
            "Australia/Lord_Howe", date(2026, 10, 4), "01:30", "04:00", ["03T15:00", "03T16:00"],
            id="Lord Howe, where spring leaves out half an hour",
        ),
        pytest.param(
            "Australia/Lord_Howe", date(2027, 4, 4), "01:00", "03:00", ["03T14:00", "03T15:00"],
            id="Lord Howe, where autumn repeats half an hour: two hours and a half",
        ),
        pytest.param(
            "America/Sao_Paulo", date(2018, 11, 4), "00:00", "03:00", ["04T03:00", "04T04:00"],
            id="São Paulo, where midnight itself was left out",
        ),
    ],
)  # fmt: skip
def test_offices_in_other_zones(zone: str, day: date, opens: str, closes: str, expected: list[str]) -> None:
    office = Schedule(
        zone=ZoneInfo(zone),
        hours=(DutyHours(day.weekday(), _minutes(opens), _minutes(closes)),),
        grid=timedelta(minutes=60),
        lead=timedelta(0),
        horizon=timedelta(days=400),
        lanes=(Lane(0),),
    )
    starts = office.offered(
        day, day, timedelta(minutes=60), datetime.combine(day, datetime.min.time(), UTC) - timedelta(9)
    )
    assert [datetime.fromtimestamp(start, UTC).strftime("%dT%H:%M") for start in starts] == expected


@pytest.mark.asyncio(loop_scope="module")
async def test_the_whole_service_on_the_day_of_25_hours(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, book: Any, clock: Any
) -> None:
    clock.now = datetime(2026, 10, 20, 8, 0, tzinfo=UTC)
    day = {"day": "2026-10-25", "hours": [{"opens": "01:00", "closes": "04:00"}]}
    held = (await client.get("/office/timetable", headers=signed_in("lead", "demo"))).json()
    night = {"weekday": "sun", "opens": "02:00", "closes": "03:00"}
    saved = await edit_timetable("demo", special_days=[day], clerks=[held["clerks"][0] | {"shifts": [night]}])
    assert saved.status_code == 200, saved.text

    query = {"services": "anmeldung", "from": "2026-10-25"}
    shown = [slot["starts_at"] for slot in (await client.get("/offices/demo/slots", params=query)).json()["slots"]]
    assert (shown[0], shown[-1]) == ("2026-10-25T00:00:00Z", "2026-10-25T01:45:00Z"), "02:00 CEST to 02:45 CET"
    assert len(shown) == 22
    second = {
        "starts_at": "2026-10-25T01:30:00Z",
        "services": [{"service_id": "anmeldung"}],
    }  # 02:30 for the second time
    booked = await book("demo", **second, time_zone="Asia/Kathmandu")
    assert (booked.status_code, booked.json()["starts_at"]) == (201, second["starts_at"])
    first = await book("demo", **(second | {"starts_at": "2026-10-25T00:30:00Z"}), time_zone="America/New_York")
    assert first.status_code == 201, "02:30 for the first time is another slot"

    week = (await client.get("/office/week", params={"day": "2026-10-25"}, headers=signed_in("clerk", "demo"))).json()
    sunday = week["days"][6]
    assert sunday["lanes"][0]["on_duty"] == [{"starts_at": "2026-10-25T00:00:00Z", "ends_at": "2026-10-25T02:00:00Z"}]
    assert (sunday["offered_minutes"], sunday["booked_minutes"], len(sunday["lanes"][0]["appointments"])) == (
        120,
        30,
        2,
    )
    entry = await client.get(
        "/appointment/calendar", headers={"Authorization": f"Bearer {booked.json()['link'].split('#')[1]}"}
    )
    assert "DTSTART:20261025T013000Z" in entry.text
