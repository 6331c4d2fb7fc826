"""The directory of a company, and who of it may sign in."""

from kvota.errors import FieldError, Invalid
from kvota.sign_ins import Role
from kvota.web.answers import Answer, Reply
from kvota.web.page import ADMINS, COMPANY, SEERS, Page, page
from kvota.web.visit import Visit
from kvota.wire import asking
from kvota.wire.fields import encode, is_id
from kvota.wire.reading import read_body
from kvota.wire.requests import PersonRequest
from kvota.wire.rules import ID_RULE

SHOWN = 100
FIELDS = ("name", "email", "department")
INVITED: tuple[Role, ...] = ("member", "admin", "auditor")


async def show(visit: Visit, link: str | None = None, linked: str = "") -> Reply:
    """A page of the directory, and who may sign in; ``link`` was made just now for ``linked``."""
    reads, company = visit.reads, visit.company
    after = visit.came.query.get("after", "")
    people = await visit.read(reads.people, company, after, SHOWN + 1)
    return visit.show(
        "people.html",
        company=company,
        people=people[:SHOWN],
        following=people[SHOWN - 1].user if len(people) > SHOWN else None,
        sign_ins=await visit.read(visit.access.sign_ins, company, "", SHOWN),
        roles=INVITED,
        link=link,
        linked=linked,
        may_change=visit.session.role in ADMINS,
    )


async def put(visit: Visit) -> Answer:
    """Add somebody, or change what is known of him."""
    form = visit.form
    user = form.get("user")
    if not is_id(user):
        raise Invalid.field("user", ID_RULE, user)
    body = read_body(PersonRequest, encode({name: form.get(name) or None for name in FIELDS}))
    await visit.read(visit.reads.put_person, visit.company, user, asking.person_changes(body), visit.operator)
    return visit.go(f"/companies/{visit.company}/people", "flash.person_saved")


async def edit(visit: Visit) -> Reply:
    """What is known of one of them, in a form."""
    person = await visit.read(visit.reads.person, visit.company, visit.named("user"))
    return visit.show("person.html", company=visit.company, person=person)


async def erase(visit: Visit) -> Answer:
    """Erase the person; what was used stays, under the user's id."""
    await visit.read(visit.reads.erase_person, visit.company, visit.named("user"), visit.operator)
    return visit.go(f"/companies/{visit.company}/people", "flash.person_erased")


async def invite(visit: Visit) -> Reply:
    """Let somebody sign in; the link is shown once, to be passed on."""
    form = visit.form
    role: Role | None = next((one for one in INVITED if one == form.get("invited_role")), None)
    if role is None:
        raise Invalid.field("invited_role", f"must be one of {', '.join(INVITED)}", form.get("invited_role"))
    await visit.read(visit.reads.company, visit.company)
    try:
        one, token = await visit.read(
            visit.access.invite,
            email=form.get("invited_email"),
            role=role,
            company=visit.company,
            user=form.get("invited_user") or None,
        )
    except Invalid as error:
        errors = [each._replace(field=f"invited_{each.field}") for each in error.errors]
        raise Invalid(error.detail, errors=errors) from None
    return await show(visit, _link(visit, token), one.email)


async def reset(visit: Visit) -> Reply:
    """A new link for somebody who has lost his password, or his invitation."""
    one = await visit.read(visit.access.sign_in, visit.company, visit.named("sign_in"))
    token = await visit.read(visit.access.link, one)
    return await show(visit, _link(visit, token), one.email)


def _link(visit: Visit, token: str) -> str:
    return f"{visit.came.origin}/welcome?token={token}"


async def remove(visit: Visit) -> Answer:
    """Let somebody sign in no more."""
    one = await visit.read(visit.access.sign_in, visit.company, visit.named("sign_in"))
    if one.id == visit.session.owner:
        raise Invalid("", errors=[FieldError("", "is your own: let another administrator remove it")])
    await visit.read(visit.access.remove, one)
    return visit.go(f"/companies/{visit.company}/people", "flash.sign_in_removed")


def pages() -> list[Page]:
    """The pages of this module."""
    people = f"{COMPANY}/people"
    return [
        page("people", SEERS, f"GET {people}", show, nav=80),
        page("put_person", ADMINS, f"POST {people}", put, again=show),
        page("person", ADMINS, f"GET {people}/{{user}}", edit),
        page("erase_person", ADMINS, f"POST {people}/{{user}}/erase", erase),
        page("invite", ADMINS, f"POST {COMPANY}/sign-ins", invite, again=show),
        page("reset_sign_in", ADMINS, f"POST {COMPANY}/sign-ins/{{sign_in}}/reset", reset),
        page("remove_sign_in", ADMINS, f"POST {COMPANY}/sign-ins/{{sign_in}}/remove", remove, again=show),
    ]
