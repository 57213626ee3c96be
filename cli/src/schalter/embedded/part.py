"""What the four parts have in common."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from schalter.embedded.process import Process, Program


class Part(ABC):
    """A server program with its own folder and port.

    `prepare` and `program` serve the supervisor, which owns the process itself; as a context manager the part runs
    for the length of a block, ready on entry and gone on exit.
    """

    name: str
    port: int
    _process: Process | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Makes folders and configuration. Cheap and harmless when repeated."""

    @abstractmethod
    def program(self) -> Program:
        """How to run it."""

    def start(self, seconds: float = 30.0) -> Self:
        """Runs the part and returns once it serves. Raises PartFailedError otherwise; then nothing is left running."""
        self.prepare()
        self._process = Process(self.program())
        try:
            self._process.wait_ready(seconds)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends the part; harmless when it does not run."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    @property
    def process(self) -> Process:
        """The running process. Only between `start` and `stop`."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
