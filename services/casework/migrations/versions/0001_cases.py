"""Cases, applications, signatures, the audit trail, clerks and their sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.migrations import create_chassis_tables

revision = "0001"
down_revision = None


def _at(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String, nullable=nullable)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean, nullable=False)


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer, nullable=False)


def _of(table: str, column: str) -> "sa.Column[object]":
    return sa.Column(column, sa.Uuid, sa.ForeignKey(f"{table}.{column}"), primary_key=True)


def upgrade() -> None:
    create_chassis_tables(op)
    op.create_table(
        "case_file",
        sa.Column("case_id", sa.Uuid, primary_key=True),
        _text("office"),
        sa.Column("appointment_id", sa.Uuid, nullable=False, unique=True),
        _text("reference"),
        _text("language"),
        _at("starts_at"),
        _at("ends_at"),
        _number("link_generation"),
        _text("state"),
        _text("stage"),
        _number("revision"),
        sa.Column("clerk_id", sa.Uuid),
        _text("presence"),
        _at("presence_at", nullable=True),
        _at("waiting_since", nullable=True),
        sa.Column("technical_check", JSONB),
        _text("mail"),
        sa.Column("payment", JSONB, nullable=False),
        _at("opened_at"),
        _at("ended_at", nullable=True),
        _text("abort_reason", nullable=True),
        _number("audit_length"),
        _text("audit_head"),
        sa.CheckConstraint(
            "state IN ('open', 'in_progress', 'completed', 'aborted', 'cancelled')", name="case_file_state"
        ),
    )
    op.create_index("case_file_agenda", "case_file", ["office", "starts_at"])
    op.create_table(
        "person", _of("case_file", "case_id"), _text("name"), _text("email"), _text("time_zone", nullable=True)
    )
    op.create_table(
        "identity_check",
        _of("case_file", "case_id"),
        _text("document_type"),
        _flag("photo_matches"),
        _flag("security_features"),
        _flag("not_expired"),
        _flag("data_matches"),
        _text("outcome"),
        _text("note"),
        sa.Column("clerk_id", sa.Uuid, nullable=False),
        _at("checked_at"),
    )
    op.create_table(
        "application",
        sa.Column("application_id", sa.Uuid, primary_key=True),
        sa.Column("case_id", sa.Uuid, sa.ForeignKey("case_file.case_id"), nullable=False),
        _number("position"),
        _text("service_id"),
        _flag("needs_identity"),
        _flag("needs_signature"),
        _number("revision"),
        _number("fee_cents"),
        _text("document_hash", nullable=True),
        _at("confirmed_at", nullable=True),
        _at("signed_at", nullable=True),
        sa.UniqueConstraint("case_id", "position", name="application_position"),
        # The order of facts once more, where no code can forget it.
        sa.CheckConstraint(
            "(confirmed_at IS NULL OR document_hash IS NOT NULL) AND (signed_at IS NULL OR confirmed_at IS NOT NULL)",
            name="application_order_of_facts",
        ),
    )
    op.create_table(
        "application_content",
        _of("application", "application_id"),
        sa.Column("entries", JSONB, nullable=False),
        sa.Column("errors", JSONB, nullable=False),
        sa.Column("document", JSONB),
    )
    op.create_table(
        "signature",
        _of("application", "application_id"),
        sa.Column("canonical", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_entry",
        _of("case_file", "case_id"),
        sa.Column("number", sa.Integer, primary_key=True),
        _at("at"),
        _text("actor"),
        _text("action"),
        sa.Column("detail", JSONB, nullable=False),
        _text("previous"),
        _text("hash"),
    )
    op.execute("""
        CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit trail is append-only';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
    """)
    op.create_table(
        "parked_event",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("appointment_id", sa.Uuid, nullable=False),
        _text("subject"),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        _at("received_at"),
    )
    op.create_index("parked_event_appointment", "parked_event", ["appointment_id"])
    op.create_table(
        "clerk",
        sa.Column("clerk_id", sa.Uuid, primary_key=True),
        _text("office"),
        _text("username"),
        _text("name"),
        _text("role"),
        _text("password_hash"),
        _flag("active"),
        sa.UniqueConstraint("office", "username", name="clerk_username"),
    )
    op.create_table(
        "clerk_session",
        sa.Column("session_id", sa.Uuid, primary_key=True),
        sa.Column("clerk_id", sa.Uuid, sa.ForeignKey("clerk.clerk_id"), nullable=False),
        sa.Column("token_hash", sa.String, nullable=False, unique=True),
        _text("previous_hash", nullable=True),
        _at("created_at"),
        _at("rotated_at"),
        _at("revoked_at", nullable=True),
    )
    op.create_index("ix_clerk_session_clerk_id", "clerk_session", ["clerk_id"])
    op.create_index("ix_clerk_session_previous_hash", "clerk_session", ["previous_hash"])
    op.create_table(
        "sign_in_attempt",
        sa.Column("bucket", sa.String, primary_key=True),
        _number("tries"),
        _at("until"),
    )
