"""The command: all checks, side by side, as a list that says what to do."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
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
)


def shown(findings: Sequence[Finding]) -> RenderableType:
    """What is well in one line, what is not each with its remedy."""
    well = [finding.what for finding in findings if finding.trouble is None]
    ill = [finding for finding in findings if finding.trouble is not None]
    lines: list[RenderableType] = [Text.assemble(("well  ", "green"), ", ".join(well))]
    for finding in ill:
        lines.append(Text.assemble(("ill   ", "bold red"), (finding.what, "bold"), f" {finding.trouble}"))
        lines.append(Padding(Text(finding.remedy), (0, 0, 0, 6)))
    lines += [Text(), Text(f"{len(ill)} to mend." if ill else "All is well.", style="bold red" if ill else "green")]
    return Group(*lines)
