"""Which layer was meant: the one that a reader would think of, and none where no reader would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneconf.suggest import LONGEST_NAME, DottedNames

RESNET = DottedNames(
    [
        "conv1",
        *(f"layer{stage}.{block}.conv{i}" for stage in (1, 2, 3, 4) for block in (0, 1) for i in (1, 2)),
        "layer2.0.downsample.0",
        "fc",
    ]
)
LLAMA = DottedNames(
    [
        *(f"model.layers.{i}.self_attn.{name}_proj" for i in range(32) for name in "qkvo"),
        *(f"model.layers.{i}.mlp.{name}_proj" for i in range(32) for name in ("gate", "up", "down")),
        "lm_head",
    ]
)


@pytest.mark.parametrize(
    ("names", "written", "meant"),
    [
        (RESNET, "layr1.0.conv1", ["layer1.0.conv1"]),
        (RESNET, "layer1.0.conv", ["layer1.0.conv1", "layer1.0.conv2"]),
        (RESNET, "layer1.conv1", ["layer1.0.conv1", "layer1.1.conv1"]),
        (RESNET, "layer4.3.conv1", ["layer4.1.conv1"]),
        (RESNET, "layer2.0.downsample", ["layer2.0.downsample.0"]),
        (RESNET, "Layer1_0_conv1", ["layer1.0.conv1"]),
        (RESNET, "layer1[0].conv1", ["layer1.0.conv1"]),
        (RESNET, "backbone.layer1.0.conv1", ["layer1.0.conv1"]),
        (RESNET, "module.fc", ["fc"]),
        (RESNET, "layer1._orig_mod.0.conv1", ["layer1.0.conv1"]),
        (RESNET, "fc1", ["fc"]),
        (LLAMA, "layers.3.mlp.up_proj", ["model.layers.3.mlp.up_proj"]),
        (LLAMA, "model.layer.3.mlp.up_proj", ["model.layers.3.mlp.up_proj"]),
        (LLAMA, "model.layers.31.attn.q_proj", ["model.layers.31.self_attn.q_proj"]),
        (LLAMA, "model.layers.32.mlp.up_proj", ["model.layers.31.mlp.up_proj"]),
        (LLAMA, "base_model.model.model.layers.3.self_attn.q_proj", ["model.layers.3.self_attn.q_proj"]),
        (LLAMA, "lm_heda", ["lm_head"]),
    ],
)
def test_what_was_meant(names, written, meant):
    assert names.near(written) == meant


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (RESNET, "head"),
        (RESNET, "classifier.6"),
        (RESNET, "features.0"),
        (RESNET, "layer5.0.conv1"),
        (RESNET, "layer2.0.shortcut.0"),
        (LLAMA, "q_proj"),
        (LLAMA, "transformer.h.3.attn.c_attn"),
        (LLAMA, "model.layers.3.mlp.fc1"),
        (LLAMA, "model.layers.3.self_attn.z_proj"),
        (LLAMA, ""),
        (LLAMA, "..."),
        (LLAMA, "x" * (LONGEST_NAME + 1)),
    ],
)
def test_nothing_where_nothing_is_near(names, written):
    assert names.near(written) == []


SEGMENT = st.text("ab1_0", min_size=1, max_size=5)
NAME = st.lists(SEGMENT, min_size=1, max_size=4).map(".".join)


@given(st.lists(NAME, unique=True, max_size=12), NAME | st.text(max_size=12))
def test_only_names_are_offered(names, written):
    found = DottedNames(names).near(written)
    assert len(found) <= 3
    assert len(set(found)) == len(found)
    assert set(found) <= set(names)


@given(st.lists(NAME, min_size=1, unique=True, max_size=12), st.data())
def test_a_known_name_is_nearest_to_itself(names, data):
    name = data.draw(st.sampled_from(names))
    found = DottedNames(names).near(name)
    assert not found or name in found


@given(st.lists(NAME, unique=True, max_size=12), NAME)
def test_the_order_of_names_does_not_matter_to_what_is_offered(names, written):
    assert sorted(DottedNames(names).near(written)) == sorted(DottedNames(names[::-1]).near(written))


def test_the_letter_by_letter_search_stops_after_a_while(monkeypatch):
    monkeypatch.setattr("pruneconf.suggest.MOST_COMPARISONS", 2 * len(LLAMA.names))
    names = DottedNames(LLAMA.names)
    near = [names.near(f"model.layers.{i}.mlp.up_porj") for i in range(4)]
    assert [bool(found) for found in near] == [True, True, False, False]
    assert names.near("module.lm_head") == ["lm_head"]
