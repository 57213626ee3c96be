"""The rules of limits and proofs without a server."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
import pytest
from pydantic import ValidationError

from booking.limits.model import (
    MAX_LEVEL,
    Limit,
    Limits,
    Names,
    Whose,
    Window,
    derived,
    enough,
    level,
    networks,
    owed,
)
from booking.limits.proof import Challenges

NOW = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)
CHALLENGES = Challenges(b"secret" * 6, work=2)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", ["192.0.2.1"]),
        ("::ffff:192.0.2.1", ["192.0.2.1"]),
        ("2001:db8:1:a2:3:4:5:6", ["2001:db8:1:a2::/64", "2001:db8:1::/56", "2001:db8:1::/48"]),
        ("2001:db8:1:ba2::1", ["2001:db8:1:ba2::/64", "2001:db8:1:b00::/56", "2001:db8:1::/48"]),
        ("fe80::1%eth0", ["fe80::/64", "fe80::/56", "fe80::/48"]),
        ("", ["unknown"]),
        ("1.2.3", ["unknown"]),
    ],
)
def test_what_counts_as_one_network(address: str, counted: list[str]) -> None:
    assert networks(address) == counted


def test_the_networks_around_an_address_have_names_of_their_own() -> None:
    assert len(set(Names(b"secret").of_networks("2001:db8::1", NOW))) == 3


def test_a_home_writes_to_a_mailbox_under_one_name_whichever_of_its_networks_it_comes_from() -> None:
    names = Names(b"secret")
    home = {names.of_pair(f"2001:db8:0:{each:x}::1", "e@x.org", NOW) for each in range(256)}
    assert len(home) == 1
    assert names.of_pair("2001:db8:0:100::1", "e@x.org", NOW) not in home


@pytest.mark.parametrize(
    ("count", "asked"),
    [(0, None), (5, None), (6, 0), (15, 0), (16, 1), (26, 2), (35, 2), (36, 3), (37, 3), (38, 4), (46, 8), (999, 8)],
)
def test_the_level_rises_slowly_up_to_what_is_usual_and_steeply_beyond(count: int, asked: int | None) -> None:
    assert level(count, Limits().booking) == asked


@pytest.mark.parametrize(("count", "asked"), [(2, None), (3, 0), (5, 0), (6, 1), (20, 5), (21, 6), (29, 8), (99, 8)])
def test_where_nothing_is_known_of_what_is_usual_the_level_rises_evenly_to_the_end(
    count: int, asked: int | None
) -> None:
    assert level(count, Limit(proof_from=3, at_most=30, seconds=60)) == asked


def test_a_limit_without_room_between_its_bounds_asks_for_the_hardest_proof() -> None:
    assert level(2, Limit(proof_from=3, at_most=3, seconds=60)) is None
    assert level(3, Limit(proof_from=3, at_most=3, seconds=60)) == MAX_LEVEL


def test_as_many_networks_may_bring_as_many_times_as_much() -> None:
    assert Limit(proof_from=3, usual=5, at_most=9, seconds=60).times(4) == Limit(
        proof_from=12, usual=20, at_most=36, seconds=60
    )


@pytest.mark.parametrize(
    "limits",
    [
        {"booking": {"proof_from": 7, "at_most": 6, "seconds": 60}},
        {"booking": {"proof_from": 3, "usual": 2, "at_most": 6, "seconds": 60}},
        {"booking": {"proof_from": 3, "usual": 7, "at_most": 6, "seconds": 60}},
        {"booking": {"proof_from": 1, "at_most": 6, "seconds": 0}},
        {"booking": {"proof_from": 1, "at_most": 6, "seconds": 86_401}},
        {"bookings": {"proof_from": 1, "at_most": 6, "seconds": 60}},
        {"work": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(limits)


HOUR, DAY = 3600, 86_400


def test_what_is_shipped_is_what_the_docs_reckon_with() -> None:
    """docs/security.md: from where on it costs work, what is usual, the end, and within how many seconds."""
    shipped = {
        name: (limit.proof_from, limit.usual, limit.at_most, limit.seconds)
        for name in Limits.model_fields
        if isinstance(limit := getattr(Limits(), name), Limit)
    }
    assert shipped == {
        "hold": (12, 36, 120, 20 * 60),
        "booking": (6, 36, 120, HOUR),
        "move": (3, 9, 60, HOUR),
        "cancellation": (12, None, 120, HOUR),
        "departure": (30, None, 300, HOUR),
        "correction": (4, 12, 60, HOUR),
        "confirmation": (0, 36, 60, HOUR),
        "lost_link": (3, 12, 60, HOUR),
        "waiting_list": (6, 36, 120, HOUR),
        "walk_in": (4, 36, 60, HOUR),
        "answer": (30, None, 300, HOUR),
        "link_moves": (2, None, 3, DAY),
        "link": (20, None, 60, HOUR),
        "mailbox": (2, None, 3, HOUR),
        "email": (3, None, 15, DAY),
    }
    assert Limits().work == 1000


def test_what_one_carrier_brings_at_eight_o_clock_works_a_little_and_is_never_refused() -> None:
    """36 bookings within the hour behind one IPv4 address (see `Limits`): at the most 8,000 tries, two seconds."""
    booking, brought = Limits().booking, 36
    asked = [level(count, booking) or 0 for count in range(brought)]
    assert max(asked) <= 2
    assert booking.at_most >= 3 * brought
    assert (booking.seconds, Limits().work << 3) == (3600, 8_000)


@pytest.mark.parametrize("proven", [None, *range(MAX_LEVEL + 1)])
@pytest.mark.parametrize("limit", [Limits().booking, Limits().email, Limit(proof_from=3, at_most=3, seconds=60)])
@pytest.mark.parametrize("whose", ["network", "mailbox"])
def test_there_is_room_for_whoever_has_worked_at_most_one_level_less_than_asked_for(
    proven: int | None, limit: Limit, whose: Whose
) -> None:
    window = Window("name", limit, whose, refuses=whose == "network")
    for count in range(130):
        room = window.room(proven)
        over = window.end is not None and count >= window.end
        assert (room is None or count < room) == (not over and enough(proven, window.level(count)))


@pytest.mark.parametrize(("beyond", "asked"), [(-3, None), (0, None), (1, 1), (4, 4), (9, 4)])
def test_more_under_one_mailbox_costs_more_but_never_too_much(beyond: int, asked: int | None) -> None:
    assert owed(beyond) == asked


def test_pseudonyms_say_nothing_and_differ_by_kind() -> None:
    names = Names(derived("key", "names"))
    found = {*names.of_networks("e@x.org", NOW), names.of_email("e@x.org", NOW), names.of_request("e@x.org", NOW)}
    assert len(found) == 3
    assert all("x.org" not in name for name in found)
    assert names.of_email("E@X.org", NOW) in found
    assert Names(derived("other key", "names")).of_email("e@x.org", NOW) not in found


def test_each_purpose_has_a_secret_of_its_own() -> None:
    assert len({derived("key", "names"), derived("key", "challenges"), derived("another", "names")}) == 3


def solve(challenge: Any) -> dict[str, Any]:
    read = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(read)
    assert solution
    payload: dict[str, Any] = altcha.Payload(read, solution).to_dict()
    return payload


def encoded(payload: object) -> str:
    return base64.b64encode(json.dumps(payload).encode()).decode()


@pytest.mark.parametrize("hard", range(MAX_LEVEL + 1))
def test_every_level_doubles_the_tries_which_have_an_upper_bound(hard: int) -> None:
    tries = [solve(CHALLENGES.issue("demo", "booking", hard, NOW))["solution"]["counter"] for _ in range(10)]
    assert all(2 << hard <= each < 4 << hard for each in tries)


def test_a_solution_proves_its_level() -> None:
    proof = CHALLENGES.check(encoded(solve(CHALLENGES.issue("demo", "hold", 2, NOW))), "demo", "hold", NOW)
    assert proof is not None
    assert (proof.level, proof.expires_at) == (2, NOW + timedelta(minutes=10))


def test_two_challenges_are_two_proofs_and_one_stays_one() -> None:
    first, second = [solve(CHALLENGES.issue("demo", "hold", 0, NOW)) for _ in range(2)]
    ids = [CHALLENGES.check(encoded(payload), "demo", "hold", NOW) for payload in (first, first, second)]
    assert all(ids)
    assert len({proof.id for proof in ids if proof}) == 2
    # However it is written down: more fields, other order, another counter that nobody looks at.
    rewritten = {"solution": first["solution"] | {"time": 3, "counter": 1}, "challenge": first["challenge"], "x": 1}
    assert CHALLENGES.check(encoded(rewritten), "demo", "hold", NOW) == ids[0]


@pytest.mark.parametrize(
    "forge",
    [
        lambda p: p["challenge"]["parameters"]["data"].update(office="heidelberg"),
        lambda p: p["challenge"]["parameters"]["data"].update(action="hold"),
        lambda p: p["challenge"]["parameters"]["data"].update(level=3),
        lambda p: p["challenge"]["parameters"]["data"].update(expires=2**40),
        lambda p: p["challenge"]["parameters"].update(cost=1),
        lambda p: p["challenge"]["parameters"].update(nonce="00" * 16),
        lambda p: p["challenge"]["parameters"].update(keyPrefix="00"),
        lambda p: p["challenge"]["parameters"].pop("keySignature"),
        lambda p: p["challenge"]["parameters"].update(keySignature=None),
        lambda p: p["challenge"]["parameters"].update(data=None),
        lambda p: p["challenge"].pop("signature"),
        lambda p: p["challenge"].update(signature="00" * 32),
        lambda p: p["solution"].update(derivedKey="00" * 32),
        lambda p: p["solution"].update(derivedKey=p["challenge"]["parameters"]["keyPrefix"]),
        lambda p: p["solution"].update(derivedKey=[]),
        lambda p: p.pop("solution"),
        lambda p: p.update(challenge=[]),
    ],
)
def test_whatever_is_changed_the_proof_is_worthless(forge: Any) -> None:
    payload = solve(CHALLENGES.issue("demo", "booking", 0, NOW))
    forge(payload)
    for office, action in (("demo", "booking"), ("heidelberg", "booking"), ("demo", "hold")):
        assert CHALLENGES.check(encoded(payload), office, action, NOW) is None  # type: ignore[arg-type]


def test_somebody_elses_challenge_is_worthless() -> None:
    own = Challenges(b"guessed", work=1).issue("demo", "booking", 3, NOW)
    assert CHALLENGES.check(encoded(solve(own)), "demo", "booking", NOW) is None


def test_deep_nonsense_is_answered_and_not_crashed_on() -> None:
    deep = "[" * 3000
    assert CHALLENGES.check(base64.b64encode(deep.encode()).decode(), "demo", "booking", NOW) is None
