"""JSON (RFC 8259) to nodes. Strict: what other parsers let pass is named where it stands."""

from __future__ import annotations

import re
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]

from pruneconf.document.document import Parsed, Problem
from pruneconf.document.nodes import Entry, Mapping, Node, Scalar, Sequence
from pruneconf.document.scalars import MAX_DEPTH, UnparsableError, Value, duplicate, resolve, shorten, too_deep

_BLANKS = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[^\s,:\[\]{}\"]+|.?", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}
_CLOSERS = {"[": "]", "{": "}"}


def compose(text: str) -> Parsed:
    """The nodes of a text without byte order mark. An empty text holds null."""
    scanner = _Scanner(text)
    try:
        return Parsed(scanner.document(), tuple(scanner.problems))
    except UnparsableError as error:
        return Parsed(None, (error.problem,))


class _Scanner:
    """One pass over the text; `_at` is the offset of the next character to read."""

    __slots__ = ("_at", "_text", "problems")

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._at = 0

    def document(self) -> Node:
        """The only value of the text."""
        if not self._peek():
            return Scalar(0, 0, None, plain=True)
        root = self._value(0)
        if self._peek():
            raise self._unexpected("the end of the file", "keep one value per file")
        return root

    def _peek(self) -> str:
        """The next character that is not blank, or an empty text at the end."""
        match = _BLANKS.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at : self._at + 1]

    def _value(self, depth: int) -> Node:
        char = self._peek()
        if char == '"':
            return self._string()
        if char in _CLOSERS:
            if depth >= MAX_DEPTH:
                raise too_deep(self._at)
            return self._array(depth) if char == "[" else self._object(depth)
        return self._literal()

    def _array(self, depth: int) -> Sequence:
        start = self._at
        items: list[Node] = []
        while self._more(start, "]", first=not items):
            items.append(self._value(depth + 1))
        return Sequence(start, self._at, tuple(items))

    def _object(self, depth: int) -> Mapping:
        start = self._at
        entries: list[Entry] = []
        seen: dict[str, Scalar] = {}
        while self._more(start, "}", first=not entries):
            if self._peek() != '"':
                raise self._unexpected("a key in double quotes", "put double quotes around the key")
            key = self._string()
            name = str(key.value)
            if name in seen:
                first = seen[name]
                self.problems.append(duplicate(name, (first.start, first.end), key.start, key.end))
            seen[name] = key
            if self._peek() != ":":
                raise self._unexpected(f"`:` behind the key `{shorten(name)}`", "write `:` between key and value")
            self._at += 1
            entries.append(Entry(key, self._value(depth + 1)))
        return Mapping(start, self._at, tuple(entries))

    def _more(self, start: int, closer: str, *, first: bool) -> bool:
        """Step over the bracket or comma before the next item, or over the bracket that closes."""
        if first:
            self._at = start + 1
        char = self._peek()
        if char == closer:
            self._at += 1
            return False
        if not first:
            if char != ",":
                raise self._no_comma(start, closer)
            comma = self._at
            self._at += 1
            if self._peek() == closer:
                message = f"a comma stands before the closing `{closer}`"
                raise UnparsableError("PC001", message, comma, comma + 1, "remove it: JSON allows no trailing comma")
        if not self._peek():
            raise self._unclosed(start)
        return True

    def _string(self) -> Scalar:
        start = self._at
        try:
            value, self._at = scanstring(self._text, start + 1, True)
        except JSONDecodeError as error:
            raise self._bad_string(start, error) from error
        if not value.isascii() and (half := _SURROGATE.search(value)):
            message = f"the text holds `\\u{ord(half[0]):04x}`, one half of a surrogate pair"
            raise UnparsableError("PC001", message, start, self._at, "write both halves, or the character itself")
        return Scalar(start, self._at, value, plain=False)

    def _literal(self) -> Scalar:
        start = self._at
        match = _WORD.match(self._text, start)
        word = match[0] if match else ""
        if _NUMBER.fullmatch(word):
            value = resolve(word, start)
        elif word in _CONSTANTS:
            value = _CONSTANTS[word]
        else:
            raise self._no_value(word)
        self._at = start + len(word)
        return Scalar(start, self._at, value, plain=True)

    def _no_value(self, word: str) -> UnparsableError:
        if not word or word in ",:]}":
            return self._unexpected("a value", "write one")
        if word[0] == "'":
            return self._unexpected("a value", "put texts in double quotes")
        if word.lower() in _CONSTANTS:
            return self._unexpected("a value", f"write `{word.lower()}`")
        if word[0] in "+-.0123456789" or word in {"NaN", "Infinity"}:
            return self._unexpected("a value", "write a number as JSON allows it, such as `0.5`, `-1` or `1e-3`")
        return self._unexpected("a value", "put double quotes around a text")

    def _no_comma(self, start: int, closer: str) -> UnparsableError:
        char = self._peek()
        if not char:
            return self._unclosed(start)
        if char in "]}":
            bracket = self._text[start]
            message = f"`{char}` does not close `{bracket}`"
            return UnparsableError("PC001", message, self._at, self._at + 1, f"write `{closer}`")
        return self._unexpected(f"`,` or `{closer}`", "write a comma between two items")

    def _unclosed(self, start: int) -> UnparsableError:
        bracket = self._text[start]
        help_ = f"add the missing `{_CLOSERS[bracket]}`"
        return UnparsableError("PC001", f"this `{bracket}` is never closed", start, start + 1, help_)

    def _unexpected(self, wanted: str, help_: str) -> UnparsableError:
        match = _WORD.match(self._text, self._at)
        word = match[0] if match else ""
        if word[:1] in {"/", "#"}:
            help_ = "remove the comment: JSON has none"
        found = f"found `{shorten(word)}`" if word.strip() else "the text ends here"
        message = f"expected {wanted}, {found}"
        return UnparsableError("PC001", message, self._at, self._at + len(word), help_)

    def _bad_string(self, start: int, error: JSONDecodeError) -> UnparsableError:
        if error.msg.startswith("Unterminated"):
            return UnparsableError("PC001", "this quote is never closed", start, start + 1, 'add the missing `"`')
        at = min(error.pos, len(self._text) - 1)
        if error.msg.startswith("Invalid control"):
            if self._text[at] in "\r\n":
                message = "this quote is not closed on its line"
                return UnparsableError(
                    "PC001", message, start, at, 'add the missing `"`, or write `\\n` for a line break'
                )
            message = f"the character U+{ord(self._text[at]):04X} cannot stand in a text"
            return UnparsableError("PC001", message, at, at + 1, f"write `\\u{ord(self._text[at]):04x}`")
        backslash = self._text.rfind("\\", start, at + 1)
        end = min(at + 1 + (at == backslash), len(self._text))
        message = f"`{shorten(self._text[backslash:end])}` is no escape that JSON knows"
        return UnparsableError("PC001", message, backslash, end, "write `\\\\` for a backslash")
