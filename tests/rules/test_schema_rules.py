"""Hard cases of the rules that look at one sub-config at a time: what a user sees, whole, and what is silent."""

import pytest

SHOWN = {
    "several-faults": """\
- op_types: Conv2d
  sparsity_per_layer: 80
- op_name: [fc]
  exclude: false
- op_names: [conv1, 3, conv1]
  total_sparsity: '0.5'
  max_sparsity_per_layer: 0
""",
    "every-key-misspelt": "- op_type: [Conv2d]\n  sparsty_per_layer: 0.5\n",
    "names-of-our-own": "- layers: [conv1]\n  ratio: 0.5\n",
    "nothing-near": "- {colour: red, op_types: [Conv2d], sparsity_per_layer: 0.5}\n",
    "stranger-explains-nothing": "- reason: the stem is sensitive\n  sparsity_per_layer: 0.5\n",
    "opposite": "- op_types: [Conv2d]\n  include: true\n  sparsity_per_layer: 0.5\n",
    "same-key-twice-spelt-differently": "- op_types: [Conv2d]\n  opTypes: [Linear]\n  sparsity_per_layer: 0.5\n",
    "conflict-with-misspelt-amount": "- op_types: [Conv2d]\n  total_sparsity: 0.5\n  sparsity_per_layr: 0.5\n",
    "three-amounts": "- op_types: [Conv2d]\n  sparsity: 0.1\n  sparsity_per_layer: 0.2\n  total_sparsity: 0.3\n",
    "two-amounts-and-a-cap": "- op_types: [Conv2d]\n  sparsity: 0.1\n  sparsity_per_layer: 0.2\n  max_sparsity_per_layer: 0.3\n",
    "cap-beside-foreign-amount": "- op_types: [Conv2d]\n  sparse_ratio: 0.5\n  max_sparsity_per_layer: 0.9\n",
    "exclude-false-with-amount": "- op_types: [Conv2d]\n  exclude: false\n  sparsity_per_layer: 0.5\n",
    "exclude-no-with-amount": "- op_types: [Conv2d]\n  exclude: no\n  sparsity_per_layer: 0.5\n",
    "exclude-quoted-yes": "- op_types: [Conv2d]\n  exclude: 'yes'\n",
    "exclude-everything-misspelt": "- op_name: [features.0]\n  exclue: true\n",
    "cut-in-two": "- op_types: [Conv2d]\n- sparsity_per_layer: 0.5\n- op_names: [fc]\n- exclude: true\n",
    "cut-in-two-backwards": "- sparsity_per_layer: 0.5\n- op_types: [Conv2d]\n",
    "empty-sub-config": "- {}\n",
    "nni-docs-without-ratio": "- op_types: [Conv2d]\n- op_names: [fc1]\n",
    "nni-v3": """\
- op_types: [Linear]
  op_names_re: [layer.*]
  exclude_op_names: [layer.0]
  target_names: [weight, bias]
  sparse_ratio: 0.5
  global_group_id: all
""",
    "foreign-value-that-does-not-fit": "- tensor_fqn: fc.weight\n  sparsity_level: 0.5\n",
    "foreign-cap-alone": "- op_types: [Linear]\n  max_sparse_ratio: 0.9\n",
    "block-lists": """\
- op_types:
    - Conv2d
    -
    - [Linear]
    - Conv1d: 0.5
  sparsity_per_layer:
    - 0.5
    - 0.8
""",
    "ratios": "\n".join(
        f"- {{op_types: [Conv2d], total_sparsity: {value}}}"
        for value in (
            "100",
            "2",
            "1.5",
            "'80'",
            "62.5%",
            '"0,75"',
            "-80",
            "'-0.5'",
            ".nan",
            ".inf",
            "half",
            "0x50",
            "'1'",
        )
    ),
    "caps": "\n".join(
        f"- {{op_types: [Conv2d], total_sparsity: 0.5, max_sparsity_per_layer: {value}}}"
        for value in ("100", "0", "-1", "1.5", "100%", "'0'", "{conv1: 0.5}", "null")
    ),
    "selectors": "\n".join(
        f"- {{op_names: {value}, sparsity_per_layer: 0.5}}"
        for value in ("0", "true", "null", "''", '"a, b,"', "{a: 1}", "[~]", "[1.0, true]", "['']", "[[a]]")
    ),
    "excludes": "\n".join(
        f"- {{op_names: [a], exclude: {value}}}"
        for value in ("1", "0", "'true'", "'False'", "off", "[a]", "{}", "maybe")
    ),
    "aliases-say-it-once": """\
- op_types: &types [Conv2d, 5, Conv2d]
  sparsity_per_layer: &ratio 80
- op_types: *types
  sparsity_per_layer: *ratio
""",
    "merged-conflict": """\
- &base
  op_types: [Conv2d]
  sparsity_per_layer: 0.5
- <<: *base
  exclude: true
""",
    "text-over-many-lines": "- op_types: |\n    Conv2d\n    Linear\n  sparsity_per_layer: 0.5\n",
    "long-text": f"- op_types: {'Conv2d' * 30}\n  sparsity_per_layer: 0.5\n",
    "non-ascii": "- op_types: ['畳み込み', 7]\n  sparsité: 0.5\n",
    "duplicate-keys": "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n  sparsity_per_layer: 0.6\n  op_types: Linear\n  sparsity_per_layer: 7\n",
    "duplicate-entries": "- op_types: [Conv2d, Linear, Conv2d, Conv2d]\n  op_names: [Conv2d]\n  sparsity_per_layer: 0.5\n",
    "root-with-two-lists": "a:\n  - op_types: [Conv2d]\nb:\n  c/d: [{op_names: [x], exclude: true}]\n",
    "root-without-list": "model: resnet18\nepochs: [1, 2]\n",
    "root-of-nothing": "",
    "zero-and-extreme": "- {op_types: [Conv2d], total_sparsity: 0.0, max_sparsity_per_layer: 0.5}\n- {op_names: [a], sparsity: 0.9999}\n",
    "syntax-error-alone": "- op_types: [Conv2d\n  sparsity: 80\n- {}\n",
}

