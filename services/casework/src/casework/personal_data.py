"""What casework stores about whom (`contracts.personal_data`).

What erasing does here is done by the case (`Case.forget`), whose rows go with it; of a completed case nothing is erased
before its retention ends, for the office has a legal obligation to keep it (GDPR Art. 17 (3) b).
"""

from typing import Final

from chassis.personal_data import NOTHING, shared_tables
from contracts.personal_data import (
    ACCOUNT,
    ACTS,
    AFTER_SIGN_IN,
    AFTER_THE_CASE,
    AFTER_THE_LAST_CASE,
    APPLICATION,
    APPOINTMENT,
    CONTACT,
    DEVICE,
    IDENTITY,
    IN_45_DAYS,
    LANGUAGE,
    MESSAGE,
    NAME,
    NEEDS,
    PAYMENT,
    PRESENCE,
    SIGNATURE,
    WORK,
    Cell,
    Deleted,
    Emptied,
    Registry,
    Stays,
    Table,
)

_WITHOUT_PERSON: Final = Stays("what remains is a case without a person")
_PROOF: Final = Stays("it proves how the case came about and names nobody (GDPR Art. 17 (3) e)")
_CLERKS: Final = Stays("it tells of clerks alone")
_NULL: Final = Emptied("NULL")
_OF_CASE: Final = "case_id IN (SELECT case_id FROM case_file WHERE appointment_id = :appointment)"
_OF_APPLICATION: Final = f"application_id IN (SELECT application_id FROM application WHERE {_OF_CASE})"  # noqa: S608

_CASE: Final = Table(
    "case_file",
    goes=AFTER_THE_CASE,
    of="appointment_id = :appointment",
    cells={
        "reference": Cell(APPOINTMENT, _WITHOUT_PERSON),
        "starts_at": Cell(APPOINTMENT, _WITHOUT_PERSON),
        "ends_at": Cell(APPOINTMENT, _WITHOUT_PERSON),
        "moved_at": Cell(APPOINTMENT, _WITHOUT_PERSON),
        "opened_at": Cell(APPOINTMENT, _WITHOUT_PERSON),
        "ended_at": Cell(APPOINTMENT, _WITHOUT_PERSON),
        "state": Cell(APPOINTMENT, _WITHOUT_PERSON),
        "stage": Cell(APPOINTMENT, _WITHOUT_PERSON),
        "abort_reason": Cell(APPOINTMENT, _WITHOUT_PERSON),
        "language": Cell(LANGUAGE, Stays("one of two languages tells nobody apart")),
        "needs": Cell(NEEDS, Emptied("'[]'")),
        "presence": Cell(PRESENCE, Emptied("'absent'")),
        "presence_at": Cell(PRESENCE, _NULL),
        "waiting_since": Cell(PRESENCE, _NULL),
        "absence_told_at": Cell(PRESENCE, _WITHOUT_PERSON),
        "technical_check": Cell(DEVICE, _NULL),
        "mail": Cell(MESSAGE, _WITHOUT_PERSON),
        "payment": Cell(PAYMENT, Stays("a legal obligation to account for it (GDPR Art. 17 (3) b)")),
        "erasure_requested_at": Cell(ACTS, _PROOF),
        "clerk_id": Cell(WORK, _WITHOUT_PERSON, whose="clerk"),
    },
    nothing=(
        "case_id", "office", "appointment_id", "link_generation", "revision", "contact_revision", "audit_length",
        "audit_head",
    ),
)  # fmt: skip

_PERSON: Final = Table(
    "person",
    goes=AFTER_THE_CASE,
    of=_OF_CASE,
    cells={
        "name": Cell(NAME, Deleted()),
        "email": Cell(CONTACT, Deleted()),
        "phone": Cell(CONTACT, Deleted()),
        "time_zone": Cell(LANGUAGE, Deleted()),
    },
    nothing=("case_id",),
)

_IDENTITY: Final = Table(
    "identity_check",
    goes=AFTER_THE_CASE,
    of=_OF_CASE,
    cells={
        "document_type": Cell(IDENTITY, Deleted()),
        "photo_matches": Cell(IDENTITY, Deleted()),
        "security_features": Cell(IDENTITY, Deleted()),
        "not_expired": Cell(IDENTITY, Deleted()),
        "data_matches": Cell(IDENTITY, Deleted()),
        "outcome": Cell(IDENTITY, Deleted()),
        "note": Cell(IDENTITY, Deleted()),
        "checked_at": Cell(IDENTITY, Deleted()),
        "clerk_id": Cell(WORK, Deleted(), whose="clerk"),
    },
    nothing=("case_id",),
)

