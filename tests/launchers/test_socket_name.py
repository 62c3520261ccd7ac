"""The tmux socket a person names: a word of ours, or said to be none before tmux sees it."""

import pytest

from tuiswp.errors import UsageError
from tuiswp.launchers.tmux import TmuxLauncher


@pytest.mark.parametrize("name", ["a/b;c", "-L", "a b", "#(id)", "a\nb", "x" * 65])
def test_a_socket_variable_that_is_no_name_is_told_with_what_may_be_in_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TUISWP_TMUX_SOCKET", name)
    with pytest.raises(UsageError, match=r"TUISWP_TMUX_SOCKET: .*letters, digits") as caught:
        TmuxLauncher("s")
    assert "\n" not in str(caught.value)
