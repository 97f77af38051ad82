"""Python source to nodes: the lists of dicts that stand in it, found in its syntax tree. Nothing is run.

A source reads as a mapping from names to these lists. A list is called by the variable, argument or key that it is
given to, else by the function that takes or returns it; the second of a name is called `name.2`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from math import isinf
from typing import NamedTuple

from pruneconf.document.document import Parsed, Problem, Unread, line_starts
from pruneconf.document.nodes import Entry, Mapping, Node, Scalar, Sequence
from pruneconf.document.scalars import MAX_DEPTH, MAX_EXPONENT, MAX_NUMBER_LENGTH, duplicate

_SURROGATE = re.compile("[\ud800-\udfff]")
_EXPONENT = re.compile(r"[eE]([-+]?[0-9_]+)$")


class _Found(NamedTuple):
    """A list, and the name (with its place) that it is called by."""

    list: ast.List
    name: Scalar


class _NotLiteralError(Exception):
    def __init__(self, node: ast.expr) -> None:
        super().__init__()
        self.node = node


def compose(text: str) -> Parsed:
    """The literal lists of dicts in a source without byte order mark, and those that are not literal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as those about escapes in strings
            tree = ast.parse(text)
    except SyntaxError as error:
        return Parsed(None, (_explain(text, error),))
    except (ValueError, RecursionError, MemoryError) as error:
        message = f"this Python cannot be read: {str(error) or 'it is nested too deeply'}"
        return Parsed(None, (Problem("PC001", message, 0, 0, "write the config list into a file of its own"),))
    return _Composer(text).document(tree)


def comments(text: str) -> Iterator[tuple[int, int, str]]:
    """The comments of a source that parses: (start, end, text)."""
    from io import StringIO
    from tokenize import COMMENT, generate_tokens

    starts = line_starts(text)
    for token in generate_tokens(StringIO(text, newline=None).readline):
        if token.type == COMMENT:
            start = starts[token.start[0] - 1] + token.start[1]
            yield start, start + len(token.string), token.string


