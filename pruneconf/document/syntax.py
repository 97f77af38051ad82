"""Syntax errors of YAML in our words, at the place where the writer should look."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from unicodedata import category

from pruneconf.document.document import Problem
from pruneconf.document.scalars import shorten

_FORBIDDEN = re.compile("^\ufeff|[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORD = re.compile(r"[^\s,\[\]{}]+|.?", re.DOTALL)
_CLOSERS = {"[": "]", "{": "}"}
_QUOTE_IT = "quote it if it is meant as text"


class _Place(NamedTuple):
    """Where libyaml gave up (`at`), and where the thing that it was reading began (`opened`)."""

    text: str
    opened: int
    at: int

    @property
    def line_start(self) -> int:
        return max(self.text.rfind("\n", 0, self.at), self.text.rfind("\r", 0, self.at)) + 1

    @property
    def before(self) -> str:
        """The line up to `at`."""
        return self.text[self.line_start : self.at]

    @property
    def char(self) -> str:
        return self.text[self.at : self.at + 1]

    def fault(self, message: str, help_: str, start: int | None = None, end: int | None = None) -> Problem:
        """A problem at [start, end); without them, at the word that begins at `at`."""
        start = min(self.at if start is None else start, len(self.text))
        if end is None:
            match = _WORD.match(self.text, start)
            end = match.end() if match else start
        return Problem("PC001", message, start, end, help_)


def explain(text: str, error: Any) -> Problem:
    """The problem for an error of libyaml or of ruamel.yaml's own parser (a MarkedYAMLError)."""
    at = min(error.problem_mark.index if error.problem_mark else len(text), len(text))
    opened = min(error.context_mark.index, at) if error.context_mark else at
    place = _Place(text, opened, at)
    said = f"{error.context or ''}: {error.problem or ''}"
    for pattern, describe in _FAULTS:
        if re.search(pattern, said):
            return describe(place)
    return place.fault(f"this is not YAML: {shorten(error.problem or said)}", _QUOTE_IT)


def forbidden_character(text: str) -> Problem:
    """The problem for the first character that YAML does not allow."""
    match = _FORBIDDEN.search(text)
    at = match.start() if match else 0
    char = text[at : at + 1]
    kind = {"Cs": "half of a surrogate pair", "Cf": "a byte order mark"}.get(category(char), "a control character")
    message = f"the character U+{ord(char):04X} is not allowed in YAML: it is {kind}"
    return Problem("PC001", message, at, at + 1, "remove it, or write it as an escape inside double quotes")


def _tab(place: _Place) -> Problem:
    end = place.at + len(place.text[place.at :]) - len(place.text[place.at :].lstrip("\t"))
    if place.before.strip():
        return place.fault("a tab stands here where YAML allows only spaces", "use spaces", place.at, end)
    return place.fault("a tab indents this line", "indent with spaces: YAML allows no tabs there", place.at, end)


def _no_token(place: _Place) -> Problem:
    if place.char == "\t":
        return _tab(place)
    name = "a backtick" if place.char == "`" else f"`{place.char}`"
    return place.fault(f"{name} cannot begin a text without quotes", _QUOTE_IT)


def _flow(place: _Place) -> Problem:
    bracket = place.text[place.opened : place.opened + 1]
    closer = _CLOSERS.get(bracket, "]")
    if place.char in _CLOSERS.values() and place.char != closer:
        return place.fault(f"`{place.char}` does not close `{bracket}`", f"write `{closer}`")
    same_line = place.opened >= place.line_start
    if place.char and (place.char in "'\"[{&*!" or (same_line and place.char != ":")):
        return place.fault(f"a comma is missing before `{_word(place)}`", f"write `,`, or `{closer}` if it ends here")
    return _unclosed(place, place.opened)


def _unclosed(place: _Place, bracket: int) -> Problem:
    char = place.text[bracket]
    return place.fault(f"this `{char}` is never closed", f"add the missing `{_CLOSERS[char]}`", bracket, bracket + 1)


def _open_bracket(place: _Place) -> int | None:
    """The innermost bracket that is still open at `at` (brackets inside quotes are taken for brackets)."""
    depth = 0
    for offset in range(place.at - 1, -1, -1):
        char = place.text[offset]
        depth += (char in "]}") - (char in "[{")
        if depth < 0:
            return offset
    return None


def _dash(place: _Place) -> Problem:
    bracket = _open_bracket(place)
    if bracket is not None and not place.before.strip():
        return _unclosed(place, bracket)
    message = "a list item cannot stand on the line of its key"
    return place.fault(message, "put it on a line of its own below, or write the list as `[…]`")


def _second_colon(place: _Place) -> Problem:
    key = place.before.strip()
    if ": " in key or key.endswith(":"):
        return place.fault("a second `:` stands on this line", "quote the value, or put the next key on its own line")
    start = place.line_start + len(place.before) - len(place.before.lstrip(" -"))
    message = f"the key `{shorten(key.lstrip('- '))}` does not fit below the line before it"
    help_ = "align it with the keys of its mapping; or the line before lacks its `:`"
    return place.fault(message, help_, start, place.at)


