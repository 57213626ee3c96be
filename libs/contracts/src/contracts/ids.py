"""Typed identifiers, so that a case's id is never passed where an appointment's is meant."""

from typing import Annotated, NewType
from uuid import UUID

from pydantic import StringConstraints

AppointmentId = NewType("AppointmentId", UUID)
CaseId = NewType("CaseId", UUID)
ApplicationId = NewType("ApplicationId", UUID)
ClerkId = NewType("ClerkId", UUID)
OrderId = NewType("OrderId", UUID)

#: An office (one municipality): the first path segment of its pages, so lower-case and URL-safe.
OfficeSlug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$")]
#: A service of the catalogue, named as its file.
ServiceId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,58}[a-z0-9]$")]
