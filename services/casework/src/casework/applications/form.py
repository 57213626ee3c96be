"""The form of a service: what is missing or wrong in the values, and the document that complete values become.

Half-filled forms are ordinary (the clerk types while the citizen talks), so that errors are data here, not exceptions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from babel.dates import format_date
from babel.numbers import format_decimal
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from pydantic import TypeAdapter
from pydantic import ValidationError as NotValid

from casework.applications.document import canonical_json, document_hash, normalised
from casework.applications.model import Draft, FieldError
from contracts.catalogue import Service, age_on
from contracts.characters import invisible
from contracts.people import PersonEmail, Phone
from contracts.text import Language, Localised

FORMAT = "document/1"
#: Nobody lives longer: a birth date before this is a slip of the keyboard.
OLDEST_YEARS = 130
_FORMATS = FormatChecker(["date"])
_YES_NO = {True: Localised(de="Ja", en="Yes"), False: Localised(de="Nein", en="No")}
_EMAIL: TypeAdapter[str] = TypeAdapter(PersonEmail)
_PHONE: TypeAdapter[str] = TypeAdapter(Phone)
_CODES = {
    "required": "required",
    "dependentRequired": "required",
    "type": "type",
    "enum": "enum",
    "const": "enum",
    "oneOf": "enum",
    "anyOf": "enum",
    "pattern": "pattern",
    "maxLength": "too_long",
    "minLength": "too_short",
    "minimum": "minimum",
    "exclusiveMinimum": "minimum",
    "maximum": "maximum",
    "exclusiveMaximum": "maximum",
    "format": "format",
    "additionalProperties": "unknown",
}


def prefilled(service: Service, options: Mapping[str, str]) -> dict[str, Any]:
    """The values that an application begins with: the form's defaults and what was chosen at booking."""
    values = {name: schema["default"] for name, schema in _fields(service) if "default" in schema}
    names = {name for name, _ in _fields(service)}
    return values | {name: value for name, value in options.items() if name in names}


@dataclass(frozen=True)
class Heading:
    """What stands above a document: whose appointment it is of, and a title (the service's name if None)."""

    office: str
    appointment_id: UUID
    reference: str
    language: Language
    title: Localised | None = None


def draft(service: Service, values: Mapping[str, Any], heading: Heading, *, today: date) -> Draft:
    """What `values` amount to: cleaned, checked, priced, and written out when complete.

    `today` is the day in the office's calendar: fees and ages are those of that day.
    """
    language = heading.language
    cleaned = {name: value for name, value in map(_cleaned, values.items()) if value not in ("", None)}
    errors = tuple(sorted(set(_errors(service, cleaned, today)), key=lambda error: (error.field, error.code)))
    rule = service.fee(cleaned, on=today)
    if not errors and rule is None and not service.is_free:
        errors = (FieldError("", "fee_unknown"),)
    fee_cents = rule.amount_cents if rule else 0
    if errors:
        return Draft(cleaned, errors, None, None, fee_cents)
    document = {
        "schalter": FORMAT,
        "office": heading.office,
        "appointment_id": str(heading.appointment_id),
        "reference": heading.reference,
        "service_id": service.id,
        "title": (heading.title or service.name).in_language(language),
        "language": language,
        "rows": [
            {
                "key": name,
                "label": Localised.model_validate(schema["x-label"]).in_language(language),
                "value": cleaned[name],
                "text": _text(schema, cleaned[name], language),
            }
            for name, schema in _fields(service)
            if name in cleaned
        ],
        "fee_cents": fee_cents,
        "statement": service.statement.in_language(language),
    }
    return Draft(cleaned, (), document, document_hash(document), fee_cents)


def _fields(service: Service) -> list[tuple[str, Mapping[str, Any]]]:
    """The form's fields in the order in which people fill them in."""
    properties: Any = service.form["properties"]
    return sorted(properties.items(), key=lambda item: item[1].get("x-order", len(properties)))


def _cleaned(item: tuple[str, Any]) -> tuple[str, Any]:
    name, value = item
    return name, normalised(value) if isinstance(value, str) else value


def _errors(service: Service, values: Mapping[str, Any], today: date) -> Iterator[FieldError]:
    validator = Draft202012Validator(service.form, format_checker=_FORMATS)
    for error in validator.iter_errors(dict(values)):
        yield from _forbidden(service, error, values) if error.validator is None else _named(error)
    for name, value in values.items():
        if not _canonical(value):
            yield FieldError(name, "invalid")
        elif isinstance(value, str) and invisible(value, allowed="\n\t") is not None:
            yield FieldError(name, "invisible_character")
    born = values.get("birth_date")
    age = age_on(born, today)
    if age is not None and not 0 <= age <= OLDEST_YEARS:
        yield FieldError("birth_date", "invalid")


def _named(error: ValidationError) -> Iterator[FieldError]:
    """The fields that one error of the schema is about: a missing field is named by the rule, not by the path."""
    validator = str(error.validator)
    instance: Any = error.instance
    rule: Any = error.validator_value
    if validator == "required":
        yield from (FieldError(name, "required") for name in rule if name not in instance)
    elif validator == "dependentRequired":
        needed = {name for trigger, names in rule.items() if trigger in instance for name in names}
        yield from (FieldError(name, "required") for name in needed if name not in instance)
    elif validator == "additionalProperties" and not error.path:
        schema: Any = error.schema
        known = schema.get("properties", {})
        yield from (FieldError(name, "unknown") for name in instance if name not in known)
    else:
        yield FieldError(str(error.path[0]) if error.path else "", _CODES.get(validator, "invalid"))


def _forbidden(service: Service, error: ValidationError, values: Mapping[str, Any]) -> Iterator[FieldError]:
    """Fields whose schema is `false`: filled in where they must not be. The library says where, but not which."""
    properties: Any = service.form
    for step in error.schema_path:
        properties = properties[step]
    yield from (
        FieldError(name, "not_applicable") for name, rule in properties.items() if rule is False and name in values
    )


@_FORMATS.checks("email")
def _is_email(value: object) -> bool:
    return not isinstance(value, str) or _accepts(_EMAIL, value)


@_FORMATS.checks("tel")
def _is_phone(value: object) -> bool:
    return not isinstance(value, str) or _accepts(_PHONE, value)


def _accepts(rule: TypeAdapter[str], value: str) -> bool:
    try:
        rule.validate_python(value)
    except NotValid:
        return False
    return True


def _canonical(value: object) -> bool:
    """Whether a browser writes `value` as we do: no fractions, no broken text."""
    try:
        canonical_json(value)
    except ValueError:
        return False
    return True


def _text(schema: Mapping[str, Any], value: object, language: Language) -> str:
    """How a person reads `value`."""
    for choice in schema.get("oneOf", ()):
        if choice.get("const") == value and "x-label" in choice:
            return Localised.model_validate(choice["x-label"]).in_language(language)
    if isinstance(value, bool):
        return _YES_NO[value].in_language(language)
    if isinstance(value, int):
        return format_decimal(value, locale=language, group_separator=False)
    if schema.get("format") == "date":
        return format_date(date.fromisoformat(str(value)), format="long", locale=_LOCALES[language])
    return str(value)


_LOCALES: Mapping[Language, str] = {"de": "de_DE", "en": "en_GB"}
