"""The service catalogue: what an office can offer. One TOML file per service; adding a service is adding a file."""

from collections.abc import Mapping, Sequence
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from contracts import tomlfile
from contracts.base import Cents
from contracts.forms import allowed_values, check_form
from contracts.ids import ServiceId
from contracts.text import Localised

Catalogue = Mapping[str, "Service"]
#: The groups in which a catalogue is shown, in this order.
Category = Literal["identity", "residence", "certificates", "privacy", "vehicles", "advice"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
#: What people call a service when they look for it.
Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=60)]
#: The id of a question, a choice or a form field.
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,59}$")]


class CatalogueError(ValueError):
    """A service file that cannot be used; the message names the file, the line and what is wrong there."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Strict):
    """A readiness question before booking. The wrong answer says honestly what to do instead."""

    id: Key
    text: Localised
    expected: bool
    otherwise: Localised
    blocks: bool = Field(default=False, description="With the wrong answer no call can finish the matter.")
    on_site: bool = Field(default=False, description="What is missing then can be settled in a visit to the office.")


class Choice(_Strict):
    """One value of an option."""

    id: Key
    name: Localised
    bring: tuple[Localised, ...] = Field(default=(), description="To have ready only when this is chosen.")


class Option(_Strict):
    """Something chosen at booking that the application is prefilled with; `id` is the form's field."""

    id: Key
    name: Localised
    choices: tuple[Choice, ...] = Field(min_length=2)
    preselected: Key | None = Field(default=None, description="Chosen until somebody chooses otherwise.")


class Synonyms(_Strict):
    """Other words for a service: everyday words, half sentences, what other towns and countries call it."""

    de: tuple[Phrase, ...] = ()
    en: tuple[Phrase, ...] = ()


class FeeRule(_Strict):
    """A fee and when it applies. All conditions must hold; of several matching rules the first is taken."""

    text: Localised
    amount_cents: Cents
    valid_from: date
    source: Annotated[str, Field(min_length=3, description='Where the figure was read; "unverified" where nobody has.')]
    age_from: int | None = Field(default=None, ge=1, le=120)
    age_below: int | None = Field(default=None, ge=1, le=120)
    when: dict[str, str] = Field(default_factory=dict, description="Form fields and the values that they must have.")
    exempt: Localised | None = Field(
        default=None, description="Who pays nothing, read after `free of charge`; of a fee of 0 beside others."
    )

    @model_validator(mode="after")
    def _some_age_is_meant(self) -> Self:
        if self.age_from is not None and self.age_below is not None and self.age_from >= self.age_below:
            raise tomlfile.flaw("nobody is of this age: age_from is not below age_below", "age_from")
        return self

    def applies(self, values: Mapping[str, JsonValue], age: int | None, on: date) -> bool:
        """Whether this rule holds for an application with `values` by somebody of `age` years, on the day `on`."""
        if on < self.valid_from or any(values.get(field) != wanted for field, wanted in self.when.items()):
            return False
        if self.age_from is None and self.age_below is None:
            return True
        if age is None:
            return False
        return (self.age_from is None or age >= self.age_from) and (self.age_below is None or age < self.age_below)

    def covers(self, other: "FeeRule") -> bool:
        """Whether this rule applies to everybody to whom `other` does, as soon as both are valid."""
        return (
            self.when.items() <= other.when.items()
            and (self.age_from or 0) <= (other.age_from or 0)
            and (self.age_below or 999) >= (other.age_below or 999)
        )


