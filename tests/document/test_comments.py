"""What is a comment, and what only looks like one."""

from __future__ import annotations

import pytest

from pruneconf.document import parse
from pruneconf.document.comments import comments


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# a\nb: 1 # c\n  # d\n", ["# a", "# c", "# d"]),
        ("# a\r\nb: 1\t# c\r\n#\r\n", ["# a", "# c", "#"]),
        ("a#b: c#d\n", []),
        ("a: 'b # c' # d\n", ["# d"]),
        ('a: "b # c\n  # d\n  e" # f\n', ["# f"]),
        ("'a # b': c\n? 'd # e'\n: f\n", []),
        ("&k 'a # b': *k # c\n", ["# c"]),
        ("a: | # head\n  # text\n\n  more # text\n# end\n", ["# head", "# end"]),
        ("a: >2-  # head # still\n  # text\n", ["# head # still"]),
        ("- |\n  # text\n-   # item\n", ["# item"]),
        ("- |+\r\n  # text\r\n\r\n# end\r\n", ["# end"]),
        ("a b\n  c # d\n", ["# d"]),
        ("[a, # b\n c] # d\n", ["# b", "# d"]),
        ("a: &x # b\n  c # d\n", ["# b", "# d"]),
        ("- &x {k: 'a # b'}\n- {<<: *x, k: 'c # d'} # e\n", ["# e"]),
        ("a: 1\na: '# b' # c\n", ["# c"]),
        ("'😀 # a': 'é # b' # 中\n", ["# 中"]),
        ("# a", ["# a"]),
        ("", []),
    ],
)
def test_comments(text: str, found: list[str]) -> None:
    document = parse(text, "x.yaml")
    assert not any(problem.rule == "PC001" for problem in document.problems)
    assert [comment.text for comment in comments(document)] == found
    assert all(document.text[comment.start : comment.end] == comment.text for comment in comments(document))


def test_json_has_none() -> None:
    assert comments(parse('["# a"]', "x.json")) == ()