def literal_text(value: str | float, quoted: str) -> str:
    """A value as Python source, a text in the kind of quotes with which `quoted` begins."""
    if not isinstance(value, str):
        return repr(value)
    import json

    text = json.dumps(value, ensure_ascii=False)
    if quoted.lstrip("rRbBuUfF")[:1] != "'":
        return text
    return "'" + text[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


class _Composer:
    """One pass over a tree, whose columns count the bytes of UTF-8."""

    __slots__ = ("_columns", "_problems", "_starts", "_text", "_unread")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = line_starts(text)
        self._columns: dict[int, list[int]] = {}  # of lines: the code point to which each byte belongs
        self._problems: list[Problem] = []
        self._unread: list[Unread] = []

    def document(self, tree: ast.Module) -> Parsed:
        """The mapping of the lists, in the order of the text."""
        entries: dict[str, Entry] = {}
        counts: Counter[str] = Counter()
        for found in sorted(self._lists(tree), key=lambda found: self._span(found.list)):
            name = found.name.value
            while name in entries:
                counts[str(found.name.value)] += 1
                name = f"{found.name.value}.{1 + counts[str(found.name.value)]}"
            try:
                entries[str(name)] = Entry(found.name._replace(value=name), self._node(found.list, 0))
            except _NotLiteralError as error:
                self._unread.append(Unread(str(found.name.value), _keys(found.list), *self._span(error.node)))
        root = Mapping(0, len(self._text), tuple(entries.values()))
        return Parsed(root, tuple(self._problems), unread=tuple(self._unread))

    def _lists(self, tree: ast.Module) -> Iterator[_Found]:
        """The outermost lists that have a dict as an item."""
        open_: list[tuple[ast.AST, Scalar]] = [(tree, Scalar(0, 0, "config", plain=True))]
        while open_:
            node, name = open_.pop()
            if isinstance(node, ast.List) and any(isinstance(item, ast.Dict) for item in node.elts):
                yield _Found(node, name)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    open_.append((value, self._named(key) or name if key else name))
            else:
                inner = self._inner_name(node) or name
                open_ += ((child, inner) for child in ast.iter_child_nodes(node))

    def _inner_name(self, node: ast.AST) -> Scalar | None:
        """What the lists directly below a node are called."""
        match node:
            case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                return self._named(target)
            case ast.NamedExpr(target=target) | ast.Call(func=target):
                return self._named(target)
            case ast.keyword(arg=str(name)):
                start = self._offset(node.lineno, node.col_offset)
                return Scalar(start, start + len(name), name, plain=True)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                start = self._text.index(name, self._offset(node.lineno, node.col_offset) + len("def"))
                return Scalar(start, start + len(name), name, plain=True)
        return None

    def _named(self, node: ast.expr) -> Scalar | None:
        start, end = self._span(node)
        match node:
            case ast.Name(id=name):
                return Scalar(start, end, name, plain=True)
            case ast.Attribute(attr=name):
                return Scalar(end - len(name), end, name, plain=True)
            case ast.Constant(value=str(name)) | ast.Subscript(slice=ast.Constant(value=str(name))):
                return Scalar(start, end, name, plain=False)
        return None

    def _node(self, node: ast.expr, depth: int) -> Node:
        start, end = self._span(node)
        if depth > MAX_DEPTH:
            raise _NotLiteralError(node)
        match node:
            case ast.Constant(value=str(text)) if not _SURROGATE.search(text):
                return Scalar(start, end, text, plain=False)
            case ast.Constant(value=bool() | None as value):
                return Scalar(start, end, value, plain=True)
            case ast.Constant() | ast.UnaryOp():
                return Scalar(start, end, self._number(node), plain=True)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return Sequence(start, end, tuple(self._node(item, depth + 1) for item in items))
            case ast.Dict():
                return self._mapping(node, depth)
        raise _NotLiteralError(node)

    def _mapping(self, node: ast.Dict, depth: int) -> Mapping:
        entries: list[Entry] = []
        seen: dict[str, Scalar] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            name = self._node(key, depth) if isinstance(key, ast.Constant) else None
            if not isinstance(name, Scalar) or not isinstance(name.value, str):
                raise _NotLiteralError(key or value)
            if name.value in seen:
                first = seen[name.value]
                self._problems.append(duplicate(name.value, (first.start, first.end), name.start, name.end))
            seen[name.value] = name
            entries.append(Entry(name, self._node(value, depth + 1)))
        return Mapping(*self._span(node), tuple(entries))

    def _number(self, node: ast.Constant | ast.UnaryOp) -> str | int | float:
        """The value of a number within the limits of every text; one that overflows stays a text."""
        start, end = self._span(node)
        text = self._text[start:end]
        sign = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd)
        digits = node.operand if isinstance(node, ast.UnaryOp) and sign else node
        value = digits.value if isinstance(digits, ast.Constant) else None
        exponent = _EXPONENT.search(text) if isinstance(value, float) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or len(text) > MAX_NUMBER_LENGTH:
            raise _NotLiteralError(node)
        if exponent and abs(int(exponent[1])) > MAX_EXPONENT:
            raise _NotLiteralError(node)
        number = -value if text.startswith("-") else value
        return text if isinf(number) else number

    def _span(self, node: ast.expr) -> tuple[int, int]:
        last = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self._offset(node.lineno, node.col_offset), self._offset(*last)

    def _offset(self, line: int, column: int) -> int:
        if self._text.isascii():
            return self._starts[line - 1] + column
        if line not in self._columns:
            end = self._starts[line] if line < len(self._starts) else len(self._text)
            text = self._text[self._starts[line - 1] : end]
            self._columns[line] = [i for i, char in enumerate(f"{text} ") for _ in char.encode()]
        return self._starts[line - 1] + self._columns[line][column]


def _keys(node: ast.List) -> frozenset[str]:
    """The keys of the dicts in a list."""
    dicts = (item for item in node.elts if isinstance(item, ast.Dict))
    keys = (key for item in dicts for key in item.keys if isinstance(key, ast.Constant))
    return frozenset(key.value for key in keys if isinstance(key.value, str))


def _explain(text: str, error: SyntaxError) -> Problem:
    starts = line_starts(text)
    line = min(error.lineno or 1, len(starts))
    start = min(starts[line - 1] + max((error.offset or 1) - 1, 0), len(text))
    end = start + 1
    if error.end_lineno == error.lineno and error.end_offset and error.offset and error.end_offset > error.offset:
        end = start + error.end_offset - error.offset
    reason = (error.msg[:1].lower() + error.msg[1:]).replace("'", "`").rstrip(".")
    message = f"this is not Python: {reason}"
    help_ = "mend it, or run pruneconf with the Python version that it is written for"
    return Problem("PC001", message, start, min(end, len(text)), help_)
