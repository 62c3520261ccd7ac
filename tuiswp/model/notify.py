"""What a sweep tells its person, and how, as the file says. Only data."""

from typing import Literal, TypeAlias

import msgspec

# `failed`: a trial, for good. `paused`: the sweep, by tuiswp itself. `silent`: a trial that runs.
News: TypeAlias = Literal["finished", "failed", "paused", "best", "silent"]
# In the order in which they are told when several wait: the end says which is best.
NEWS: tuple[News, ...] = ("paused", "failed", "silent", "finished", "best")


class Notify(msgspec.Struct, frozen=True):
    """`command`: what is run, without a shell; empty: nothing. `bell`: the screen rings too.

    `timeout_s`: after it the command is ended.
    """

    command: tuple[str, ...] = ()
    events: tuple[News, ...] = NEWS
    bell: bool = True
    timeout_s: float = 30.0
