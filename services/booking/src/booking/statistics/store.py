"""The SQL of statistics: one statement over a range of starts. It reads no names, so erased appointments count too."""

from datetime import datetime
from typing import Final

from chassis.database import Row, Transaction

# An appointment counts once in the total (service_id NULL) and once for each of its services. Weeks are the office's:
# an appointment on Monday at 00:30 in Berlin is not last week's. Who walks in does not wait for days, and so does not
# count in the lead time; who is called before the time has not waited.
STATISTICS: Final = """
    WITH seen AS MATERIALIZED (
        SELECT CAST(date_trunc('week', starts_at AT TIME ZONE CAST(:zone AS text)) AS date) AS monday, services, state,
               channel = 'walk_in' AS walked_in,
               extract(epoch FROM ends_at - starts_at) AS seconds,
               CASE WHEN channel <> 'walk_in' THEN extract(epoch FROM starts_at - booked_at) / 3600 END AS lead,
               greatest(extract(epoch FROM call_started_at - starts_at), 0) AS wait,
               talk_seconds AS talk
          FROM appointment
         WHERE office = :office AND starts_at >= :low AND starts_at < :high
    ), counted AS (
        SELECT seen.*, CAST(NULL AS text) AS service_id, true AS all_services FROM seen
        UNION ALL
        SELECT seen.*, each.service_id, false
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
           count(*) FILTER (WHERE walked_in) AS walk_ins,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY lead) AS lead_hours_median,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY wait) AS wait_seconds_median,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY talk) AS talk_seconds_median,
           coalesce(sum(seconds) FILTER (WHERE state <> 'cancelled'), 0) AS seconds
      FROM counted
     GROUP BY GROUPING SETS ((all_services, service_id, monday), (all_services, service_id))
     ORDER BY monday, all_services DESC, service_id
"""


async def statistics(tx: Transaction, office: str, zone: str, low: datetime, high: datetime) -> list[Row]:
    """One row per week and service, and per service over all weeks (`monday` NULL).

    `service_id` NULL is all services together.
    """
    return await tx.rows(STATISTICS, office=office, zone=zone, low=low, high=high)
