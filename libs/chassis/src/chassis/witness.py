"""Whether a database server answers: asked on a connection that nothing else has to do with."""

import asyncio
from time import monotonic
from typing import Final

import asyncpg

#: A server that answers nothing for so long hangs, together a second. The small parts at the end are turns of our own
#: loop, which may have been late to fetch an answer that is there already.
_SILENT_SECONDS: Final = (0.8, 0.1, 0.1)
_OPENING_SECONDS: Final = 10.0
#: A server that is away is not asked more often.
_AGAIN_SECONDS: Final = 1.0


class Witness:
    """One session beside the pool, opened beforehand.

    So neither names that take long to look up, nor threads that are all at work, nor a pool that is empty, nor
    somebody's lock is taken for a server that hangs.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: asyncio.Task[asyncpg.Connection[asyncpg.Record]] | None = None
        self._tried = 0.0

    def stand_by(self) -> "asyncio.Task[asyncpg.Connection[asyncpg.Record]]":
        """The session, which is opened in the background if there is none."""
        opened = self._opened
        if opened is None or (_is_over(opened) and monotonic() - self._tried > _AGAIN_SECONDS):
            self._tried = monotonic()
            opened = self._opened = asyncio.create_task(asyncpg.connect(self._url, timeout=_OPENING_SECONDS))
            opened.add_done_callback(_seen)
        return opened

    async def answers(self) -> bool | None:
        """Whether the server answers within a second, also with a no; None where there is no session to ask."""
        opened = self.stand_by()
        await asyncio.wait({opened}, timeout=sum(_SILENT_SECONDS))
        if not opened.done():
            return None
        try:
            session = opened.result()
        except TimeoutError:
            return None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return True
        asked = asyncio.create_task(session.execute("SELECT 1"))
        asked.add_done_callback(_seen)
        for seconds in _SILENT_SECONDS:
            await asyncio.wait({asked}, timeout=seconds)
            if asked.done():
                return True
        session.terminate()
        return False

    def close(self) -> None:
        """End the session."""
        if self._opened is not None and not _is_over(self._opened):
            if self._opened.done():
                self._opened.result().terminate()
            else:
                self._opened.cancel()


def _is_over(opened: "asyncio.Task[asyncpg.Connection[asyncpg.Record]]") -> bool:
    return opened.done() and (opened.cancelled() or bool(opened.exception()) or opened.result().is_closed())


def _seen(task: "asyncio.Task[object]") -> None:
    """Whatever it raised is no news: it would be told as an error that nobody looked at."""
    if not task.cancelled():
        task.exception()
