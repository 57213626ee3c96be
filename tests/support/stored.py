"""What the services stored, read past them."""

from typing import Any

import psycopg
from psycopg.rows import dict_row
from system import System

Row = dict[str, Any]


class Stored:
    """The rows of one appointment in all five databases."""

    def __init__(self, system: System, appointment_id: str) -> None:
        self._system, self._appointment_id = system, appointment_id

    def rows(self, service: str, table: str) -> list[Row]:
        """The appointment's rows of a table that names the appointment."""
        return self._read(service, f"SELECT * FROM {table} WHERE appointment_id = %s")  # noqa: S608

    def row(self, service: str, table: str) -> Row:
        """The appointment's only row of such a table."""
        (row,) = self.rows(service, table)
        return row

    @property
    def appointment(self) -> Row:
        """Booking's row."""
        (row,) = self._read("booking", "SELECT * FROM appointment WHERE id = %s")
        return row

    @property
    def case(self) -> Row:
        """Casework's row."""
        return self.row("casework", "case_file")

    def of_case(self, table: str) -> list[Row]:
        """Rows of casework that belong to the case."""
        return self._read(
            "casework",
            f"SELECT t.* FROM {table} t JOIN case_file USING (case_id) WHERE appointment_id = %s",  # noqa: S608
        )

    def of_application(self, table: str) -> list[Row]:
        """Rows of casework that belong to the case's applications."""
        return self._read(
            "casework",
            f"SELECT t.* FROM {table} t JOIN application USING (application_id) JOIN case_file USING (case_id)"  # noqa: S608
            " WHERE appointment_id = %s",
        )

    def _read(self, service: str, query: str) -> list[Row]:
        with psycopg.connect(self._system.database(service), row_factory=dict_row) as connection:
            return connection.execute(query, (self._appointment_id,)).fetchall()
