"""Beginning a coroutine now and awaiting it later, without the cost of a task."""

from collections.abc import Awaitable, Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


def begin(coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
    """Runs `coroutine` up to its first wait; awaiting what this returns, once, goes on with it.

    So two questions to Redis are asked in one turn of the loop and travel together. An error that comes before the
    first wait is raised here. What is never awaited is closed, as a coroutine that was cancelled. Not for one that
    takes a lock or starts a timeout before its first wait: it goes on only when it is awaited.
    """
    try:
        awaited = coroutine.send(None)
    except StopIteration as finished:
        return _Begun(None, None, finished.value)
    return _Begun(coroutine, awaited, None)


class _Begun(Awaitable[T]):
    def __init__(self, coroutine: Coroutine[Any, Any, T] | None, awaited: Any, result: T | None) -> None:
        self._coroutine, self._awaited, self._result = coroutine, awaited, result

    def __await__(self) -> Generator[Any, Any, T]:
        if self._coroutine is None:
            return self._result  # type: ignore[return-value] # the coroutine's own, None if it was that
        awaited = self._awaited
        while True:
            try:
                answer = yield awaited
            except BaseException as error:  # noqa: BLE001 - the coroutine's to handle: a cancellation above all
                go_on = partial(self._coroutine.throw, error)
            else:
                go_on = partial(self._coroutine.send, answer)
            try:
                awaited = go_on()
            except StopIteration as finished:
                result: T = finished.value
                return result