_APPLICATION: Final = Table(
    "application",
    goes=AFTER_THE_CASE,
    of=_OF_CASE,
    cells={
        "service_id": Cell(APPLICATION, _WITHOUT_PERSON),
        "person": Cell(APPLICATION, _WITHOUT_PERSON),
        "persons": Cell(APPLICATION, _WITHOUT_PERSON),
        "fee_cents": Cell(APPLICATION, _WITHOUT_PERSON),
        "document_hash": Cell(APPLICATION, _PROOF),
        "confirmed_at": Cell(APPLICATION, _PROOF),
        "signed_at": Cell(APPLICATION, _PROOF),
    },
    nothing=("application_id", "case_id", "position", "needs_identity", "needs_signature", "revision"),
)

_CONTENT: Final = Table(
    "application_content",
    goes=AFTER_THE_CASE,
    of=_OF_APPLICATION,
    cells={
        "entries": Cell(APPLICATION, Deleted()),
        "errors": Cell(APPLICATION, Deleted()),
        "document": Cell(APPLICATION, Deleted()),
    },
    nothing=("application_id",),
)

_SIGNATURE: Final = Table(
    "signature",
    goes=AFTER_THE_CASE,
    of=_OF_APPLICATION,
    cells={"canonical": Cell(SIGNATURE, Deleted())},
    nothing=("application_id",),
)

_AUDIT: Final = Table(
    "audit_entry",
    goes=AFTER_THE_CASE,
    of=_OF_CASE,
    cells={
        "at": Cell(ACTS, _PROOF),
        "action": Cell(ACTS, _PROOF),
        "detail": Cell(ACTS, _PROOF),
        "actor": Cell(ACTS, _PROOF, whose="clerk"),
    },
    nothing=("case_id", "number", "previous", "hash"),
)

_PARKED: Final = Table(
    "parked_event",
    goes=IN_45_DAYS,
    of="appointment_id = :appointment",
    cells={
        "body": Cell(MESSAGE, Deleted()),
        "headers": Cell(ACTS, Deleted(), whose="clerk", key="ce-actor"),
    },
    nothing=("event_id", "appointment_id", "subject", "received_at"),
)

_CLERK: Final = Table(
    "clerk",
    goes=AFTER_THE_LAST_CASE,
    of="",
    cells={
        "username": Cell(ACCOUNT, _CLERKS, whose="clerk"),
        "name": Cell(ACCOUNT, _CLERKS, whose="clerk"),
        "role": Cell(ACCOUNT, _CLERKS, whose="clerk"),
        "password_hash": Cell(ACCOUNT, _CLERKS, whose="clerk"),
        "active": Cell(ACCOUNT, _CLERKS, whose="clerk"),
    },
    nothing=("clerk_id", "office"),
)

_SESSION: Final = Table(
    "clerk_session",
    goes=AFTER_SIGN_IN,
    of="",
    cells={
        "created_at": Cell(ACCOUNT, _CLERKS, whose="clerk"),
        "rotated_at": Cell(ACCOUNT, _CLERKS, whose="clerk"),
        "revoked_at": Cell(ACCOUNT, _CLERKS, whose="clerk"),
    },
    nothing=("session_id", "clerk_id", "token_hash", "previous_hash"),
)

_ATTEMPT: Final = Table(
    "sign_in_attempt",
    goes=AFTER_SIGN_IN,
    of="",
    cells={"bucket": Cell(ACCOUNT, _CLERKS, whose="clerk")},
    nothing=("tries", "until"),
)

REGISTRY: Final = Registry(
    "casework",
    tables=(
        _CASE,
        _PERSON,
        _IDENTITY,
        _APPLICATION,
        _CONTENT,
        _SIGNATURE,
        _AUDIT,
        _PARKED,
        _CLERK,
        _SESSION,
        _ATTEMPT,
        *shared_tables(Stays("one alone names a person: that of a completed case, which is kept")),
    ),
    nothing=NOTHING,
)
