"""All dashboards."""

from typing import Final

from tools.observability.board import Board
from tools.observability.boards import bus, call, day, money, overview, service

ALL: Final[tuple[Board, ...]] = (
    overview.BOARD,
    *service.BOARDS,
    bus.BOARD,
    call.BOARD,
    money.BOARD,
    *day.BOARDS,
)
