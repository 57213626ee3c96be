"""How long and how much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """`rounds` of `seconds` each; `few` and `many` appointments; `races` for one slot."""

    rounds: int
    seconds: float
    few: int
    many: int
    races: int


FULL = Pace(rounds=7, seconds=2.0, few=1_000, many=1_000_000, races=100)
#: To see that the harness works; its figures mean little.
QUICK = Pace(rounds=1, seconds=0.4, few=1_000, many=3_000, races=3)
