"""The first page: the account's lists, and a form for another one."""

from starlette.responses import Response

from gateway import clock
from gateway.console.entry import Page
from gateway.console.rendering import done, render
from gateway.console.visit import Visit, link
from gateway.errors import Problem, Refused
from gateway.records import lists

NAME_CHARS_MAX = 200

NO_NAME = Problem(1, f"Give the list a name of at most {NAME_CHARS_MAX} characters.")


async def show(visit: Visit) -> Response:
    return render(visit, "lists.html", refused=None, name="", origin="")


async def create(visit: Visit) -> Response:
    """A new list starts at its tracker's page: what comes first is pasting the snippet."""
    name, origin = visit.form.text("name"), visit.form.text("origin")
    origins, now_ms = [origin] if origin else [], clock.now_ms()
    try:
        if not 0 < len(name) <= NAME_CHARS_MAX:
            raise Refused(NO_NAME)
        made = await visit.services.writer.write(
            lambda db: lists.create(db, visit.account.id, name, origins, now_ms)
        )
    except Refused as refused:
        return render(visit, "lists.html", status=422, refused=refused, name=name, origin=origin)
    return done(visit, link("lists", made.id, "tracker"), f"{made.name} is made.")


PAGES = (Page("/", show=show), Page("/lists", act=create))
