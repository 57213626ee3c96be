"""The questions that panels ask, in PromQL: rates, rises and quantiles, summed over the processes of a service."""

from collections.abc import Mapping
from typing import Final

#: What Grafana fills in: long enough for a rate at every zoom.
RATE: Final = "$__rate_interval"
#: Of requests: those of people and programs that use the service, not those that look whether it is well.
ASKED: Final = 'route!="unmatched"'


def rate(series: str, by: str = "", labels: str = "") -> str:
    """How much of a counter's `series` happens in a second."""
    return _sum(f"rate({series}{{{labels}}}[{RATE}])", by)


def rise(series: str, by: str = "", labels: str = "", over: str = "24h") -> str:
    """By how much a counter's `series` rose, 0 where nothing is known of it. Whole: Prometheus guesses at the edges."""
    summed = f"round({_sum(f'increase({series}{{{labels}}}[{over}])', by)})"
    return summed if by else f"{summed} or vector(0)"


def quantile(share: float, series: str, by: str = "", labels: str = "") -> str:
    """Below which value `share` of a histogram's observations lie. Nothing while nothing is observed."""
    labelled = ", ".join(("le", by)) if by else "le"
    return f"histogram_quantile({share}, sum by ({labelled}) (rate({series}_bucket{{{labels}}}[{RATE}]))) >= 0"


def highest(series: str, by: str = "", labels: str = "") -> str:
    """A gauge that every process of a service tells alike."""
    return f"max by ({by}) ({series}{{{labels}}})" if by else f"max({series}{{{labels}}})"


def total(series: str, by: str = "", labels: str = "") -> str:
    """A gauge of which every process tells its part."""
    return _sum(f"{series}{{{labels}}}", by)


def or_none(expr: str, label: str) -> str:
    """`expr`, or a single zero called "none": an empty panel would look broken."""
    return f'{expr} or on () label_replace(vector(0), "{label}", "none", "", "")'


def worded(expr: str, label: str, words: Mapping[str, str]) -> str:
    """`expr` with a label's values in words for people; one that has none stays as it is."""
    for value, word in words.items():
        expr = f'label_replace({expr}, "{label}", "{word}", "{label}", "{value}")'
    return expr


def _sum(expr: str, by: str) -> str:
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"
