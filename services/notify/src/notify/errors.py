"""What notify refuses, and why."""

from chassis.problems import Problem


class UnknownRecipient(Problem):
    """An event about an appointment whose booking has not arrived yet: it is retried."""

    code, status, title = "unknown_recipient", 404, "The booking is not known yet"


class UnknownMessage(Problem):
    """There is no such message in the clerk's office."""

    code, status, title = "message_unknown", 404, "There is no such message"


class NotResendable(Problem):
    """What a message says is not true any more, or not stored any more."""

    code, status, title = "not_resendable", 409, "This message cannot be sent again"


class StalePage(Problem):
    """A page of the version before last asks for what is done elsewhere now."""

    code, status, title = "stale_page", 409, "This page is out of date"


class RoleMissing(Problem):
    """The clerk may not do this; a lead or admin may."""

    code, status, title = "role_missing", 403, "Your role does not allow this"
