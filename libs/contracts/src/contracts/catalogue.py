"""The service catalogue: what an office can offer. One TOML file per service; adding a service is adding a file."""

import tomllib
from collections.abc import Mapping
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Self

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from contracts.base import Cents
from contracts.ids import ServiceId
from contracts.text import Localised

Catalogue = Mapping[str, "Service"]


class CatalogueError(ValueError):
    """A service file that cannot be used; the message names the file and what is wrong with it."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Strict):
    """A readiness question before booking. The wrong answer says honestly what to do instead."""

    id: str
    text: Localised
    expected: bool
    otherwise: Localised


class Choice(_Strict):
    """One value of an option."""

    id: str
    name: Localised


class Option(_Strict):
    """Something chosen at booking that the application is prefilled with; `id` is the form's field."""

    id: str
    name: Localised
    choices: tuple[Choice, ...]


class FeeRule(_Strict):
    """A fee and when it applies. All conditions must hold; of several matching rules the first is taken."""

    text: Localised
    amount_cents: Cents
    valid_from: date
    source: str = Field(description='Where the figure was read; "unverified" where nobody has.')
    age_from: int | None = None
    age_below: int | None = None
    when: dict[str, str] = Field(default_factory=dict, description="Form fields and the values that they must have.")

    def applies(self, values: Mapping[str, JsonValue], age: int | None, on: date) -> bool:
        """Whether this rule holds for an application with `values` by somebody of `age` years, on the day `on`."""
        if on < self.valid_from or any(values.get(field) != wanted for field, wanted in self.when.items()):
            return False
        if self.age_from is None and self.age_below is None:
            return True
        if age is None:
            return False
        return (self.age_from is None or age >= self.age_from) and (self.age_below is None or age < self.age_below)


class Service(_Strict):
    """One service (Verwaltungsleistung) as citizens and clerks meet it."""

    id: ServiceId
    leika: Annotated[str, Field(pattern=r"^(\d{14})?$", description="Key in the federal catalogue LeiKa, or empty.")]
    name: Localised
    summary: Localised
    minutes: int = Field(ge=1, le=120)
    needs_identity: bool
    needs_signature: bool
    can_finish: Localised
    cannot_finish: Localised | None = None
    bring: tuple[Localised, ...] = ()
    questions: tuple[Question, ...] = ()
    options: tuple[Option, ...] = ()
    fees: tuple[FeeRule, ...] = ()
    statement: Localised = Field(description="What the citizen declares by signing.")
    form: dict[str, JsonValue] = Field(description="JSON Schema 2020-12; `x-label` names fields, `x-order` sorts them.")

    @model_validator(mode="after")
    def _form_is_a_schema(self) -> Self:
        try:
            Draft202012Validator.check_schema(self.form)
        except SchemaError as error:
            raise ValueError(f"form: {error.message}") from error
        properties = self.form.get("properties")
        if not isinstance(properties, dict) or not properties:
            raise ValueError("form: has no properties")
        for name, schema in properties.items():
            if not isinstance(schema, dict):
                raise ValueError(f"form: {name} is not a schema")
            Localised.model_validate(schema.get("x-label"))
        fields = {*(option.id for option in self.options), *(field for fee in self.fees for field in fee.when)}
        if unknown := fields - set(properties):
            raise ValueError(f"options or fees name fields that the form lacks: {', '.join(sorted(unknown))}")
        return self

    def fee(self, values: Mapping[str, JsonValue], *, on: date) -> FeeRule | None:
        """The fee of an application with `values` on the day `on`; None while it cannot be told (no birth date yet).

        A service without fee rules is free: it has no rule to return, see `is_free`.
        """
        age = age_on(values.get("birth_date"), on)
        return next((rule for rule in self.fees if rule.applies(values, age, on)), None)

    @property
    def is_free(self) -> bool:
        """Whether nobody ever pays for this service."""
        return not self.fees


def age_on(birth_date: JsonValue, on: date) -> int | None:
    """Completed years of life on the day `on` (BGB §§ 187 (2), 188 (2)); None when `birth_date` is no ISO date.

    The birthday itself counts; somebody born on 29 February is a year older on 1 March of a common year.
    """
    if not isinstance(birth_date, str):
        return None
    try:
        born = date.fromisoformat(birth_date)
    except ValueError:
        return None
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def load_catalogue(directory: Traversable | None = None) -> Catalogue:
    """All services by id, from `directory` or from those shipped. Raises CatalogueError naming the first bad file."""
    directory = directory or resources.files("contracts") / "services"
    files = sorted((entry for entry in directory.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name)
    services = [_load(entry) for entry in files]
    return {service.id: service for service in services}


def _load(entry: Traversable) -> Service:
    try:
        service = Service.model_validate(tomllib.loads(entry.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{entry.name}: {error}") from error
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise CatalogueError(f"{entry.name}: {reasons}") from error
    if entry.name != f"{service.id}.toml":
        raise CatalogueError(f"{entry.name}: id is {service.id!r}, but a service's file is named after its id")
    return service
