"""The command: all checks, side by side, as a list that says what to do."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schalter.doctor import inside, outside
from schalter.doctor.model import Check, Finding

CHECKS: Final[Sequence[tuple[str, Check]]] = (
    ("databases", inside.databases),
    ("bus", inside.bus),
    ("Redis", inside.redis),
    ("services", inside.services),
    ("offices", inside.offices),
    ("files", inside.files),
    ("address of citizens", outside.public_address),
    ("certificate", outside.certificate),
    ("mail server", outside.mail_server),
    ("TURN servers", outside.turn_servers),
    ("payment provider", outside.payment_provider),
    ("alerts", outside.alerts),
    ("traces", outside.traces),
)


def shown(findings: Sequence[Finding]) -> RenderableType:
    """What is well in one line, what is not each with its remedy."""
    well = [finding.what for finding in findings if finding.trouble is None]
    ill = [finding for finding in findings if finding.trouble is not None]
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(min_width=len("well"))
    lines.add_column()
    if well:
        lines.add_row(Text("well", "green"), ", ".join(well))
    for finding in ill:
        lines.add_row(Text("ill", "bold red"), Text.assemble((finding.what, "bold"), f" {finding.trouble}"))
        lines.add_row("", Text(finding.remedy))
    end = Text(f"{len(ill)} to mend." if ill else "All is well.", style="bold red" if ill else "green")
    return Group(lines, Text(), end)
