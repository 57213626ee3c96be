"""What a person sees when all is healthy: where to go, and how to sign in."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from contracts.offices import Offices
from schalter.running.clerks import DemoClerk
from schalter.running.home import Home
from schalter.running.plan import Plan


def summary(plan: Plan, offices: Offices, clerks: Sequence[DemoClerk], home: Home, seconds: float) -> RenderableType:
    """One panel: addresses, sign-ins, where logs and data are."""
    url = plan.public_url
    places = Table.grid(padding=(0, 2))
    places.add_column(style="bold", no_wrap=True)
    places.add_column(no_wrap=True)
    places.add_column(style="dim")
    places.add_row("Citizens", _link(f"{url}/"), "all offices")
    for slug, office in offices.items():
        places.add_row("", _link(f"{url}/{slug}/"), office.name.de)
    places.add_row("Clerks", _link(f"{url}/clerk/"), "agenda, waiting room, call")
    places.add_row("Mails", _link(f"{url}/mail/"), "all that was sent, caught here")
    if plan.observers:
        places.add_row("Prometheus", _link(f"http://localhost:{plan.ports['prometheus']}/alerts"), "figures and alerts")
        places.add_row("Alertmanager", _link(f"http://localhost:{plan.ports['alertmanager']}/"), "whom they reach")
    sign_ins = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("Office", "User name", "Password", "Role"):
        sign_ins.add_column(column, style="bold" if column == "Password" else "", no_wrap=True)
    for clerk in clerks:
        sign_ins.add_row(clerk["office"], clerk["username"], clerk["password"], clerk["role"])
    foot = Text(f"Ready after {seconds:.1f} s. Data and logs: {home.var}\nCtrl-C stops everything.", style="dim")
    return Panel(
        Group(places, Text(), Text("Sign-ins of the demo clerks", style="bold"), sign_ins, foot),
        title="[bold]Schalter[/bold]",
        title_align="left",
        box=box.ROUNDED,
        padding=(1, 2),
        expand=False,
    )


def _link(url: str) -> Text:
    return Text(url, style=f"cyan link {url}")
