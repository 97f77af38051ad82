"""The picture that curve.py draws: an SVG in the colours of the page, readable on a phone."""

from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 360, 330, 34, 24, 346, 228
STYLE = """\
    .d-text { fill: #1f2328; font: 13px system-ui, sans-serif; }
    .d-note { fill: #59636e; font: 12px system-ui, sans-serif; }
    .d-line { fill: none; stroke: #818b98; stroke-width: 1; }
    @media (prefers-color-scheme: dark) { .d-text { fill: #f0f6fc; } .d-note { fill: #9198a1; } }"""
COLOURS = ("#00897b", "#d9730d", "#7e6fd0")  # of middling lightness: seen on white and on black


def curves(ratios: Sequence[float], lines: Mapping[str, Sequence[float]]) -> str:
    """Accuracies from 0 to 1 by ratio: dashed after pruning, drawn through after fine-tuning."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        f"  <style>\n{STYLE}\n  </style>",
        '  <text class="d-text" x="0" y="14">accuracy, %</text>',
    ]
    for percent in (0, 25, 50, 75, 100):
        y = _y(percent / 100)
        parts.append(f'  <path class="d-line" opacity="0.4" d="M{LEFT} {y}H{RIGHT}"/>')
        parts.append(f'  <text class="d-note" x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{percent}</text>')
    for i, ratio in enumerate(ratios):
        x = _x(i, ratios)
        parts.append(f'  <text class="d-note" x="{x}" y="{BOTTOM + 18}" text-anchor="middle">{100 * ratio:g}</text>')
    parts.append(f'  <text class="d-text" x="{RIGHT}" y="{BOTTOM + 38}" text-anchor="end">sparsity, %</text>')
    for i, (name, accuracies) in enumerate(lines.items()):
        parts += _curve(name, [(_x(k, ratios), _y(share)) for k, share in enumerate(accuracies)], i)
    return "\n".join([*parts, "</svg>\n"])


def _curve(name: str, points: list[tuple[float, float]], i: int) -> list[str]:
    colour, tuned = COLOURS[i // 2], i % 2
    dash = "" if tuned else ' stroke-dasharray="4 4"'
    stroke = f'fill="none" stroke="{colour}" stroke-width="2.5"{dash}'
    x, y = (0, WIDTH // 2)[tuned], BOTTOM + 60 + 18 * (i // 2)
    return [
        f'  <path {stroke} d="M{" ".join(f"{px} {py}" for px, py in points)}"/>',
        f'  <path {stroke} d="M{x} {y - 4}h26"/>',
        f'  <text class="d-text" x="{x + 32}" y="{y}">{name}</text>',
    ]


def _x(i: int, ratios: Sequence[float]) -> float:
    """Ratios stand evenly apart: the last few tenths of a percent matter most."""
    return round(LEFT + 8 + i * (RIGHT - LEFT - 24) / (len(ratios) - 1), 1)


def _y(share: float) -> float:
    return round(BOTTOM - share * (BOTTOM - TOP), 1)
