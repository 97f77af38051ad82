"""What is being written at a place of a text that need not parse: which key, which item of which list.

One sub-config is read, token by token, and every token says what it takes part in. Brackets and quotes that are still
open end where a new key begins, or the line. JSON is the flow style of YAML here.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from pruneconf.config.keys import KEYS

_ITEM = re.compile(r"^([ \t]*)-(?=[ \t\r\n]|\Z)", re.MULTILINE)
_TOKEN = re.compile(
    r"""(?P<blank>[ \t]+)|(?P<comment>\#[^\r\n]*)|(?P<line>\r\n|\r|\n)
    |(?P<quoted>"(?:[^"\\\r\n]|\\.)*"?|'(?:[^'\r\n]|'')*'?)
    |(?P<colon>:(?=[\s,\[\]{}"']|\Z))|(?P<dash>-(?=\s|\Z))|(?P<mark>[\[\]{},])
    |(?P<plain>(?:[^\s,\[\]{}:]|:(?![\s,\[\]{}]|\Z)|[ \t]+(?=[^\s#,\[\]{}:]))+)""",
    re.VERBOSE,
)
_COLON = re.compile(r"[ \t]*:(?=[\s,\[\]{}\"']|\Z)")
_KEY_LINE = re.compile(rf"[ \t]*(?:-[ \t]+)?[\"']?(?:{'|'.join(KEYS)})[\"']?[ \t]*:")


class Slot(StrEnum):
    """What may stand at a place."""

    SUB_CONFIG = "sub-config"
    KEY = "key"
    VALUE = "value"
    ITEM = "item"


class Token(NamedTuple):
    """A key, or an item of a list, as it stands there: `text` is without quotes."""

    text: str
    start: int
    end: int


class Cursor(NamedTuple):
    """A place that takes something.

    [start, end) is what stands there already, quotes included; `quote` is the quote that opens it. `key` is the one
    whose value or list it is part of. `lead` is what has to stand before what is put there: a space, or the dash of a
    block list. `keys` are those of the sub-config, `items` the lists under them. `has_colon` says of a key whether a
    colon stands behind it.
    """

    slot: Slot
    key: str | None
    start: int
    end: int
    quote: str
    lead: str
    keys: dict[str, Token]
    items: dict[str, list[Token]]
    has_colon: bool = False
    in_block: bool = True

    def others(self, key: str) -> list[str]:
        """The items under a key, without the one at the cursor."""
        return [item.text for item in self.items.get(key, ()) if item.start != self.start]


class _Frame:
    """A mapping or list that is open: its keys and items so far, and where the next token belongs."""

    def __init__(self, bracket: str, owner: _Frame | None = None, key: str | None = None) -> None:
        self.bracket = bracket
        self.owner = owner or self
        self.list_key = key
        self.keys: dict[str, Token] = {}
        self.items: dict[str, list[Token]] = {}
        self.key: str | None = None
        self.after_colon = False
        self.filled = False


def cursor_at(text: str, offset: int, *, is_json: bool) -> Cursor | None:
    """What takes part in a config at an offset, or None in comments and behind what is complete."""
    start, end, indent = _extent(text, offset, is_json=is_json)
    if start is None:
        return Cursor(Slot.SUB_CONFIG, None, offset, offset, "", "", {}, {}, in_block=not is_json)
    return _Scanner(text, start, end, offset, indent).cursor()


def _extent(text: str, offset: int, *, is_json: bool) -> tuple[int | None, int, int]:
    """Where the sub-config around an offset begins and ends, and its indentation (-1 in flow style)."""
    first = None if is_json else _ITEM.search(text)
    bracket = text.find("[")
    brace = text.find("{")
    opened = min((at for at in (bracket, brace) if at >= 0), default=-1)
    if first is None or -1 < opened < first.start():
        return _flow_extent(text, offset)
    indent = first[1]
    if offset < first.start():
        return None, 0, 0
    dash = re.compile(rf"^{indent}-(?=[ \t\r\n]|\Z)", re.MULTILINE)
    start = offset
    while (start := _line_start(text, start)) > first.start() and not dash.match(text, start):
        start -= 1
    following = dash.search(text, min(_line_start(text, start) + len(indent) + 1, len(text)))
    return start, following.start() if following else len(text), len(indent)


def _flow_extent(text: str, offset: int) -> tuple[int | None, int, int]:
    start = text.rfind("{", 0, offset)
    if start < 0 or text.find("}", start, offset) >= 0:
        return None, 0, 0
    end = text.find("{", offset)
    return start, end if end >= 0 else len(text), -1


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


class _Scanner:
    """One pass over the tokens of a sub-config; `found` is what stands at the offset."""

    def __init__(self, text: str, start: int, end: int, offset: int, indent: int) -> None:
        self.text, self.start, self.end, self.offset = text, start, end, offset
        self.indent = indent
        self.block = _Frame("")
        self.open: list[_Frame] = []
        self.key_column: int | None = None
        self.dash_column: int | None = None
        self.line = start
        self.is_new_line = True
        self.dash = False
        self.found: Cursor | None = None
        self.passed = False

    def cursor(self) -> Cursor | None:
        """Read all tokens, and say what stands at the offset."""
        for match in _TOKEN.finditer(self.text, self.start, self.end):
            start, end, kind = match.start(), match.end(), str(match.lastgroup)
            scalar = kind in {"quoted", "plain"}
            if not self.passed and self.offset <= start and not (scalar and self.offset == start):
                self._gap()
            if not self.passed and kind == "comment" and self.offset <= end:
                self.passed = True
            if kind == "line":
                self._new_line(end)
            elif scalar:
                self._scalar(start, end)
            elif kind not in {"blank", "comment"}:
                self._mark(self.text[start], start)
            self.is_new_line = self.is_new_line and kind in {"blank", "line", "dash"}
        if not self.passed:
            self._gap()
        return self.found

    def _new_line(self, at: int) -> None:
        self.line, self.is_new_line = at, True
        in_lists = self.indent >= 0 and all(frame.bracket == "[" for frame in self.open)
        if self.open and in_lists and _KEY_LINE.match(self.text, at):
            self.open.clear()  # a bracket that nobody closed
        if not self.open:
            self.dash = False
            self.block.filled = self.block.filled and self.block.after_colon
            self.block.after_colon = False

    def _mark(self, mark: str, at: int) -> None:
        if mark == "-":
            self._dash(at)
        elif mark == ":":
            self._top().after_colon = True
        elif mark in "[{":
            self._opened(mark)
        elif mark in "]}" and self.open:
            self.open.pop()
        elif self.open:  # a comma
            self.open[-1].after_colon = self.open[-1].filled = False

    def _dash(self, at: int) -> None:
        if self.open or not self.is_new_line:
            return
        if at - self.line == self.indent and self.line == self.start:
            return  # that of the sub-config
        self.dash, self.dash_column = True, at - self.line
        self.block.filled = False

    def _opened(self, bracket: str) -> None:
        top = self._top()
        top.filled = True
        if bracket == "{":
            self.open.append(_Frame(bracket))
        else:
            key = top.key if top.bracket != "[" else top.list_key
            self.open.append(_Frame(bracket, top.owner, key))

    def _top(self) -> _Frame:
        return self.open[-1] if self.open else self.block

    def _scalar(self, start: int, end: int) -> None:
        token = Token(_unquoted(self.text[start:end]), start, end)
        top = self._top()
        has_colon = bool(_COLON.match(self.text, end))
        slot, lead = self._slot_of(top, has_colon, start - self.line)
        if slot is Slot.KEY:
            top.key, top.after_colon, top.filled = token.text, False, False
            if has_colon or top is not self.block:
                top.keys[token.text] = token
            if top is self.block and has_colon:
                self.key_column, self.dash_column = start - self.line, None
        else:
            key = self._key_of(top)
            if slot is Slot.ITEM and key is not None:
                top.owner.items.setdefault(key, []).append(token)
            top.filled = True
        if not self.passed and start <= self.offset <= end:
            self._hit(slot, start, end, lead, has_colon=has_colon)

    def _slot_of(self, top: _Frame, has_colon: bool, column: int) -> tuple[Slot, str]:
        """What a scalar is, and what it lacks before it."""
        if top.bracket == "[":
            return Slot.ITEM, ""
        if top.after_colon:
            return Slot.VALUE, ""
        if top is not self.block or has_colon:
            return Slot.KEY, ""
        if self.dash:
            return Slot.ITEM, ""
        deeper = self.key_column is not None and column > self.key_column
        return (Slot.ITEM, "- ") if deeper and self.block.key and self.is_new_line else (Slot.KEY, "")

    def _key_of(self, top: _Frame) -> str | None:
        return top.list_key if top.bracket == "[" else top.key

    def _hit(self, slot: Slot, start: int, end: int, lead: str = "", *, has_colon: bool = False) -> None:
        top = self._top()
        text = self.text
        quote = text[start] if start < end and text[start] in "\"'" else ""
        owner, key = top.owner, None if slot is Slot.KEY else self._key_of(top)
        in_block = not self.open
        self.passed = True
        self.found = Cursor(slot, key, start, end, quote, lead, owner.keys, owner.items, has_colon, in_block)

    def _gap(self) -> None:
        """What may stand at the offset, where no token does."""
        self.passed = True
        slot, lead = self._slot_of_gap()
        if slot:
            self._hit(slot, self.offset, self.offset, lead)

    def _slot_of_gap(self) -> tuple[Slot | None, str]:
        top, before = self._top(), self.text[self.offset - 1 : self.offset]
        space = " " if before in {":", "-"} else ""
        if self.indent < 0 and not self.open:
            return (Slot.SUB_CONFIG, "") if self.offset > self.start else (None, "")
        if top.bracket == "[":
            return (Slot.ITEM, "") if before not in {"]", "}"} else (None, "")
        if top.after_colon:
            return (None, "") if top.filled else (Slot.VALUE, space)
        if self.open:
            return (None, "") if top.filled else (Slot.KEY, "")
        if self.dash:
            return (None, "") if top.filled else (Slot.ITEM, space)
        return self._slot_of_blank() if self.is_new_line else (None, "")

    def _slot_of_blank(self) -> tuple[Slot | None, str]:
        """What may stand on a line that is empty so far."""
        column = self.offset - self.line
        if self.line == self.start:  # behind the dash of the sub-config
            return (Slot.KEY, " " if self.text[self.offset - 1] == "-" else "") if column > self.indent else (None, "")
        if column <= self.indent:
            return Slot.SUB_CONFIG, ""
        deep = self.key_column is not None and column > self.key_column
        in_list = self.dash_column is not None and column >= self.dash_column
        key = self.block.key
        in_flow = self.dash_column is None and key in self.block.items
        if key and not in_flow and (in_list or (deep and not self.block.filled)):
            return Slot.ITEM, "- "
        return Slot.KEY, ""


def _unquoted(source: str) -> str:
    if source[0] not in "\"'":
        return source
    inner = source[1:-1] if len(source) > 1 and source[-1] == source[0] else source[1:]
    return inner.replace("''", "'") if source[0] == "'" else inner.replace('\\"', '"').replace("\\\\", "\\")
