"""The terms of the registry of personal data that every service keeps (`personal_data.py` beside its `tables.py`).

A registry says of every cell that tells of a person what it tells, of whom, what erasing makes of it (GDPR Art. 17),
when it goes by itself (Art. 5 (1) e) and where the person finds it again (Art. 15); of all other columns that they tell
of nobody. What erases, what hands out and docs/data-protection.md follow from it, and tests compare it with the
database.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Whose = Literal["citizen", "clerk"]


@dataclass(frozen=True)
class Kind:
    """Data of one kind: what it is, and what it is for."""

    what: str
    why: str


@dataclass(frozen=True)
class Emptied:
    """The row stays and the cell becomes `to`, an SQL expression over the row."""

    to: str


@dataclass(frozen=True)
class Deleted:
    """The row goes."""


@dataclass(frozen=True)
class Stays:
    """It is not erased, because of `why`."""

    why: str


@dataclass(frozen=True)
class Told:
    """Where the person finds it themself: the field of what the link hands out."""

    field: str


@dataclass(frozen=True)
class OnRequest:
    """The office hands it out to who asks: `schalter personal-data of`."""


@dataclass(frozen=True)
class Untold:
    """It is not handed out, because of `why`."""

    why: str


@dataclass(frozen=True)
class Rule:
    """When something goes without anybody asking, and why not later."""

    when: str
    source: str


Erasing = Emptied | Deleted | Stays
Telling = Told | OnRequest | Untold


@dataclass(frozen=True)
class Cell:
    """A column, or with `key` one key in a column of JSON, that tells of a person."""

    kind: Kind
    erasing: Erasing
    telling: Telling = field(default_factory=OnRequest)
    whose: Whose = "citizen"
    key: str = ""


@dataclass(frozen=True)
class Table:
    """A table with personal data. `of` is the SQL condition that finds the rows of `:appointment`, empty for clerks'.

    `nothing`: its columns that tell of nobody.
    """

    name: str
    goes: Rule
    of: str
    cells: Mapping[str, Cell]
    nothing: tuple[str, ...] = ()

    def emptied(self) -> str:
        """For `UPDATE ... SET`: every cell that erasing empties."""
        return ", ".join(
            f"{column} = {cell.erasing.to}" for column, cell in self.cells.items() if isinstance(cell.erasing, Emptied)
        )

    def citizens(self) -> Mapping[str, Cell]:
        """The cells that tell of citizens."""
        return {column: cell for column, cell in self.cells.items() if cell.whose == "citizen"}


@dataclass(frozen=True)
class Key:
    """Keys of Redis that match `pattern` (as its KEYS reads it). They go by themselves; nobody has to erase them."""

    pattern: str
    goes: Rule
    kind: Kind
    whose: Whose = "citizen"


@dataclass(frozen=True)
class Registry:
    """All that a service stores: tables with personal data and tables without any (`nothing`), and so of Redis."""

    service: str
    tables: tuple[Table, ...]
    nothing: Mapping[str, tuple[str, ...]]
    keys: tuple[Key, ...] = ()
    keys_of_nobody: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Table:
        """The table `name`. Raises KeyError for one without personal data."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def decided(self) -> dict[str, set[str]]:
        """Every column that somebody has decided about, by table."""
        with_some = {table.name: {*table.cells, *table.nothing} for table in self.tables}
        return with_some | {name: set(columns) for name, columns in self.nothing.items()}

    def patterns(self) -> tuple[str, ...]:
        """All keys of Redis that somebody has decided about."""
        return (*(key.pattern for key in self.keys), *self.keys_of_nobody)

    def citizens(self) -> Iterator[tuple[Table, str, Cell]]:
        """Every cell that tells of citizens."""
        for table in self.tables:
            for column, cell in table.citizens().items():
                yield table, column, cell


_TO_HOLD_IT: Final = "to hold the appointment and to write to the citizen"

