"""Names of layers that YAML takes for something else, or that need quotes."""

ODD = [
    "0",
    "1e5",
    "on",
    "null",
    "~",
    "a: b",
    "a #b",
    "[x]",
    "it's",
    'a"b',
    "$x",
    "a}b",
    "a\\b",
    "-",
    "é",
    "日本.x",
    "🙂",
    "a b",
]
