"""Data to PDF: typst, PDF/UA-1 (tagged, titled, in the reader's language) and PDF/A-3a (for the file, self-contained).

Templates get data as JSON and bytes, never as program text, so that what a citizen typed cannot become typst code.
Nothing is read from the network, and the machine's fonts are ignored: the same data gives the same bytes anywhere.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import typst

from casework.metrics import PAPER_SECONDS

Template = Literal["application", "receipt"]


def render(template: Template, data: Mapping[str, Any], at: datetime, **attached: str) -> bytes:
    """The PDF of `template` with `data`, dated `at`. Takes 2 to 30 ms of CPU: call it from a worker thread.

    `attached` reach the template as `sys.inputs`. Equal arguments give equal bytes.
    """
    compiler, lock = _compiler(template)
    inputs = {"data": json.dumps(data, ensure_ascii=False), **attached}
    with (
        lock,
        PAPER_SECONDS.labels(template).time(),
    ):  # a compiler keeps caches between runs and is not meant for two threads at once
        pdf = compiler.compile(
            format="pdf", sys_inputs=inputs, pdf_standards=["ua-1", "a-3a"], timestamp=int(at.timestamp())
        )
    assert isinstance(pdf, bytes), "one PDF, however many pages"
    return pdf


@cache
def _compiler(template: Template) -> tuple[typst.Compiler, Lock]:
    root = Path(str(resources.files("casework.papers") / "templates"))
    return typst.Compiler(str(root / f"{template}.typ"), root=str(root), ignore_system_fonts=True), Lock()
