"""The way from a key to a request: it names what is touched, waits for a yes, shows the outcome.

Every request of the interface goes through here. It decides nothing: the controller does.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.worker import get_current_worker

from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.requests import Request, new_request
from tuiswp.errors import TuiswpError
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.snapshot import Snapshot

if TYPE_CHECKING:
    from tuiswp.controller.client import SweepView
    from tuiswp.tui.app import SweepApp
    from tuiswp.tui.forms.base import Form, Ready
    from tuiswp.tui.screens.confirm import Question

# Requests after which something is to start.
LAUNCH = frozenset({"restart", "resume", "clone", "add", "extend", "set", "front", "replicate"})
_NOTHING = {
    "interrupt": "nothing of it runs",
    "front": "only what waits has a place in the queue",
    "resume": "it is not held",
}
_EMPTY = {"replicate": "the sweep names no metric, so nothing says which settings are best"}


def begin(app: "SweepApp", action_id: str, chosen: tuple[int, ...]) -> bool:
    """Do what asks something of the controller, or offers one; False if the action does not."""
    is_form = action_id in actions.FORMS
    if action_id == "start_controller":
        _start_if_none(app)
        return True
    if not is_form and actions.request_for(action_id, chosen or (0,)) is None:
        return False
    snapshot = _present(app)
    if snapshot is None:
        return True
    if is_form:
        _fill_in(app, action_id, snapshot, chosen)
    elif action_id == "restart":
        _restart(app, snapshot, chosen)
    elif action_id in actions.REVERSIBLE:
        _at_once(app, action_id, snapshot, chosen)
    else:
        _confirm(app, action_id, snapshot, chosen)
    return True


def _present(app: "SweepApp") -> Snapshot | None:
    """The moment that can be acted on; None, said why, where there is none."""
    snapshot = app.snapshot
    if snapshot is None:
        return None
    if snapshot.view.foreign:
        app.say("something else launched these runs; they can only be looked at", bad=True)
        return None
    if snapshot.as_of is not None:
        app.say("this is the past, nothing can be asked of it; esc comes back to now", bad=True)
        return None
    return snapshot


def _confirm(app: "SweepApp", action_id: str, snapshot: Snapshot, chosen: tuple[int, ...]) -> None:
    """Ask before anything is touched; only what was named is requested."""
    from tuiswp.tui.screens.confirm import MOST, question

    asked = question(action_id, snapshot, chosen)
    if asked is None:
        app.say(_NOTHING.get(action_id, "nothing to do there"))
        return
    request = actions.request_for(action_id, asked.numbers)
    if request is not None:
        line = actions.command_line(
            actions.BY_ID[action_id], snapshot.view.directory.name, asked.numbers
        )
        short = line is not None and len(asked.numbers) <= MOST
        _ask(
            app, snapshot, replace(asked, command=visible(line) if line and short else ""), request
        )


def _ask(app: "SweepApp", snapshot: Snapshot, asked: "Question", request: Request) -> None:
    """Send the request after a yes."""
    from tuiswp.tui.screens.confirm import ConfirmScreen

    if snapshot.unattended and request.verb in LAUNCH:
        said = "No controller runs: you are asked about one after this."
        asked = replace(asked, rest=f"{asked.rest}; {said}" if asked.rest else said)

    def answered(yes: bool | None) -> None:
        if yes:
            app.send(request)

    app.push_screen(ConfirmScreen(asked, **app.look), answered)


def _at_once(app: "SweepApp", action_id: str, snapshot: Snapshot, chosen: tuple[int, ...]) -> None:
    """What can be taken back with the same key needs no yes: pinned, all of them are let go."""
    known = snapshot.view.state.trials
    there = [number for number in chosen if number in known]
    if action_id == "pin" and there and all(known[n].pinned is not None for n in there):
        action_id = "unpin"
    request = actions.request_for(action_id, there)
    if request is not None:
        app.send(request)


def _restart(app: "SweepApp", snapshot: Snapshot, chosen: tuple[int, ...]) -> None:
    """Which kind of restart: over what is there, from nothing, with another seed, edited."""
    from tuiswp.tui.forms.clone import seeded
    from tuiswp.tui.screens.confirm import question
    from tuiswp.tui.screens.restart import RestartScreen, Way

    asked = question("restart", snapshot, chosen)
    if asked is None:
        app.say("nothing to do there: what waits has not begun")
        return
    seed = seeded(snapshot, asked.numbers)

    def answered(way: Way | None) -> None:
        match way:
            case "same" | "fresh":
                fresh = way == "fresh"
                app.send(new_request("restart", asked.numbers, fresh=fresh))
            case "seed" if seed is not None:
                app.send(new_request("clone", asked.numbers, points=(seed.point,)))
            case "edited":
                _fill_in(app, "clone", snapshot, asked.numbers)

    told = "" if seed is None else seed.told
    app.push_screen(RestartScreen(asked, told, **app.look), answered)


def _fill_in(app: "SweepApp", action_id: str, snapshot: Snapshot, chosen: Sequence[int]) -> None:
    """Show the form; what it makes is asked about, and sent after a yes."""
    from tuiswp.tui.screens.form import FormScreen

    form = _form(action_id, snapshot, chosen, place=app.place())
    if form is None:
        app.say(_EMPTY.get(action_id, "nothing is known here that could be filled in"), bad=True)
        return

    def filled(ready: "Ready | None") -> None:
        if ready is not None:
            _ask(app, snapshot, ready.question, ready.request)

    app.push_screen(FormScreen(form, **app.look), filled)


def _form(
    action_id: str, snapshot: Snapshot, chosen: Sequence[int], *, place: str
) -> "Form | None":
    match action_id:
        case "clone":
            from tuiswp.tui.forms.clone import clone_form

            return clone_form(snapshot, chosen)
        case "add_points":
            from tuiswp.tui.forms.add import add_form

            return add_form(snapshot)
        case "extend":
            from tuiswp.tui.forms.extend import extend_form

            return extend_form(snapshot, remedied=place == "results")
        case "replicate":
            from tuiswp.tui.forms.replicate import replicate_form

            return replicate_form(snapshot)
        case _:
            from tuiswp.tui.forms.settings import settings_form

            return settings_form(snapshot)


def send(app: "SweepApp", request: Request) -> None:
    """Have it done, and say what came of it; in a thread, since it waits for the controller."""
    app.launching = app.launching or request.verb in LAUNCH
    app.run_worker(lambda: _carry_out(app, request), thread=True, group="requests")


def _carry_out(app: "SweepApp", request: Request) -> None:
    from tuiswp.controller.client import SweepReader, ask

    try:
        # Whoever leaves is not held up by an answer that does not come; it stays asked.
        leaving = get_current_worker()
        applied = ask(SweepDirectory(app.path), request, given_up=lambda: leaving.is_cancelled)
        app.call_from_thread(app.say, applied.outcome, bad=not applied.ok)
        if not applied.ok or request.verb not in LAUNCH:
            app.call_from_thread(_settled, app)
            return
        view = SweepReader(app.path).refresh(with_metrics=False)
    except TuiswpError as error:
        app.call_from_thread(app.say, str(error), bad=True)
        app.call_from_thread(_settled, app)
    else:
        if view.word in ("orphaned", "interrupted"):
            app.call_from_thread(_offer_controller, app, view)
        else:
            app.call_from_thread(_settled, app)


def _settled(app: "SweepApp") -> None:
    """From here on a missing controller is said again when it is noticed."""
    app.launching = False


def _start_if_none(app: "SweepApp") -> None:
    snapshot = app.snapshot
    if snapshot is None or snapshot.view.foreign or not snapshot.unattended:
        app.say("a controller runs, or there is nothing for one to do")
    else:
        _offer_controller(app, snapshot.view)


def _offer_controller(app: "SweepApp", view: "SweepView") -> None:
    """Ask whether one is to be started."""
    from tuiswp.tui.screens.confirm import ConfirmScreen, start_question

    def answered(yes: bool | None) -> None:
        _settled(app)
        if yes:
            app.run_worker(lambda: _started(app), thread=True, group="requests")

    app.push_screen(ConfirmScreen(start_question(view), **app.look), answered)


def _started(app: "SweepApp") -> None:
    from tuiswp.controller.opening import start_in_background

    try:
        pid = start_in_background(SweepDirectory(app.path))
    except TuiswpError as error:
        app.call_from_thread(app.say, str(error), bad=True)
    else:
        app.call_from_thread(app.say, f"a controller runs now, pid {pid}")
