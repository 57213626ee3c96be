"""What can go wrong when parts are started. Every message is one line that a person can act on."""


class SchalterError(Exception):
    """An expected failure of the command line: its text is shown as it is, without a traceback."""


class ToolMissingError(SchalterError):
    """A program that a part needs is not on this machine."""


class PartFailedError(SchalterError):
    """A part did not start, or ended when it should not have."""
