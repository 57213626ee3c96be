"""The SQL of statistics: one statement over a range of starts. It reads no names, so erased appointments count too."""

from datetime import date, datetime
from typing import Final

from chassis.database import Row, Transaction

_COLUMNS: Final = "id, state, channel, services, starts_at, ends_at, booked_at, call_started_at, talk_seconds"
_COUNTED: Final = "monday, state, walked_in, seconds, lead, wait, talk"
_IN_RANGE: Final = "office = :office AND starts_at >= :low AND starts_at < :high"
# An appointment counts once in the total (service_id NULL) and once for each of its services. Weeks are the office's:
# an appointment on Monday at 00:30 in Berlin is not last week's. Who walks in has not waited for days, so they do not
# count in the lead time; they wait from the moment they took a number. Who is called before the time has not waited.
# What is booked and what is over have an index each, so they are asked for separately.
STATISTICS: Final = f"""
    WITH found AS (
        SELECT {_COLUMNS} FROM appointment WHERE state = 'booked' AND confirm_by IS NULL AND {_IN_RANGE}
        UNION ALL
        SELECT {_COLUMNS} FROM appointment WHERE state <> 'booked' AND {_IN_RANGE}
    ), seen AS MATERIALIZED (
        SELECT CAST(date_trunc('week', starts_at AT TIME ZONE CAST(:zone AS text)) AS date) AS monday,
               found.services, found.state, channel = 'walk_in' AS walked_in,
               CAST(extract(epoch FROM ends_at - starts_at) AS int) AS seconds,
               CASE WHEN channel <> 'walk_in'
                    THEN CAST(extract(epoch FROM starts_at - booked_at) AS int) END AS lead,
               CASE WHEN call_started_at IS NOT NULL
                    THEN greatest(CAST(extract(epoch FROM call_started_at - coalesce(taken_at, starts_at)) AS int), 0)
               END AS wait,
               talk_seconds AS talk
          FROM found
          LEFT JOIN walk_in AS ticket
            ON ticket.office = :office AND ticket.day BETWEEN :first AND :last AND ticket.appointment_id = found.id
    ), counted AS (
        SELECT {_COUNTED}, CAST(NULL AS text) AS service_id, true AS all_services FROM seen
        UNION ALL
        SELECT {_COUNTED}, each.service_id, false
          FROM seen,
               LATERAL (SELECT DISTINCT service ->> 'service_id' AS service_id
                          FROM jsonb_array_elements(services) AS service) AS each
    )
    SELECT monday, service_id,
           count(*) AS booked,
           count(*) FILTER (WHERE state = 'completed') AS completed,
           count(*) FILTER (WHERE state = 'aborted') AS aborted,
           count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE state = 'no_show') AS no_show,
           count(*) FILTER (WHERE state = 'lapsed') AS lapsed,
           count(*) FILTER (WHERE state = 'lapsed' AND talk IS NOT NULL) AS talked,
           count(*) FILTER (WHERE walked_in) AS walk_ins,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY lead) / 3600 AS lead_hours_median,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY wait) AS wait_seconds_median,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY talk) AS talk_seconds_median,
           coalesce(sum(seconds) FILTER (WHERE state <> 'cancelled'), 0) AS seconds
      FROM counted
     GROUP BY GROUPING SETS ((all_services, service_id, monday), (all_services, service_id))
     ORDER BY monday, all_services DESC, service_id
"""  # noqa: S608 - constants of ours


async def statistics(
    tx: Transaction, office: str, zone: str, days: tuple[date, date], low: datetime, high: datetime
) -> list[Row]:
    """One row per week and service, and one per service over all weeks (`monday` NULL).

    `days` are the office's first and last local day, from `low` to `high`. `service_id` NULL is all services together.
    """
    first, last = days
    return await tx.rows(STATISTICS, office=office, zone=zone, first=first, last=last, low=low, high=high)
