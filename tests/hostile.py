"""Texts that a trial, a file or a person may hold, and what none of them may do to a terminal."""

import re
import unicodedata

# By what it is. Numbers and letters in the sequences are ones that the interface never writes.
PAYLOADS = {
    "clipboard": "\x1b]52;c;cHduZWQ=\x07",
    "title": "\x1b]0;owned\x1b\\",
    "hyperlink": "\x1b]8;;file:///etc/passwd\x1b\\here\x1b]8;;\x1b\\",
    "colour": "\x1b[38;5;201;5mred",
    "erase": "\x1b[2Jgone",
    "move": "\x1b[77;77Hthere",
    "mode": "\x1b[?1049lleft",
    "reset": "\x1bcfresh",
    "device control": '\x1bP$q"p\x1b\\asked',
    "application command": "\x1b_Gf=24;AAAA\x1b\\shown",
    "privacy": "\x1b^secret\x1b\\",
    "report": "\x1b[6nwhere",
    "eight bits": "\x9b31m\x90q\x9d52;c;eA==\x9c",
    "nul and delete": "a\x00b\x7fc",
    "bell": "ring\x07\x07",
    "backspace": "safe\b\b\b\bevil",
    "return": "shown\rhidden",
    "line feeds": "one\ntwo\x0bthree\x0cfour",
    "shift out": "\x0elines\x0f",
    "bidi": "\u202egnp.exe\u202c\u2066x\u2069",
    "zero width": "a\u200bb\u200dc\ufeffd\u2060e",
    "separators": "one\u2028two\u2029three\u0085four",
    "combining": "e" + "\u0301" * 60 + "nd",
    "tags": "flag\U000e0041\U000e0042\U000e007f",
    "private use": "icon\ue0b0\U000f0001",
    "markup that closes": "[/nope][/",
    "markup that opens": "[red]a[/blue] [bold",
    "markup link": "[link=file:///x]y[/link]",
    "markup action": "[@click=app.quit]x[/]",
    "shell": "$(touch CANARY) `touch CANARY` ;'\"",
    "very long": "long" * 3000,
    "wide": "日本語のパラメータ",
    "emoji": "👩‍👩‍👧‍👦🇩🇪👍🏽❤️",
    "variation": "☁\ufe0f1\ufe0f\u20e3",
    "halfwidth": "ｶﾞ한국",
}
SURROGATE = "half\ud800"

# What the interface itself writes. Everything else that begins with ESC is a leak.
_OURS = re.compile(
    r"\x1b\[[0-9;]*m"  # styles
    r"|\x1b\[[0-9]*;[0-9]*H"  # the cursor
    r"|\x1b\[\?(?:25|7|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"
    r"|\x1b\[\?(?:2026|2048)\$p"
    r"|\x1b\[>25u|\x1b\[<u"
    r"|\x1b\]22;[a-z]*\x07"  # the pointer's shape
    r"|\x1b\]52;c;[A-Za-z0-9+/=]*\x07"  # what was copied; looked at by itself
    r"|\r\n"
)
_ACTS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def leaks(raw: bytes) -> list[str]:
    """What in `raw` is neither ours nor a character that only stands where it is written."""
    text = raw.decode("utf-8", "surrogateescape")
    found = [name for name, payload in PAYLOADS.items() if acts(payload) and payload in text]
    rest = _OURS.sub("", text)
    found += sorted({f"U+{ord(char):04X}" for char in rest if unicodedata.category(char) in _ACTS})
    return found


def acts(text: str) -> bool:
    """Does a terminal do anything on `text` but show it?"""
    return any(unicodedata.category(char) in _ACTS for char in text)


def leaked(raw: bytes) -> int:
    """How many bytes of `raw` a terminal would act on and the interface itself does not write."""
    rest = _OURS.sub("", raw.decode("utf-8", "surrogateescape"))
    acting = [char for char in rest if unicodedata.category(char) in _ACTS]
    return len("".join(acting).encode("utf-8", "surrogateescape"))