def _no_colon(place: _Place) -> Problem:
    match = re.compile(r"[^\r\n#]*[^\r\n# ]|").match(place.text, place.opened)
    end = match.end() if match else place.opened
    line = shorten(place.text[place.opened : end])
    glued = re.match(r"-[^-\s]", line)
    help_ = "write a blank after `-`" if glued else "write `: ` behind the key, or `- ` before an item"
    return place.fault(f"`{line}` is neither `key: value` nor a list item", help_, place.opened, end)


def _no_item(place: _Place) -> Problem:
    if place.before.strip(" -") or place.char in _CLOSERS.values():
        return _after_value(place)
    if place.char == ":":
        return _no_node(place)
    message = f"`{_word(place)}` stands where the next list item should"
    return place.fault(message, "begin the line with `- `, or align it with the keys of the item above")


def _no_key(place: _Place) -> Problem:
    if place.before.strip(" -") or place.char in _CLOSERS.values():
        return _after_value(place)
    if place.char == ":":
        return _no_node(place)
    if place.char == "-":
        message = "a list item stands among the keys of a mapping"
        return place.fault(message, "align it with the list that it belongs to")
    message = f"`{_word(place)}` is indented like none of the lines above it"
    return place.fault(message, "align it with the keys of its mapping")


def _after_value(place: _Place) -> Problem:
    if place.char in _CLOSERS.values():
        return place.fault(f"this `{place.char}` closes nothing", "remove it")
    message = f"`{_word(place)}` stands behind the end of the value"
    return place.fault(message, "put quotes around the whole value, or remove what stands behind it")


def _no_node(place: _Place) -> Problem:
    if place.char == "-":
        return _dash(place)
    if place.char in _CLOSERS.values():
        return _after_value(place)
    if place.char == ":":
        return place.fault("a key is missing before `:`", "write it, or `''` for an empty one", None, place.at + 1)
    where = f" before `{_word(place)}`" if place.char else ""
    return place.fault(f"a value is missing{where}", "write it")


def _quote(place: _Place) -> Problem:
    return place.fault("this quote is never closed", "close it", place.opened, place.opened + 1)


def _escape(place: _Place) -> Problem:
    start = max(place.text.rfind("\\", place.opened, place.at + 1), place.opened)
    match = re.compile(r"\\[xuU]?[0-9a-fA-F]*.?", re.DOTALL).match(place.text, start)
    end = match.end() if match else place.at + 1
    shown = shorten(place.text[start:end])
    message = f"`{shown}` is no escape that YAML knows"
    return place.fault(message, "write `\\\\` for a backslash, or use single quotes", start, end)


def _surrogate(place: _Place) -> Problem:
    start = max(place.text.rfind("\\", place.opened, place.at + 1), place.opened)
    shown = place.text[start : place.at + 4]
    message = f"`{shown}` is not the number of a character"
    help_ = "write the character itself, or one escape such as `\\U0001F600` for it"
    return place.fault(message, help_, start, place.at + 4)


def _name(place: _Place) -> Problem:
    char = place.text[place.opened : place.opened + 1]
    what = "an alias" if char == "*" else "an anchor"
    return place.fault(f"`{char}` begins {what}, but no name follows", _QUOTE_IT, place.opened)


def _fixed(message: str, help_: str, *, opened: bool = False) -> Callable[[_Place], Problem]:
    return lambda place: place.fault(message, help_, place.opened if opened else None)


_FAULTS: tuple[tuple[str, Callable[[_Place], Problem]], ...] = (
    (r"cannot start any token", _no_token),
    (r"found (a )?tab", _tab),
    (r"while parsing a flow (sequence|mapping)", _flow),
    (r"(block )?sequence entries are not allowed", _dash),
    (r"mapping values are not allowed", _second_colon),
    (r"mapping keys are not allowed", _fixed("`?` cannot stand here", _QUOTE_IT)),
    (r"simple key", _no_colon),
    (r"expected ('-' indicator|<block end>.*'-')", _no_item),
    (r"expected (key|<block end>)", _no_key),
    (r"expected.*<document start>", _after_value),
    (r"node content", _no_node),
    (r"quoted scalar: found unexpected", _quote),
    (r"Unicode character escape", _surrogate),
    (r"quoted scalar.*(unknown escape|hexdecimal|hexadecimal)", _escape),
    (r"scanning an (anchor|alias)", _name),
    (
        r"block scalar.*indentation indicator",
        _fixed("an indentation of 0 is not possible", "write a number from 1 to 9"),
    ),
    (r"block scalar", _fixed("text stands behind the head of a block text", "begin the text on the next line")),
    (r"undefined tag handle", _fixed("this tag has a prefix that is not declared", "remove the tag")),
    (r"\btag\b", _fixed("this tag is malformed", "remove it, or quote the text that `!` belongs to", opened=True)),
    (
        r"directive|incompatible",
        _fixed("this directive is not read", "remove the line: the text is read as YAML 1.2", opened=True),
    ),
)


def _word(place: _Place) -> str:
    match = _WORD.match(place.text, place.at)
    return shorten(match[0]) if match else ""