SHOWN_JSON = {
    "json-several-faults": '[{"op_types": "Conv2d", "opNames": ["a"], "sparsity_per_layer": "0.5"}, [], "Linear", {"exclude": "yes"}]',
    "json-one-sub-config": '{"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}',
    "json-cut-in-two": '[{"op_types": ["Conv2d"]}, {"sparsity_per_layer": 0.5}]',
    "json-text": '"Conv2d"',
}


@pytest.mark.parametrize("case", SHOWN)
def test_shown(case, shown, snapshot):
    assert shown(SHOWN[case]) == snapshot


@pytest.mark.parametrize("case", SHOWN_JSON)
def test_shown_for_json(case, shown, snapshot):
    assert shown(SHOWN_JSON[case], name="config.json") == snapshot


LAYERS = "conv1 Conv2d 4x3x3x3\nconv2 Conv2d 4x4x3x3\nact PReLU 1\nnorm BatchNorm2d 4\nfc Linear 10x4"


@pytest.mark.parametrize(
    "text",
    [
        "- op_types: [default]\n  sparsity_per_layer: 0.5\n",
        "- op_types: [default, Linear]\n  sparsity_per_layer: 0.5\n",
        "- op_types:\n    - default\n  sparsity_per_layer: 0.5\n",
        "- op_types:\n    - default\n    - Conv2d\n    - PReLU\n  sparsity_per_layer: 0.5\n",
    ],
)
def test_default_is_spelt_out(text, findings):
    found = [finding for finding in findings(text, LAYERS) if finding.rule.code == "PC605"]
    assert [finding.message for finding in found] == [
        "`default` stands for `Conv2d`, `PReLU` and `Linear` in this model"
    ]
    edits = found[0].fix.edits if found[0].fix else ()
    for edit in edits:
        fixed = text[: edit.start] + edit.text + text[edit.end :]
        assert "PC605" not in {finding.rule.code for finding in findings(fixed, LAYERS)}
    assert edits


def test_default_without_such_layers(findings):
    found = findings("- op_types: [default]\n  sparsity_per_layer: 0.5\n", "norm BatchNorm2d 4")
    assert "PC605" not in {finding.rule.code for finding in found}


@pytest.mark.parametrize(
    "text",
    [
        "- op_types: [Conv2d]\n  op_names: [Conv2d]\n  sparsity_per_layer: 0.99\n",
        "- op_types: [Conv2d]\n  total_sparsity: 0.5\n  max_sparsity_per_layer: 1\n",
        "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_types: [Conv2d]\n  exclude: true\n",
        "- op_names: ['yes', 'no', \"0\"]\n  sparsity_per_layer: 1e-3\n",
        "- {op_names: &n [a], exclude: true}\n- {op_names: *n, exclude: true}\n",
    ],
)
def test_silent(text, findings):
    assert findings(text) == []
