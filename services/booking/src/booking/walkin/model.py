"""The rules of the queue, plain Python."""

from typing import Literal

#: `left`: they went by themselves; `gone`: their page fell silent.
TicketState = Literal["waiting", "called", "left", "gone"]
