"""What was measured, as a table for people and as JSON for machines."""

from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Result:
    """One goal: what was reached, and whether that is enough. `figures` are what it was reckoned from."""

    goal: str
    what: str
    wanted: str
    reached: str
    good: bool
    figures: dict[str, object] = field(default_factory=dict)


def show(results: list[Result], console: Console) -> None:
    """A table: goal, figure, verdict."""
    table = Table(box=None, pad_edge=False)
    for name, options in (("goal", {}), ("what", {}), ("wanted", {}), ("reached", {"justify": "right"}), ("", {})):
        table.add_column(name, **options)  # type: ignore[arg-type]
    for result in results:
        verdict = "[green]yes[/green]" if result.good else "[red]no[/red]"
        table.add_row(result.goal, result.what, result.wanted, result.reached, verdict)
    console.print(table)


def as_json(results: list[Result], context: dict[str, object]) -> dict[str, object]:
    """The same for machines."""
    return {"context": context, "results": [asdict(result) for result in results]}
