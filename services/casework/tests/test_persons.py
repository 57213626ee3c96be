"""Several persons in one appointment: an application for each, or one form for the family, and one sum to pay."""

import io
import json
import zipfile
from typing import Any

import pypdf
import pytest

from contracts.booking import BookedService, CitizenContact
from contracts.payment import PaymentAuthorised

CONTACT = CitizenContact(name="Jörg Müller", email="j@example.org", language="de", phone="+4962211234567")


def booked(**persons: int) -> Any:
    return tuple(BookedService(service_id=service, persons=count) for service, count in persons.items())


@pytest.fixture
async def family(begin: Any) -> Any:
    """Three identity cards and a registration for four."""
    return await begin(services_booked=booked(personalausweis=3, anmeldung=4), citizen=CONTACT, needs=("companion",))


async def test_each_person_has_an_application_and_a_family_one_form(family: Any) -> None:
    titles = [each["title"] for each in (await family.view())["applications"]]
    assert [title["de"] for title in titles] == [
        "Personalausweis, Person 1 von 3",
        "Personalausweis, Person 2 von 3",
        "Personalausweis, Person 3 von 3",
        f"{family.world.directory.service('anmeldung').name.de}, 4 Personen",
    ]
    assert titles[1]["en"].endswith(", person 2 of 3")


@pytest.mark.parametrize(("persons", "whose"), [(1, [None]), (2, [1, 2])])
async def test_two_are_as_many_as_have_an_application_each(begin: Any, persons: int, whose: list[int | None]) -> None:
    call = await begin(services_booked=booked(personalausweis=persons))
    assert [each["person"] for each in (await call.view())["applications"]] == whose


async def test_one_person_is_not_counted(call: Any) -> None:
    (application,) = (await call.view())["applications"]
    assert (application["title"]["de"], application["person"], application["persons"]) == ("Führungszeugnis", None, 1)


async def test_clerk_and_citizen_see_whose_application_it_is(family: Any) -> None:
    for view in (await family.view(), await family.get("/citizen/case", family.citizen)):
        persons = [(each["service_id"], each["person"], each["persons"]) for each in view["applications"]]
        assert persons == [
            ("personalausweis", 1, 3),
            ("personalausweis", 2, 3),
            ("personalausweis", 3, 3),
            ("anmeldung", None, 4),
        ]


async def test_case_and_agenda_count_persons_not_applications(family: Any) -> None:
    view = await family.view()
    lines = {line["case_id"]: line for line in (await family.get("/agenda"))["cases"]}
    for seen in (view, lines[view["case_id"]]):
        assert [(each["service_id"], each["persons"]) for each in seen["services"]] == [
            ("personalausweis", 3),
            ("anmeldung", 4),
        ]
        assert seen["needs"] == ["companion"]
    assert (view["phone"], view["email"]) == ("+4962211234567", "j@example.org")


async def test_the_citizen_is_not_told_what_only_the_clerk_needs(family: Any) -> None:
    seen = await family.get("/citizen/case", family.citizen)
    assert not {"phone", "email"} & set(seen)
    assert "needs" not in seen


async def test_the_document_that_is_signed_names_the_person(family: Any) -> None:
    saved = await family.save(index=1)
    assert saved["document"]["title"] == "Personalausweis, Person 2 von 3"
    path = f"/cases/{family.case_id}/applications/{saved['application_id']}/document.pdf"
    paper = await family.world.client.get(path, headers=family.clerk)
    metadata = pypdf.PdfReader(io.BytesIO(paper.content)).metadata
    assert metadata is not None
    assert metadata.title == "Personalausweis, Person 2 von 3"


async def test_the_fee_is_the_sum_over_all_applications(begin: Any, world: Any) -> None:
    family = await begin(services_booked=booked(personalausweis=3))
    await family.identify()
    years = ("1970-02-28", "2012-05-01", "2014-08-17")
    for index, born in enumerate(years):
        values = (await family.view())["applications"][index]
        from_conftest = dict(family.values("personalausweis")) | {"birth_date": born}
        saved = await family.save(from_conftest, index=index)
        assert saved["application_id"] == values["application_id"]
        assert (await family.confirm(saved)).status_code == 200
        assert (await family.sign(saved)).status_code == 200
    requested = (await family.act("payment-request")).json()["payment"]
    assert requested["amount_cents"] == 4600 + 2 * 2760
    assert [item["text"]["de"] for item in requested["items"]] == [
        f"Personalausweis, Person {person} von 3" for person in (1, 2, 3)
    ]
    await family.paid(PaymentAuthorised)
    assert (await family.act("completion")).status_code == 200
    (event,) = await world.rows(
        "SELECT body FROM outbox WHERE subject = 'casework.case_completed.v1' AND headers->>'ce-subject' = :id",
        id=str(family.booked.appointment_id),
    )
    completed = json.loads(bytes(event["body"]))
    assert (completed["services"], completed["amount_cents"]) == (["personalausweis"], 10120)


async def test_nothing_is_payable_while_one_person_has_not_signed(begin: Any) -> None:
    family = await begin(services_booked=booked(personalausweis=2))
    await family.identify()
    saved = await family.save(index=0)
    await family.confirm(saved)
    await family.sign(saved)
    refused = await family.act("payment-request")
    assert (refused.status_code, refused.json()["step"]) == (409, "application")


async def test_the_package_says_whose_paper_is_whose(begin: Any, world: Any) -> None:
    family = await begin(services_booked=booked(anmeldung=2))
    await family.identify()
    saved = await family.save()
    await family.confirm(saved)
    await family.sign(saved)
    assert (await family.act("completion")).status_code == 200
    package = await world.client.get(f"/cases/{family.case_id}/package.zip", headers=family.clerk)
    with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
        (application,) = json.loads(archive.read("case.json"))["applications"]
    assert (application["person"], application["persons"]) == (None, 2)
