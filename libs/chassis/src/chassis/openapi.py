"""What OpenAPI says about refusals: every route may answer with a problem document (RFC 9457)."""

from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from chassis.problems import MEDIA_TYPE


class ProblemField(BaseModel):
    """One field that was refused."""

    field: str = Field(description="Dotted path of the field in the request.")
    message: str


class Problem(BaseModel):
    """A refusal (RFC 9457). `code` is stable and for programs; some codes add members, e.g. `alternatives`."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="urn:schalter:problem:{code}")
    title: str
    status: int
    detail: str = Field(description="What to do.")
    code: str
    correlation_id: str | None = Field(description="Under this number the request is found in the logs.")
    errors: list[ProblemField] = Field(default=[], description="Which fields to correct, if it is about fields.")


def _refusal(description: str, *headers: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
    }
    if headers:
        said["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    return said


#: For `FastAPI(responses=...)`. Documented for a whole class, "4XX" also replaces FastAPI's own shape of 422.
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": _refusal("Refused; the problem says why and what to do."),
    "503": _refusal("Not now; please try again.", "Retry-After"),
}


def install(app: FastAPI) -> None:
    """Add the schema that `REFUSALS` refers to to the OpenAPI document of `app`."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if Problem.__name__ not in schemas:
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= {**schema.pop("$defs"), Problem.__name__: schema}
        return document

    app.openapi = described  # type: ignore[method-assign] # as FastAPI documents it
