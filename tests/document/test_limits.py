"""Hostile texts end in a problem that names the limit, not in a hang."""

from __future__ import annotations

import pytest

from pruneconf.document import parse

BOMB = "a: &a [" + ", ".join("x" * 9) + "]\n"
for before, name in zip("abcdefgh", "bcdefghi", strict=True):
    BOMB += f"{name}: &{name} [" + ", ".join([f"*{before}"] * 9) + "]\n"
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(80))
MERGE = "a: &a {k: v}\n" + "".join(
    f"b{i}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}], k{i}: [*{old}, *{old}]}}\n"
    for i, (old, new) in enumerate(zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True))
)
DEEP = "lists and mappings are nested more than 64 levels deep"
MANY = "repeat more than 100,000 nodes"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.yaml", BOMB, MANY),
        ("x.yaml", MERGE, MANY),
        ("x.yaml", CHAIN, DEEP),
        ("x.yaml", "[" * 100_000, DEEP),
        ("x.yaml", '{"a":' * 100_000, DEEP),
        ("x.yaml", "- " * 100_000, DEEP),
        ("x.yaml", "\n".join(" " * i + "a:" for i in range(100)), DEEP),
        ("x.yaml", "[" * 65 + "]" * 65, DEEP),
        ("x.json", "[" * 100_000, DEEP),
        ("x.json", '{"a":' * 100_000, DEEP),
        ("x.json", "[" * 65 + "]" * 65, DEEP),
        ("x.yaml", "a" * (4 * 1024 * 1024 + 1), "the file is larger than 4 MiB"),
        ("x.yaml", ("é" * (2 * 1024 * 1024 + 1)).encode(), "the file is larger than 4 MiB"),
        ("x.json", b"[]" + b" " * (4 * 1024 * 1024), "the file is larger than 4 MiB"),
        ("x.yaml", "&a [b, *a]", "the alias `*a` stands inside the node that it repeats"),
        ("x.yaml", "&a {b: {<<: *a}}", "the alias `*a` stands inside the node that it repeats"),
        ("x.yaml", "1" * 1_000_000, "has more than 64 characters"),
        ("x.json", "1" * 1_000_000, "has more than 64 characters"),
        ("x.yaml", "1e" + "9" * 60, "is beyond ±400"),
        ("x.yaml", "-1e-401", "is beyond ±400"),
        ("x.yaml", "!!python/object/apply:os.system [ls]", "a config holds plain data only"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_too_much_is_one_problem(name: str, text: str | bytes, message: str) -> None:
    document = parse(text, name)
    assert document.root is None
    (problem,) = document.problems
    assert problem.rule == "PC003"
    assert message in problem.message
    assert problem.help
    assert document.position(problem.start).line >= 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.yaml", "[" * 64 + "]" * 64),
        ("x.json", "[" * 64 + "]" * 64),
        ("x.yaml", f"- &a [{', '.join('x' * 100)}]\n" + "- *a\n" * 900),
        ("x.yaml", "1" * 64),
        ("x.json", "-" + "1" * 63),
        ("x.yaml", "1e-400"),
        ("x.yaml", "layer." + "1" * 100),
        ("x.yaml", "'" + "1" * 100 + "'"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_within_the_limits_parses(name: str, text: str) -> None:
    assert parse(text, name).problems == ()
