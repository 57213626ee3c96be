"""Forms of services: the part of JSON Schema that casework checks and both clients can show.

A form is an object of named fields: text, whole numbers, yes or no, and choices (`oneOf` of constants). Besides the
words of JSON Schema it has `x-label` and `x-help` (both languages), `x-order` and `x-multiline`. One `if` makes fields
required, or forbids them (`false`), depending on other answers.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import JsonValue, ValidationError

from contracts.text import Localised
from contracts.tomlfile import flaw

_KEYWORDS: Final = frozenset({"type", "additionalProperties", "required", "properties", "if", "then", "else"})
_FIELD_KEYWORDS: Final = {
    "string": {"minLength", "maxLength", "pattern", "format", "oneOf", "x-multiline"},
    "integer": {"minimum", "maximum"},
    "boolean": set[str](),
}
_ANY_FIELD: Final = {"type", "default", "x-label", "x-help", "x-order"}
_FORMATS: Final = ("date", "email", "tel")


def allowed_values(form: Mapping[str, JsonValue], field: str) -> frozenset[str] | None:
    """The values that a choice among the fields of `form` can have; None when it has no such choice."""
    properties: Any = form["properties"]
    if field not in properties or "oneOf" not in properties[field]:
        return None
    return frozenset(choice["const"] for choice in properties[field]["oneOf"])


def check_form(form: Mapping[str, JsonValue], *at: str | int) -> None:
    """Raises a `tomlfile.flaw`, naming what stands `at`, when casework or a client could not work with `form`."""
    # A service's form is checked again for every office that offers it, and takes 30 ms.
    _check_once(json.dumps(form), *at)


@lru_cache(maxsize=256)
def _check_once(written: str, *at: str | int) -> None:
    form = json.loads(written)
    try:
        Draft202012Validator.check_schema(form)
    except SchemaError as error:
        raise flaw(error.message, *at, *error.path) from error
    if form.get("type") != "object" or form.get("additionalProperties") is not False:
        raise flaw('a form has type = "object" and additionalProperties = false', *at)
    for unknown in form.keys() - _KEYWORDS:
        raise flaw("is not understood by the clients", *at, unknown)
    properties: Any = form.get("properties")
    if not properties:
        raise flaw("has no properties", *at)
    orders: dict[int, str] = {}
    for name, schema in properties.items():
        here = (*at, "properties", name)
        if not isinstance(schema, dict):
            raise flaw("is no field", *here)
        _check_field(schema, *here)
        order = schema.get("x-order")
        if not isinstance(order, int):
            raise flaw("has no x-order", *here)
        if order in orders:
            raise flaw(f"has the place of {orders[order]!r}", *here, "x-order")
        orders[order] = name
    _check_names(form.get("required"), properties, *at, "required")
    _check_condition(form, properties, *at)


def _check_field(schema: Mapping[str, Any], *at: str | int) -> None:
    known = _FIELD_KEYWORDS.get(schema.get("type", ""))
    if known is None:
        raise flaw(f"type is none of {', '.join(_FIELD_KEYWORDS)}", *at, "type")
    for unknown in schema.keys() - known - _ANY_FIELD:
        raise flaw("is not understood by the clients", *at, unknown)
    if schema.get("format", "date") not in _FORMATS:
        raise flaw(f"is none of {', '.join(_FORMATS)}", *at, "format")
    _check_text(schema.get("x-label"), *at, "x-label")
    if "x-help" in schema:
        _check_text(schema["x-help"], *at, "x-help")
    for index, choice in enumerate(schema.get("oneOf", ())):
        here = (*at, "oneOf", index)
        if not isinstance(choice, dict) or not isinstance(choice.get("const"), str):
            raise flaw("a choice has a const", *here)
        _check_text(choice.get("x-label"), *here, "x-label")
    if "default" in schema and not Draft202012Validator(schema).is_valid(schema["default"]):
        raise flaw("is no valid value of this field", *at, "default")


def _check_text(value: object, *at: str | int) -> None:
    try:
        Localised.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise flaw(first["msg"], *at, *first["loc"]) from error


def _check_names(names: Any, properties: Mapping[str, Any], *at: str | int) -> None:
    for index, name in enumerate(names or ()):
        if name not in properties:
            raise flaw(f"the form has no field {name!r}", *at, index)


def _check_condition(form: Mapping[str, Any], properties: Mapping[str, Any], *at: str | int) -> None:
    if "if" not in form:
        if key := next((key for key in ("then", "else") if key in form), None):
            raise flaw("stands without an if", *at, key)
        return
    for key in ("if", "then", "else"):
        part = form.get(key, {})
        if not isinstance(part, dict) or part.keys() - {"required", "properties"}:
            raise flaw("has more than required and properties", *at, key)
        _check_names(part.get("required"), properties, *at, key, "required")
        for name, rule in part.get("properties", {}).items():
            here = (*at, key, "properties", name)
            if name not in properties:
                raise flaw(f"the form has no field {name!r}", *here)
            if key == "if":
                _check_comparison(rule, properties[name], name, *here)
            elif rule is not False:
                raise flaw("can only be false, which forbids the field", *here)


def _check_comparison(rule: Any, field: Mapping[str, Any], name: str, *at: str | int) -> None:
    if not isinstance(rule, dict) or len(rule) != 1 or rule.keys() - {"const", "enum"}:
        raise flaw("is compared by const or enum", *at)
    for word, compared in rule.items():
        for value in [compared] if word == "const" else compared:
            if not Draft202012Validator(field).is_valid(value):
                raise flaw(f"{name!r} never is {value!r}", *at, word)
