"""What an application is called when an appointment has several of a kind, or is for several persons."""

from casework.applications.model import Application
from contracts.catalogue import Service
from contracts.text import Localised


def title(service: Service, application: Application) -> Localised:
    """The service's name, with whom of the appointment it is for: "Personalausweis, Person 2 von 3"."""
    if application.person is not None:
        return Localised(
            de=f"{service.name.de}, Person {application.person} von {application.persons}",
            en=f"{service.name.en}, person {application.person} of {application.persons}",
        )
    if application.persons > 1:
        return Localised(
            de=f"{service.name.de}, {application.persons} Personen",
            en=f"{service.name.en}, {application.persons} people",
        )
    return service.name
