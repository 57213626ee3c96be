"""Errors in the shape of PayPal's answers."""

import secrets


class PayPalError(Exception):
    """An error answer: {name, message, debug_id, details:[{issue, description}]}."""

    def __init__(self, status: int, name: str, message: str, issue: str = "", description: str = "") -> None:
        super().__init__(f"{status} {name} {issue}")
        self.status = status
        self.body = {
            "name": name,
            "message": message,
            "debug_id": secrets.token_hex(7),
            "details": [{"issue": issue, "description": description}] if issue else [],
            "links": [],
        }


def unprocessable(issue: str, description: str) -> PayPalError:
    """422 UNPROCESSABLE_ENTITY with one issue, for example ORDER_NOT_APPROVED."""
    message = "The requested action could not be performed, semantically incorrect, or failed business validation."
    return PayPalError(422, "UNPROCESSABLE_ENTITY", message, issue, description)


def invalid(issue: str, description: str) -> PayPalError:
    """400 INVALID_REQUEST with one issue."""
    message = "Request is not well-formed, syntactically incorrect, or violates schema."
    return PayPalError(400, "INVALID_REQUEST", message, issue, description)


def not_found() -> PayPalError:
    """404 RESOURCE_NOT_FOUND."""
    return PayPalError(
        404,
        "RESOURCE_NOT_FOUND",
        "The specified resource does not exist.",
        "INVALID_RESOURCE_ID",
        "Specified resource ID does not exist. Please check the resource ID and try again.",
    )


def unauthenticated() -> PayPalError:
    """401 AUTHENTICATION_FAILURE."""
    return PayPalError(
        401,
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    )