class Service(_Strict):
    """One service (Verwaltungsleistung) as citizens and clerks meet it.

    As the catalogue has it, or as one office offers it: see `Office.services_of`.
    """

    id: ServiceId
    leika: Annotated[str, Field(pattern=r"^(\d{14})?$", description="Key in the federal catalogue LeiKa, or empty.")]
    category: Category
    name: Localised
    summary: Localised
    summary_plain: Localised = Field(description="The same in plain language: short sentences, no officialese.")
    minutes: int = Field(ge=1, le=120, description="For one person in an appointment of its own.")
    shared_minutes: int = Field(
        default=0, ge=0, description="Of `minutes`: greeting and identity, not needed again beside another service."
    )
    minutes_per_further_person: int | None = Field(
        default=None, ge=1, le=60, description="For each person beyond the first; None: it is for one person only."
    )
    one_form: bool = Field(default=False, description="Several persons share one application, as a family that moves.")
    needs_identity: bool
    needs_signature: bool
    can_finish: Localised
    cannot_finish: Localised | None = None
    synonyms: Synonyms = Field(default=Synonyms(), description="Found by these words, too; they are shown nowhere.")
    bring: tuple[Localised, ...] = Field(default=(), description="To have ready in any case, see `things_to_bring`.")
    questions: tuple[Question, ...] = ()
    options: tuple[Option, ...] = ()
    fees: tuple[FeeRule, ...] = ()
    fee_set_by_office: bool = Field(default=False, description="A town's own fee: the office file must state it.")
    statement: Localised = Field(description="What the citizen declares by signing.")
    form: dict[str, JsonValue] = Field(description="JSON Schema 2020-12; `x-label` names fields, `x-order` sorts them.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.shared_minutes >= self.minutes:
            raise tomlfile.flaw("is not less than minutes", "shared_minutes")
        if self.one_form and self.minutes_per_further_person is None:
            raise tomlfile.flaw("a form for several persons needs minutes_per_further_person", "one_form")
        check_form(self.form, "form")
        self._check_lists()
        self._check_options()
        self._check_fees()
        return self

    def _check_lists(self) -> None:
        for index, item in enumerate(self.bring):
            if item in self.bring[:index]:
                raise tomlfile.flaw("is said twice", "bring", index)
        for language, phrases in (("de", self.synonyms.de), ("en", self.synonyms.en)):
            said = [phrase.casefold() for phrase in phrases]
            for index, phrase in enumerate(said):
                if phrase in said[:index]:
                    raise tomlfile.flaw("is said twice", "synonyms", language, index)
        for index, question in enumerate(self.questions):
            if question.id in {other.id for other in self.questions[:index]}:
                raise tomlfile.flaw(f"there are two questions {question.id!r}", "questions", index, "id")

    def _check_options(self) -> None:
        for index, option in enumerate(self.options):
            if option.id in {other.id for other in self.options[:index]}:
                raise tomlfile.flaw(f"there are two options {option.id!r}", "options", index, "id")
            allowed = allowed_values(self.form, option.id)
            if allowed is None:
                raise tomlfile.flaw(f"the form has no field {option.id!r}", "options", index, "id")
            if option.preselected is not None and option.preselected not in {choice.id for choice in option.choices}:
                raise tomlfile.flaw("is none of the choices", "options", index, "preselected")
            for number, choice in enumerate(option.choices):
                if choice.id not in allowed:
                    at = ("options", index, "choices", number, "id")
                    raise tomlfile.flaw(f"the form's field {option.id!r} does not allow {choice.id!r}", *at)

    def _check_fees(self) -> None:
        for index, rule in enumerate(self.fees):
            at = ("fees", index)
            for field, wanted in rule.when.items():
                allowed = allowed_values(self.form, field)
                if allowed is None:
                    raise tomlfile.flaw(f"the form has no field {field!r}", *at, "when", field)
                if wanted not in allowed:
                    raise tomlfile.flaw(f"the form's field {field!r} does not allow {wanted!r}", *at, "when", field)
            if rule.amount_cents == 0 and rule.exempt is None and any(other.amount_cents for other in self.fees):
                raise tomlfile.flaw("is free for some, and does not say for whom", *at, "exempt")
            for number, other in enumerate(self.fees[:index]):
                if other.covers(rule):
                    if other.valid_from <= rule.valid_from:
                        raise tomlfile.flaw(f"never applies: fees.{number} is taken before it", *at, "valid_from")
                elif other.text.de == rule.text.de or other.text.en == rule.text.en:
                    raise tomlfile.flaw(f"reads like fees.{number}, which is for others", *at, "text")

    def things_to_bring(self, options: Mapping[str, str]) -> tuple[Localised, ...]:
        """What to have ready with these `options` chosen, each thing once.

        Of an option that nobody has chosen yet, what each choice would need, with the choice's name before it.
        """
        things = list(self.bring)
        for option in self.options:
            chosen = options.get(option.id, option.preselected)
            for choice in option.choices:
                if chosen is None:
                    things += [_if_chosen(choice, thing) for thing in choice.bring]
                elif choice.id == chosen:
                    things += choice.bring
        return tuple(dict.fromkeys(things))

    def fee(self, values: Mapping[str, JsonValue], *, on: date) -> FeeRule | None:
        """The fee of an application with `values` on the day `on`; None while it cannot be told (no birth date yet).

        A service without fee rules is free: it has no rule to return, see `is_free`.
        """
        age = age_on(values.get("birth_date"), on)
        return next((rule for rule in self.fees if rule.applies(values, age, on)), None)

    def fees_on(self, day: date) -> tuple[FeeRule, ...]:
        """The rules that can be taken on `day`: begun by then, and not replaced by a newer one before them."""
        begun = [rule for rule in self.fees if rule.valid_from <= day]
        return tuple(rule for at, rule in enumerate(begun) if not any(other.covers(rule) for other in begun[:at]))

    @property
    def is_free(self) -> bool:
        """Whether nobody ever pays for it. A service whose fee the towns set is not free until an office says so."""
        return not self.fees and not self.fee_set_by_office

    @property
    def needs_payment(self) -> bool:
        """Whether somebody may have to pay for it."""
        return self.fee_set_by_office or any(rule.amount_cents for rule in self.fees)


def _if_chosen(choice: Choice, thing: Localised) -> Localised:
    return Localised(de=f"{choice.name.de}: {thing.de}", en=f"{choice.name.en}: {thing.en}")


def appointment_minutes(services: Sequence[tuple[Service, int]]) -> int:
    """How long an appointment for `services`, each for so many persons, takes, in minutes.

    The minutes of all, and of every further person. What services share (greeting, identity) is needed once: the most
    `shared_minutes` of one stay, the others are taken off. No service and no person ever makes an appointment shorter.
    Raises ValueError for less than one person, and naming the service that is for one person only.
    """
    total = 0
    for service, persons in services:
        if persons < 1:
            raise ValueError(f"{service.id}: at least one person")
        if persons > 1 and service.minutes_per_further_person is None:
            raise ValueError(f"{service.id}: for one person only")
        total += service.minutes + (persons - 1) * (service.minutes_per_further_person or 0)
    shared = [service.shared_minutes for service, _ in services]
    return total - (sum(shared) - max(shared, default=0))


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
        service = tomlfile.parse(tomlfile.read(entry), Service)
    except ValueError as error:
        raise CatalogueError(f"{entry.name}: {error}") from error
    if entry.name != f"{service.id}.toml":
        raise CatalogueError(f"{entry.name}: id is {service.id!r}, but a service's file is named after its id")
    return service
