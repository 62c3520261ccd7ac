"""What the relay lets into a window."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tuiswp.launchers.supervision.relay import Muzzle

WAY_OUT = re.compile(rb"(\x1b[^\x18\x1a\x1b\x20-\x7e]*)P")
TELLING = st.lists(st.sampled_from(b"\x1b\x1b\x1bPPX[t;\0\n\x18\x1a\x7f\x90\xff"), max_size=40)


@given(output=TELLING.map(bytes), cuts=st.sets(st.integers(0, 40)))
def test_no_device_control_string_gets_into_a_window_however_it_is_cut(
    output: bytes, cuts: set[int]
) -> None:
    muzzle = Muzzle()
    pieces = [output[a:b] for a, b in pairwise([0, *sorted(cuts), 41])]
    shown = b"".join(muzzle.on(bytearray(piece)) for piece in pieces)
    assert shown == WAY_OUT.sub(rb"\1X", output)
