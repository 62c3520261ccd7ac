"""When Python's cyclic collector runs: not before there is something to see, nor over what stays.

What an application imports and reads stays until it ends. To look through all of it for cycles,
again and again while it grows, is a tenth of the time to the first frame, and later a stop of
the screen for as long as ten thousand trials take. Imports nothing: it is called before all else.
"""

import gc


def rest() -> None:
    """Do not collect until `settle` is called."""
    gc.disable()


def settle() -> None:
    """What is there now stays: collect among what comes from now on, and only there.

    Nothing if it does not rest: what a view leaves behind when another is opened is to be found.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
