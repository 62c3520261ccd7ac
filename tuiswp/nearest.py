"""The known word a person may have meant by an unknown one, as a hint. Knows no grammar."""

import difflib
from collections.abc import Iterable, Mapping

from tuiswp.text import visible

_COMPARED = 500  # candidates; comparing is slow


def near_miss(word: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
    """A hint `did you mean X?`, or the list of what is known when nothing is near."""
    options = sorted(known)[:_COMPARED]
    if synonyms and (meant := synonyms.get(word.lower())):
        return meant
    folded = {option.lower(): option for option in options}
    near = difflib.get_close_matches(word.lower()[:200], folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean {visible(folded[near[0]], limit=80)}?"
    if not options:
        return "nothing is known here"
    shown = ", ".join(visible(option, limit=40) for option in options[:20])
    return f"known: {shown}{', …' if len(options) > 20 else ''}"
