"""What can go wrong when parts are started. Every message is one line that a person can act on."""


class SchalterError(Exception):
    """An expected failure of the command line: its text is shown as it is, without a traceback."""


class ToolMissingError(SchalterError):
    """A program that a part needs is not on this machine."""


class PartFailedError(SchalterError):
    """A part did not start, or ended when it should not have."""


def unreachable(what: str, error: BaseException) -> SchalterError:
    """`what` cannot be reached: why (the kind of error where it says nothing itself), and what to do next."""
    return SchalterError(f"{what} cannot be reached: {reason(error)}. What is wrong, and what to do: schalter doctor")


def reason(error: BaseException) -> str:
    """What `error` says, else what it is called."""
    return str(error).strip().rstrip(".:") or type(error).__name__
