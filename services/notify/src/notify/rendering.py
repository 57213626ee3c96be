"""Templates in Jinja2, in two forms: plain text and HTML. A kit of parts per form, one layout around every mail."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import jinja2

_DIRECTORY: Final = Path(__file__).parent / "templates"
#: Stands for the body while a layout is rendered around it; no text holds it, and nothing escapes it.
_BODY: Final = "\0"


def has_template(name: str) -> bool:
    """Whether there is a template of this name."""
    return name in _names()


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in _DIRECTORY.iterdir())


class Form:
    """One form of all mails. What goes into HTML is escaped, and a variable that is not there is an error."""

    def __init__(self, name: Literal["txt", "html"]) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_DIRECTORY),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=name == "html",  # noqa: S701 - plain text is not HTML
            auto_reload=False,  # it asks for every file's time for every mail
        )
        self._kit = self._environment.get_template(f"kit.{name}.j2").module
        self._layout = self._environment.get_template(f"layout.{name}.j2")
        self._frames: dict[object, tuple[str, str]] = {}

    def mail(self, template: str, variables: Mapping[str, Any], *, letterhead: object) -> str:
        """`template` within the layout, which is the same for all mails of one `letterhead`."""
        body = self._environment.get_template(template).render(variables, part="body", ui=self._kit)
        frame = self._frames.get(letterhead)
        if frame is None:
            above, _, below = self._layout.render(variables, body=_BODY).partition(_BODY)
            frame = self._frames[letterhead] = above, below
        return body.join(frame)

    def line(self, template: str, variables: Mapping[str, Any], **more: str) -> str:
        """`template` alone, without kit and layout: a subject, a short message."""
        return self._environment.get_template(template).render(variables, **more)
