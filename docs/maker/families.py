"""The families of rules, which the hundreds digit of a code stands for."""

FAMILIES = {
    "0": "Reading the file",
    "1": "Keys and values",
    "2": "Selection",
    "3": "Order",
    "4": "Amounts",
    "5": "Structure",
    "6": "Other forms of config",
    "9": "Comments",
}


def family(code: str) -> str:
    """The family of a code such as `PC201`."""
    return FAMILIES.get(code[2], "More")