NAME: Final = Kind("name", _TO_HOLD_IT)
CONTACT: Final = Kind("e-mail address, telephone number", f"{_TO_HOLD_IT}; to call when mail or video fail")
LANGUAGE: Final = Kind("language and time zone", "to be understood, and to name the right hour")
PLAIN_LANGUAGE: Final = Kind("that somebody wants plain language", "to be understood")
NEEDS: Final = Kind(
    "that somebody interprets or accompanies (nothing about health or why)", "so that the office prepares it"
)
APPOINTMENT: Final = Kind("which appointment somebody has, when it was made and changed", "to hold the appointment")
CHOICES: Final = Kind("what somebody chose for a service", "to prepare the application")
WAITING: Final = Kind("that somebody waits: since when, for which services and days", "to offer what is given back")
LINK: Final = Kind("the link, or what leads to it", "to let in who may act for the citizen, and to see where it went")
PRESENCE: Final = Kind(
    "whether somebody is in the room, since when, and how long they talked",
    "so that nobody who waits or talks is said not to have come; to say how long others wait",
)
APPLICATION: Final = Kind("the application's values", "the application")
IDENTITY: Final = Kind(
    "that a document was seen, of which type, by whom, when, with which result (**never an image**)", "identification"
)
SIGNATURE: Final = Kind("signature: strokes and their times (biometric data)", "the signature under the application")
PAYMENT: Final = Kind("order, amount, provider's reference, receipt number", "accounting")
MESSAGE: Final = Kind("what was written, and what became of it", "to write, to remind, to know what arrived")
NO_REMINDERS: Final = Kind("that somebody wants no reminders of an appointment", "not to remind them")
DEVICE: Final = Kind("what the technical check found of a device", "to help before the call")
ACTS: Final = Kind("which act was done to the case, when and by whom", "to prove how a case came about")
ABUSE: Final = Kind(
    "an HMAC of the network address, of the e-mail address, of both and of the appointment, with a key of the day",
    "to make grabbing of slots expensive",
)
ACCOUNT: Final = Kind("a clerk's account: name, password's hash, sign-ins", "to let clerks in, and nobody else")
WORK: Final = Kind("when a clerk works, or is away", "to offer the times at which somebody is there")

#: Where nobody stores longer than the law lets them, and no law says for how long: the data protection officer decides.
_STORAGE_LIMIT: Final = "GDPR Art. 5 (1) e"
AFTER_APPOINTMENT: Final = Rule("`appointment_days` after the appointment", _STORAGE_LIMIT)
AFTER_WAITING: Final = Rule("what tells of the person when the waiting ends, the row three days later", _STORAGE_LIMIT)
WITHIN_A_DAY: Final = Rule("when nobody waits with it any more, at most after a day", _STORAGE_LIMIT)
AFTER_THE_CASE: Final = Rule(
    "`case_days` after the case was handed over, **by a clock that is not built yet**", "the state's rules for files"
)
AFTER_ACCOUNTING: Final = Rule(
    "`payment_years` after the payment, **by a clock that is not built yet**", "§ 147 (3) AO, the state's budget rules"
)
IN_72_HOURS: Final = Rule("72 hours after it was written", _STORAGE_LIMIT)
#: No event can come back after so long: streams keep them for 14 days, dead letters for another 30.
IN_45_DAYS: Final = Rule("when the booking arrives, after 45 days at most", _STORAGE_LIMIT)
_EMPLOYEES: Final = "§ 26 BDSG and the states' laws"
AFTER_THE_LAST_CASE: Final = Rule(
    "with the last case whose trail names the clerk, **by a clock that is not built yet**", _EMPLOYEES
)
AFTER_ABSENCE: Final = Rule("why, `appointment_days` later; when, the statistics count", _EMPLOYEES)
AFTER_SIGN_IN: Final = Rule("when somebody signs in after it has ended", _EMPLOYEES)
NEWEST_ALONE: Final = Rule("written over at every change", _STORAGE_LIMIT)
A_DAY: Final = Rule("after a day at most", _STORAGE_LIMIT)
HALF_A_MINUTE: Final = Rule("after half a minute at most", _STORAGE_LIMIT)
