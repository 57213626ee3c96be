"""How HTTP doors come by the gate: one dependency, documented in OpenAPI with the header and the two refusals."""

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request

from booking.limits.gate import Gate, Visitor
from booking.limits.proof import MAX_CHARACTERS
from chassis.http import Now
from chassis.openapi import Problem
from chassis.problems import MEDIA_TYPE

ProofOfWork = Annotated[
    str | None,
    Header(
        alias="Proof-Of-Work",
        max_length=MAX_CHARACTERS,
        description="A solved challenge (altcha payload: base64 of JSON). Only when `proof_required` asked for it.",
    ),
]


async def _visitor(request: Request, now: Now, proof_of_work: ProofOfWork = None) -> Visitor:
    gate: Gate = request.app.state.gate
    # The gateway sets X-Forwarded-For, dropping what comes from outside; uvicorn (--proxy-headers) reads it.
    return Visitor(gate, request.client.host if request.client else "", proof_of_work, now)


#: Who asks for something that bots would grab: `async with visitor.passing(office, action, member): ...`.
TheVisitor = Annotated[Visitor, Depends(_visitor)]


_PROBLEM: Final = {"$ref": f"#/components/schemas/{Problem.__name__}"}
_CHALLENGE: Final = {
    "type": "object",
    "description": "With `proof_required`: an altcha challenge, version 2 of its protocol.",
    "properties": {"parameters": {"type": "object"}, "signature": {"type": "string"}},
    "required": ["parameters", "signature"],
}

#: For the `responses` of a route with a gate.
LIMITED: Final[dict[int | str, dict[str, Any]]] = {
    429: {
        "description": "`proof_required`: solve the challenge and repeat. `limit_reached`: wait, see Retry-After.",
        "content": {
            MEDIA_TYPE: {"schema": {"allOf": [_PROBLEM, {"type": "object", "properties": {"challenge": _CHALLENGE}}]}}
        },
        "headers": {"Retry-After": {"schema": {"type": "string"}}},
    }
}
