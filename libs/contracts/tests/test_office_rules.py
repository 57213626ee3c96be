"""What an office's file may say in numbers: from where to where, and what holds where it says nothing."""

from datetime import time
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from contracts.offices import BookingRules, Notify, OfferedService, Retention

NEEDED = {"grid_minutes": 5, "lead_minutes": 60, "horizon_days": 60, "join_early_minutes": 10}
YEAR, FORTNIGHT, DAY = 365, 14 * 24 * 60, 24 * 60


def rules(**said: Any) -> BookingRules:
    return BookingRules.model_validate(NEEDED | said)


def service(**said: Any) -> OfferedService:
    return OfferedService.model_validate({"id": "anmeldung"} | said)


def notify(reminder: int) -> Notify:
    return Notify(reminder_minutes=(reminder,))


@pytest.mark.parametrize(
    ("of", "field", "least", "most"),
    [
        (rules, "grid_minutes", 5, 60),
        (rules, "lead_minutes", 0, None),
        (rules, "horizon_days", 1, YEAR),
        (rules, "join_early_minutes", 0, None),
        (rules, "buffer_minutes", 0, 60),
        (rules, "max_open_per_email", 1, 50),
        (rules, "offer_minutes", 5, DAY),
        (rules, "no_show_minutes", 0, 120),
        (Retention, "appointment_days", 1, None),
        (Retention, "file_days", 1, None),
        (Retention, "case_days", 1, None),
        (Retention, "payment_years", 1, None),
        (service, "minutes", 5, 120),
        (service, "shared_minutes", 0, None),
        (service, "minutes_per_further_person", 1, 60),
        (notify, "reminder", 10, FORTNIGHT),
    ],
)
def test_a_number_has_its_least_and_its_most(of: Any, field: str, least: int, most: int | None) -> None:
    for good in (least, most or 10**6):
        of(**{field: good})
    for bad in (least - 1, *([] if most is None else [most + 1])):
        with pytest.raises(ValidationError):
            of(**{field: bad})


@pytest.mark.parametrize(
    ("said", "held"),
    [
        (
            rules(),
            {
                "observes_holidays": True,
                "buffer_minutes": 0,
                "max_open_per_email": 4,
                "freed_delay_minutes": (15, 90),
                "offer_minutes": 120,
                "offer_hours": (time(8), time(20)),
                "walk_in": True,
                "confirm_email": False,
                "no_show_minutes": 10,
            },
        ),
        (Retention(), {"appointment_days": 30, "file_days": 7, "case_days": 30, "payment_years": 10}),
        (Notify(), {"reminder_minutes": (DAY, 30), "reminder_hours": (time(7), time(21))}),
    ],
    ids=["booking", "retention", "notify"],
)
def test_what_holds_where_the_file_says_nothing(said: BaseModel, held: dict[str, object]) -> None:
    assert {field: value for field, value in said if field not in NEEDED} == held


@pytest.mark.parametrize(
    "said",
    [
        {"freed_delay_minutes": (90, 15)},
        {"offer_hours": (time(20), time(8))},
        {"offer_hours": (time(8), time(8))},
    ],
)
def test_what_comes_first_is_the_smaller(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="comes first"):
        rules(**said)


def test_a_delay_may_be_always_the_same() -> None:
    assert rules(freed_delay_minutes=(15, 15)).freed_delay_minutes == (15, 15)


def test_at_most_five_reminders_go_out_the_earliest_first_and_awake() -> None:
    assert Notify(reminder_minutes=(30, 60, 90, 120, 150)).reminder_minutes == (150, 120, 90, 60, 30)
    for bad in ({"reminder_minutes": (10, 20, 30, 40, 50, 60)}, {"reminder_hours": (time(9), time(9))}):
        with pytest.raises(ValidationError):
            Notify.model_validate(bad)
