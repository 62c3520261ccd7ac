"""The command palette's source: the action registry. It runs `action_do` of the screen."""

from functools import partial
from typing import Any, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tuiswp.tui import actions
from tuiswp.tui.actions import ACTIONS, Action


class ActionProvider(Provider):
    """Offers every action but the palette itself, with its key and its command line."""

    async def discover(self) -> Hits:
        for action in ACTIONS:
            if action.id != "palette":
                yield DiscoveryHit(
                    _named(action), self._runs(action), text=_named(action), help=_said(action)
                )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        wanted = {action.id for action in actions.found(ACTIONS, query)}
        for action in ACTIONS:
            name = _named(action)
            score = matcher.match(name)
            if action.id in wanted:  # its help or its command holds the words
                score = max(score, 0.5)
            if score > 0 and action.id != "palette":
                yield Hit(
                    score,
                    matcher.highlight(name),
                    self._runs(action),
                    text=name,
                    help=_said(action),
                )

    def _runs(self, action: Action) -> Any:
        """What a chosen hit calls: the screen's own `action_do`, else the app's."""
        owner = self.screen if hasattr(self.screen, "action_do") else self.app
        return partial(cast(Any, owner).action_do, action.id)


def _named(action: Action) -> str:
    keys = actions.keys(action)
    return f"{action.label} ({keys})" if keys else action.label


def _said(action: Action) -> str:
    return f"{action.help}  {action.command}" if action.command else action.help
