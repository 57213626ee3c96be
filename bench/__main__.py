"""`python -m bench`: run the goals, print a table, write JSON if asked."""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console

from bench.goals import abuse, bookings, mails, races, shortcuts, slots
from bench.pace import FULL, QUICK, Pace
from bench.report import Result, as_json, show
from bench.stand import Stand, machine

#: What measures which goals.
_PARTS: Final = (
    (("G1", "G2", "G3", "G7"), slots.measure),
    (("G4", "G5"), bookings.measure),
    (("G6",), races.measure),
    (("G11", "G12", "F14"), mails.measure),
)
#: Asked for by name alone: what judges means and not goals, and what is no matter of speed.
_ASKED: Final = ((("shortcuts",), shortcuts.measure), (("abuse",), abuse.measure))


async def _run(pace: Pace, only: frozenset[str], directory: Path, console: Console) -> list[Result]:
    results: list[Result] = []
    with Stand(directory) as stand:
        await asyncio.to_thread(stand.start)
        for goals, measure in (*_PARTS, *_ASKED) if only else _PARTS:
            if not only or only & set(goals):
                with console.status(f"measuring {', '.join(goals)} ..."):
                    found = await measure(stand, pace)
                results += [result for result in found if not only or result.goal in only]
    return results


def main() -> int:
    """0 when every goal is reached."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="G1", help="a goal; may be repeated")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    arguments = parser.parse_args()
    console = Console()
    context = machine() | {"quick": arguments.quick}
    directory = Path(tempfile.mkdtemp(prefix="schalter-bench-"))
    directory.chmod(0o755)  # PostgreSQL's unprivileged user passes through
    try:
        pace = QUICK if arguments.quick else FULL
        results = uvloop.run(_run(pace, frozenset(arguments.only), directory, console))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    show(results, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(as_json(results, context), indent=1) + "\n")
    return 0 if all(result.good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
