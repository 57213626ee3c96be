"""Asks a real Prometheus what Grafana would ask it."""

import re
from dataclasses import dataclass
from typing import Any, Final

import httpx

#: What Grafana fills into a query; pictures and tests look at minutes.
_FILLED_IN: Final = {"$__rate_interval": "1m", "$office": ".*"}


@dataclass(frozen=True)
class Line:
    """A series as a panel shows it: its labels, and (seconds since 1970, value)."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]

    def named(self, legend: str) -> str:
        """The legend with the labels' values filled in, as Grafana does."""
        return re.sub(r"{{(\w+)}}", lambda found: self.labels.get(found[1], ""), legend).strip()


class Prometheus:
    """The one at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/api/v1", timeout=30)

    def now(self, expr: str, at: float | None = None) -> list[Line]:
        """What `expr` is now, or was `at` a moment. Raises ValueError when Prometheus does not understand it."""
        found = self._ask("/query", query=expr, **({} if at is None else {"time": at}))
        return [Line(one["metric"], ((float(one["value"][0]), float(one["value"][1])),)) for one in found]

    def over(self, expr: str, start: float, end: float, step: float = 2.0) -> list[Line]:
        """How `expr` went from `start` to `end`, every `step` seconds. Raises ValueError as `now`."""
        found = self._ask("/query_range", query=expr, start=start, end=end, step=step)
        return [Line(one["metric"], tuple((float(at), float(value)) for at, value in one["values"])) for one in found]

    def _ask(self, path: str, *, query: str, **rest: float) -> list[dict[str, Any]]:
        for name, value in _FILLED_IN.items():
            query = query.replace(name, value)
        answer = self._http.get(path, params={"query": query, **rest}).json()
        if answer["status"] != "success":
            raise ValueError(f"{answer['error']}: {query}")
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found
