"""What the payment service refuses, and how it says so."""

from chassis.problems import Problem


class OrderNotFound(Problem):
    code, status, title = "order_not_found", 404, "There is nothing to pay for this appointment"


class LinkExpired(Problem):
    code, status, title = "link_expired", 410, "This link is no longer valid"


class NothingToApprove(Problem):
    """The order is paid, reserved or given up; `state` says which."""

    code, status, title = "order_settled", 409, "This payment needs no approval any more"


class WebhookRefused(Problem):
    """A webhook that is not the provider's own, recent word. Which check failed is logged, never answered."""

    code, status, title = "webhook_invalid", 400, "This is not a valid webhook"


class ProviderUnavailable(Problem):
    """The payment provider cannot be reached or answered nonsense; nothing is known, so it is asked again later."""

    code, status, title = "provider_unavailable", 503, "The payment provider does not answer"

    def __init__(self, detail: str = "Please try again in a moment.") -> None:
        super().__init__(detail, headers={"Retry-After": "5"})
