"""The SQL by which an appointment gets its lane: hot, so that each is one statement."""

from typing import Final

from booking.slots.store import OFFERED
from booking.timetable.store import VERSION
from chassis.idempotency import KEEP

#: How many appointments to come are under an e-mail address.
OPEN: Final = """
    SELECT count(*) FROM appointment
     WHERE office || '/' || lower(email) = CAST(:office AS varchar) || '/' || lower(CAST(:email AS varchar))
       AND state = 'booked' AND ends_at > :now"""

_FREED: Final = """freed.office = :office AND freed.lane = lanes.lane AND freed.public_at > :now
                      AND freed.ends_at > :starts_at AND freed.starts_at < :busy_until
                      AND freed.id IS DISTINCT FROM CAST(:freed AS uuid)"""


def _choice(*, kept: bool) -> str:
    """The lane to take. A slot that was given back and is not public yet is taken; with `kept` only if it is offered to
    somebody, and a lane where nothing is kept comes first."""
    offered = f"AND {OFFERED}" if kept else ""
    public_first = f"EXISTS (SELECT FROM freed_slot AS freed WHERE {_FREED})," if kept else ""
    return f"""
    choice AS (
        SELECT lane
          FROM unnest(CAST(CAST(:lanes AS text) AS int[])) AS lanes (lane)
         WHERE {VERSION} = :version
           AND NOT EXISTS (
                   SELECT FROM appointment AS other
                    WHERE other.office = :office AND other.state = 'booked' AND other.lane = lanes.lane
                      AND other.id <> :id
                      AND other.starts_at > CAST(:starts_at AS timestamptz) - interval '9 hours'
                      AND other.starts_at < :busy_until
                      AND coalesce(other.busy_until, other.ends_at) > :starts_at)
           AND NOT EXISTS (
                   SELECT FROM blocked_time AS blocked
                    WHERE blocked.office = :office AND blocked.lane = lanes.lane
                      AND blocked.ends_at > :starts_at AND blocked.starts_at < :busy_until)
           AND NOT EXISTS (
                   SELECT FROM freed_slot AS freed
                    WHERE {_FREED} {offered})
         ORDER BY lane IS DISTINCT FROM CAST(:own AS int), {public_first} random()
         LIMIT 1
    )"""  # noqa: S608 - constants of ours


def _booked(condition: str = "") -> str:
    return f"""
    booked AS (
        INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, busy_until, state, services, name,
                                 email, phone, language, time_zone, plain_language, needs, channel,
                                 link_generation, booked_at, changed_at, confirm_by, confirm_question)
        SELECT :id, :office, :reference, lane, :starts_at, :ends_at, :busy_until, 'booked', CAST(:services AS jsonb),
               :name, :email, :phone, :language, :time_zone, :plain_language, CAST(:needs AS jsonb), :channel,
               :link_generation, :now, :now, CAST(:confirm_by AS timestamptz),
               CAST(:confirm_question AS uuid)
          FROM choice {condition}
            ON CONFLICT DO NOTHING
        RETURNING lane
    ), published AS (
        INSERT INTO outbox (event_id, subject, headers, body, created_at)
        SELECT :event_id, :subject, CAST(:headers AS jsonb), :body, :created_at
          FROM booked
    )"""  # noqa: S608 - constants of ours


# One statement: a lane that looks free (the one that the citizen holds, else any), the appointment, its event. Should
# somebody take the lane in between, ON CONFLICT waits for their commit and inserts nothing, neither here nor there.
def _book(*, kept: bool) -> str:
    return f"""
    WITH {_choice(kept=kept)}, {_booked()}
    SELECT {VERSION} = :version AS current, EXISTS (SELECT FROM choice) AS tried, EXISTS (SELECT FROM booked) AS booked
"""  # noqa: S608 - constants of ours


BOOK: Final = _book(kept=False)
BOOK_OR_KEPT: Final = _book(kept=True)

# The same with the answer for a repetition, and only while few appointments to come are under the e-mail address.
BOOK_AT_ONCE: Final = f"""
    WITH {_choice(kept=False)}, {_booked(f"WHERE ({OPEN}) < CAST(:max_open AS int)")}, kept AS ({KEEP}
          FROM booked
    )
    SELECT {VERSION} = :version AS current, EXISTS (SELECT FROM choice) AS tried, EXISTS (SELECT FROM booked) AS booked,
           ({OPEN}) < CAST(:max_open AS int) AS allowed,
           EXISTS (SELECT FROM idempotent_answers WHERE scope = :kept_scope AND key = :kept_key) AS repeated
"""  # noqa: S608 - constants of ours


def _move(*, kept: bool) -> str:
    return f"""
    WITH {_choice(kept=kept)}
    UPDATE appointment
       SET lane = choice.lane, starts_at = :starts_at, ends_at = :ends_at, busy_until = :busy_until,
           link_generation = link_generation + CAST(:generations AS int), changed_at = :now,
           taken_at = CASE CAST(:generations AS int) WHEN 0 THEN taken_at ELSE :now END,
           renew_link_at = CASE CAST(:generations AS int) WHEN 0 THEN renew_link_at END
      FROM choice
     WHERE appointment.id = :id AND appointment.office IS NOT DISTINCT FROM :office AND appointment.state = 'booked'
    RETURNING appointment.lane
"""  # noqa: S608 - constants of ours


MOVE: Final = _move(kept=False)
MOVE_OR_KEPT: Final = _move(kept=True)
