"""How the messages for broken texts read: one problem, at the place where the writer should look."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from pruneconf.document import Document, parse

YAML = {
    "tab as indentation": "- a:\n\tb: 1\n",
    "tab after text": "a: b\n\tc: d\n",
    "tab in block text": "a: |\n  b\n\tc\n",
    "bracket not closed": "- op_types: [Conv2d, Linear\n  sparsity: 0.5\n",
    "bracket not closed after a comma": "- op_types: [Conv2d,\n- op_names: [a]\n",
    "bracket not closed at the end": "- op_types: [Conv2d",
    "brace not closed": "- {op_types: a\n",
    "comma missing": "- op_names: ['a' 'b']\n",
    "comma missing between lines": "- op_names: [\n    'a'\n    'b'\n  ]\n",
    "wrong bracket": "- op_names: [a, b}\n",
    "bracket too many": "- op_names: [a]]\n",
    "bracket on its own": "a: ]\n",
    "closing brace on a line": "a: 1\n}\n",
    "nothing between commas": "[1,,2]\n",
    "nothing before a colon": "- : 0.5\n",
    "two colons": "a: b: c\n",
    "key indented too deep": "- op_types: [a]\n    sparsity: 0.5\n",
    "key indented too little": "- op_types: [a]\n sparsity: 0.5\n",
    "key at the margin": "- op_types: [a]\nsparsity: 0.5\n",
    "colon missing": "- op_types: [a]\n  sparsity 0.5\n",
    "colon missing above": "sparsity\nop_types: [a]\n",
    "blank missing after dash": "- a\n-b\n",
    "dash behind a key": "op_types: - a\n",
    "item among keys": "a: 1\n- b\n",
    "item at another depth": "a:\n  - b\n - c\n",
    "question mark": "a: ? b\n",
    "quote not closed": "a: 'b\nc: d\n",
    "quote before a document mark": 'a: "b\n---\nc"\n',
    "text behind a quote": "a: 'it's'\n",
    "unknown escape": 'a: "layer\\.0"\n',
    "short escape": 'a: "\\x1"\n',
    "surrogate pair": 'a: "\\ud83d\\ude00"\n',
    "star": "op_partial_names: [*.conv]\n",
    "star before a name": "op_partial_names: [*conv]\n",
    "ampersand": "a: &\n",
    "at sign": "a: @b\n",
    "backtick": "a: `b`\n",
    "head of a block text": "a: | b\n",
    "indentation of a block text": "a: |0\n  b\n",
    "template": "{{ sparsity }}: 1\n",
    "list as key": "? [a]\n: b\n",
    "control character": "a: b\x07c\n",
    "null character": "a: \x00\n",
    "surrogate": "a: \ud800\n",
    "second byte order mark": "\ufeff\ufeffa: 1\n",
    "second document": "a: 1\n---\nb: 2\n",
    "unknown directive": "%FOO bar\n---\na\n",
    "version of YAML": "%YAML 2.0\n---\na\n",
    "undeclared tag": "!x!y z\n",
    "malformed tag": "a: !<b\n",
    "tag of Python": "a: !!python/object:os.system b\n",
    "local tag": "a: !foo b\n",
    "tag on a list": "a: !!set [b]\n",
    "tag that does not fit": "a: !!int b\n",
    "tag that does not fit a mapping": "a: !!seq {b: c}\n",
    "merge of a number": "<<: 3\n",
    "merge of a list of numbers": "<<: [3]\n",
    "alias of itself": "&a [*a]\n",
    "long number": f"a: {'1' * 65}\n",
    "large exponent": "a: 1e401\n",
    "duplicate key": "- sparsity: 0.5\n  exclude: true\n  sparsity: 0.6\n",
    "key three times": "a: 1\na: 2\n'a': 3\n",
}
JSON = {
    "comma before bracket": "[1, 2,]",
    "comma before brace": '{"a": 1,}',
    "comma missing": '["a" "b"]',
    "colon missing": '{"a" 1}',
    "key without quotes": "{a: 1}",
    "single quotes": "['a']",
    "text without quotes": "[Conv2d]",
    "bracket not closed": '[{"a": 1}',
    "bracket not closed after a comma": '["a",',
    "brace not closed": '[{"a": [1]',
    "wrong bracket": '{"a": [1}]',
    "quote not closed": '["a',
    "quote not closed on its line": '["a,\n"b"]',
    "NaN": "[NaN]",
    "Infinity": "[-Infinity]",
    "plus": "[+1]",
    "leading zero": "[01]",
    "no leading zero": "[.5]",
    "Python constant": "[True, None]",
    "comment": "[1] // one",
    "comment first": "# one\n[1]",
    "two values": "[1]\n[2]",
    "value missing": '{"a": }',
    "unknown escape": '["layer\\.0"]',
    "short escape": '["\\u12"]',
    "tab in a text": '["a\tb"]',
    "half a surrogate pair": '["\\ud83d"]',
    "long number": f"[{'1' * 65}]",
    "large exponent": "[1e401]",
    "duplicate key": '[{"a": 1, "a": 2}]',
}


def show(document: Document) -> str:
    """The problems of a document, each with the line it stands in and a mark below what it points at."""
    shown = []
    for problem in document.problems:
        line, column = document.position(problem.start)
        text = document.text.split("\n")[line - 1] if document.text else ""
        width = max(1, min(problem.end - problem.start, len(text) - column + 1))
        shown.append(
            f"{problem.rule} {line}:{column}: {problem.message}\n  {text!r}\n   {' ' * (column - 1)}{'^' * width}"
        )
        shown.append(f"  help: {problem.help}" + (f"\n  first: {problem.first}" if problem.first else ""))
    return "\n".join(shown)


@pytest.mark.parametrize("case", YAML)
def test_yaml(case: str, snapshot: SnapshotAssertion) -> None:
    assert show(parse(YAML[case], "x.yaml")) == snapshot


@pytest.mark.parametrize("case", JSON)
def test_json(case: str, snapshot: SnapshotAssertion) -> None:
    assert show(parse(JSON[case], "x.json")) == snapshot
