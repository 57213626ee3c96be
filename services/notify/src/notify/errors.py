"""What notify refuses, and why."""

from chassis.problems import Problem


class UnknownRecipient(Problem):
    """An event about an appointment whose booking has not arrived yet: it is retried."""

    code, status, title = "unknown_recipient", 404, "The booking is not known yet"
