"""A report as one page to look at: it needs no network, no script, and nothing beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from pruneconf.findings import Finding
from pruneconf.histogram import Histogram
from pruneconf.output.page_chart import chart, spark, together
from pruneconf.output.page_style import STYLE
from pruneconf.output.style import printable
from pruneconf.plan import Action, Group, LayerPlan, Plan
from pruneconf.rules.words import counted

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_UNTOUCHED = {Action.EXCLUDE: "excluded", Action.NONE: "not selected"}


def report_page(
    report: Mapping[str, Any], plan: Plan, histograms: Mapping[str, Histogram], findings: Sequence[Finding]
) -> str:
    """The HTML of `report.html`.

    `report` is `report.json`, `plan` what it carried out; `histograms` are those of the pruned weights, by parameter;
    `findings` what the linter said. Every name and text is escaped.
    """
    body = [
        *_head(report, plan),
        *_linter(findings),
        "<h2>Magnitudes</h2>",
        _legend(plan),
        '<div class="cards">',
        *_charts(report, plan, histograms),
        "</div>",
        *_layers(report, plan, histograms),
        *_files(report),
    ]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">\n<link rel="icon" href="data:,">',
            f"<title>{_text(report['config'])} - pruning report</title>\n<style>\n{STYLE}\n</style>\n<main>",
            *body,
            "</main>\n</html>\n",
        ]
    )


def _text(text: str) -> str:
    return escape(printable(text))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _head(report: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    totals = report["totals"]
    how = f"pruner <code>{_text(report['pruner'])}</code>{', coupled' if report['coupled'] else ''}"
    if report["seed"] is not None:
        how += f", seed {report['seed']}"
    yield f"<header><h1>Pruning report</h1><p><code>{_text(report['config'])}</code> on "
    yield f"<code>{_text(plan.graph.source)}</code>, {how}</p>"
    actions = Counter(entry.action for entry in plan.layers)
    others = ", ".join(f"{actions[action]:,} {word}" for action, word in _UNTOUCHED.items())
    numbers = [
        ("of the layers' weights are masked", _percent(totals["sparsity"])),
        (f"of {totals['numel']:,} weights", f"{totals['masked']:,}"),
        (f"layers pruned; {others}", f"{actions[Action.PRUNE]:,}"),
    ]
    if compact := report["compact"]:
        numbers.append((f"of {compact['parameters']:,} parameters left", f"{compact['compact_parameters']:,}"))
    yield '<dl class="numbers">'
    yield from (f"<div><dt>{what}</dt><dd>{number}</dd></div>" for what, number in numbers)
    yield "</dl></header>"


def _linter(findings: Sequence[Finding]) -> Iterator[str]:
    yield "<h2>What the linter said</h2>"
    if not findings:
        yield '<p class="dim">Nothing: it found no fault in the config.</p>'
        return
    yield '<ul class="said">'
    for finding in findings:
        document = finding.place.document
        place = f"{_text(document.name)}:{document.position(finding.place.start).line}"
        severity = finding.severity.value
        advice = f"<br>{_prose(finding.help)}" if finding.help else ""
        yield (
            f'<li class="{severity}"><span class="tag">{severity}</span> '
            f'<a href="{escape(finding.rule.url)}">{finding.rule.code}</a> <code class="dim">{place}</code><br>'
            f"{_prose(finding.message)}{advice}</li>"
        )
    yield "</ul>"


def _prose(message: str) -> str:
    """A message with what stands in backticks as code."""
    parts = _text(message).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def _legend(plan: Plan) -> str:
    channels = " Whole channels are masked: large weights go with the small ones." if plan.structured else ""
    return (
        '<p class="dim"><span class="key masked"></span>masked &ensp;<span class="key kept"></span>kept. '
        "How many weights have which magnitude before pruning, on a logarithmic axis, counted in an even sample where "
        f"there are many. The first bar holds all that is smaller, zeros too.{channels}</p>"
    )


def _charts(report: Mapping[str, Any], plan: Plan, histograms: Mapping[str, Histogram]) -> Iterator[str]:
    numels = {layer["parameter"]: layer["numel"] for layer in report["layers"]}
    grouped = set()
    for group, numbers in zip(plan.groups, report["groups"], strict=True):
        parameters = {layer.parameter for layer in group.layers}
        grouped |= parameters
        yield _card(
            _sub_config(plan, group.sub_config), _group_facts(report, group, numbers), parameters,
            histograms, numels, _highest(report, plan, parameters),
        )  # fmt: skip
    rest = [parameter for parameter in histograms if parameter not in grouped]
    if rest:
        same = {layer["threshold"] for layer in report["layers"] if layer["parameter"] in rest}
        line = _highest(report, plan, rest) if len(same) == 1 else None
        facts = counted(len(rest), "layer") + ", each cut at a threshold of its own" * (len(rest) > 1)
        yield _card("Amounts per layer", facts, rest, histograms, numels, line)


def _card(
    title: str,
    facts: str,
    parameters: Iterable[str],
    histograms: Mapping[str, Histogram],
    numels: Mapping[str, int],
    threshold: float | None,
) -> str:
    spread = together((histograms[name], numels[name]) for name in parameters if name in histograms)
    picture = chart(spread, threshold, f"magnitudes: {escape(title, quote=True)}")
    return f'<figure class="card"><h3>{title}</h3><figcaption>{facts}</figcaption>{picture}</figure>'


def _sub_config(plan: Plan, index: int) -> str:
    document = plan.config.document
    node = document.find(plan.config.sub_configs[index].path)
    return f"Group of line {document.position(node.start if node else 0).line}"


def _group_facts(report: Mapping[str, Any], group: Group, numbers: Mapping[str, Any]) -> str:
    facts = (
        f"{numbers['masked']:,} of {numbers['numel']:,} weights masked over {counted(len(group.layers), 'layer')}; "
        f"asked: {_text(numbers['ratio'])}"
    )
    if group.cap is None:
        return facts
    masked = {layer["parameter"]: layer["masked"] for layer in report["layers"]}
    full = sum(masked[layer.parameter] > group.max_masked[layer.name] - group.unit for layer in group.layers)
    capped = f"{counted(full, 'layer')} stopped by it" if full else "which stops none"
    return f"{facts}, at most {_text(group.cap.text)} of each, {capped}"


def _highest(report: Mapping[str, Any], plan: Plan, parameters: Iterable[str]) -> float | None:
    """The threshold of weights together: layers that are stopped by a cap have lower ones."""
    if plan.structured:
        return None  # it is a channel's score and no magnitude
    wanted = set(parameters)
    found = [layer["threshold"] for layer in report["layers"] if layer["parameter"] in wanted]
    return max((threshold for threshold in found if threshold is not None), default=None)


def _layers(report: Mapping[str, Any], plan: Plan, histograms: Mapping[str, Histogram]) -> Iterator[str]:
    caps = {layer.name: group.max_masked[layer.name] for group in plan.groups if group.cap for layer in group.layers}
    score = "highest score masked" if plan.structured else "threshold"
    yield "<h2>Layers</h2>"
    if caps:
        yield '<p class="dim">The upright stroke on a bar is the most that the layer may lose.</p>'
    yield (
        '<table><thead><tr><th>layer</th><th>sparsity</th><th></th><th class="number">masked</th>'
        f'<th class="number">{score}</th><th>magnitudes</th></tr></thead><tbody>'
    )
    for entry, layer in zip(plan.layers, report["layers"], strict=True):
        yield _row(plan, entry, layer, caps.get(layer["name"]), histograms.get(layer["parameter"]))
    yield "</tbody></table>"


def _row(plan: Plan, entry: LayerPlan, layer: Mapping[str, Any], cap: int | None, histogram: Histogram | None) -> str:
    numel, share = layer["numel"], layer["sparsity"]
    shape = "x".join(map(str, entry.layer.shape)) or "1"
    remarks = [f"{_text(entry.layer.type)} {shape}", _UNTOUCHED.get(entry.action, ""), _prose(entry.held)]
    stroke = f'<b style="left:{100 * cap / numel:.2f}%"></b>' if cap is not None and numel else ""
    amount = f"{layer['masked']:,} of {numel:,}"
    if plan.structured and entry.unit and entry.action is Action.PRUNE:
        amount += f"<small>{layer['masked'] // entry.unit:,} of {numel // entry.unit:,} channels</small>"
    threshold = None if plan.structured else layer["threshold"]
    picture = spark(together([(histogram, numel)]), threshold) if histogram else ""
    what = f"<small>{', '.join(filter(None, remarks))}</small>"
    cut = "" if layer["threshold"] is None else f"{layer['threshold']:.4g}"
    return (
        f"<tr{'' if entry.action is Action.PRUNE else ' class=none'}>"
        f'<td class="name">{_text(layer["name"]) or "(the model)"}{what}</td>'
        f'<td><div class="bar"><i style="width:{100 * share:.2f}%"></i>{stroke}</div></td>'
        f'<td class="number">{_percent(share)}</td><td class="number masses">{amount}</td>'
        f'<td class="number cut">{cut}</td><td class="spark">{picture}</td></tr>'
    )


def _files(report: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Files</h2>"
    for title, files in (("read", report["inputs"]), ("written", report["outputs"])):
        yield f'<details><summary>{counted(len(files), "file")} {title}, with sha256</summary><dl class="files">'
        yield from (f"<dt><code>{_text(name)}</code></dt><dd>{_text(digest)}</dd>" for name, digest in files.items())
        yield "</dl></details>"
    versions = ", ".join(f"{_text(name)} {_text(version)}" for name, version in report["versions"].items())
    yield f'<p class="dim">Made with {versions}. The same numbers for programs: <code>report.json</code>.</p>'
