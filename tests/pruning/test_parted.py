"""Tensors in parts, anywhere in files, read back as they are."""

from concurrent.futures import ThreadPoolExecutor
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pruneconf import PruneconfError
from pruneconf.pruning import gather, partedarray
from pruneconf.pruning.filearray import InputFile
from pruneconf.pruning.partedarray import Part, boxes, joined

shapes = st.lists(st.integers(1, 6), max_size=4).map(tuple)
dtypes = st.sampled_from([torch.bfloat16, torch.float32, torch.uint8, torch.complex64])


@st.composite
def tilings(draw, low, high):
    """Boxes that fill a box, which is cut in two again and again."""
    axes = [axis for axis in range(len(low)) if high[axis] - low[axis] > 1]
    if not axes or draw(st.booleans()):
        return [(low, high)]
    axis = draw(st.sampled_from(axes))
    at = draw(st.integers(low[axis] + 1, high[axis] - 1))
    middle = [(*side[:axis], at, *side[axis + 1 :]) for side in (high, low)]
    return draw(tilings(low, middle[0])) + draw(tilings(middle[1], high))


@st.composite
def stored(draw, values):
    """The bytes of an array with its axes in any order and gaps between its elements; its strides in them."""
    order = draw(st.permutations(range(values.ndim)))
    gaps = draw(st.tuples(*[st.integers(1, 3)] * values.ndim))
    turned = values.transpose(order)
    room = np.full([size * gap for size, gap in zip(turned.shape, gaps, strict=True)], 99, values.dtype)
    places = room[(*[slice(None, None, gap) for gap in gaps], ...)]
    places[...] = turned
    return room.tobytes(), places.transpose(np.argsort(order).astype(int)).strides


@st.composite
def stretches(draw, size):
    return slice(*sorted(draw(st.tuples(st.integers(0, size), st.integers(0, size)))))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("parts") / "elements"


@given(shapes, dtypes, st.data())
def test_any_tiling_reads_back_as_the_tensor(path, shape, dtype, data):
    whole = np.arange(prod(shape), dtype=f"<u{dtype.itemsize}").reshape(shape)
    tiling = data.draw(st.permutations(data.draw(tilings((0,) * len(shape), shape))))
    content, places = b"", []
    for low, high in tiling:
        content += b"gap"[: data.draw(st.integers(0, 3))]
        part, strides = data.draw(stored(whole[(*map(slice, low, high), ...)]))
        places.append((low, high, len(content), strides))
        content += part
    path.write_bytes(content)
    file = InputFile(path)
    found = joined(shape, [Part(low, high, file, at, strides) for low, high, at, strides in places], dtype.itemsize)
    elements, content = data.draw(stretches(whole.size)), data.draw(stretches(whole.nbytes))
    assert found.size == whole.nbytes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partedarray, "_ROOM", data.draw(st.integers(1, 200)))
        for size in ("_PIECE", "_SMALL", "_STRETCH", "_GAP"):
            patch.setattr(gather, size, data.draw(st.integers(1, 50)))
        assert found.view(whole.dtype)[elements].tolist() == whole.reshape(-1)[elements].tolist()
        assert found[content].tobytes() == whole.tobytes()[content]
    found.forget()


@pytest.mark.parametrize(
    ("shape", "order"), [((700, 900), (1, 0)), ((6, 300, 200), (2, 0, 1)), ((5, 300, 20, 3), (0, 2, 3, 1))]
)
def test_large_tensors_in_another_order(path, shape, order):
    whole = np.arange(prod(shape), dtype="<u4").reshape(shape)
    stored = whole.transpose(order)
    path.write_bytes(stored.tobytes())
    strides = np.ascontiguousarray(stored).transpose(np.argsort(order)).strides
    found = joined(shape, [Part((0,) * len(shape), shape, InputFile(path), 0, strides)], 4).view(whole.dtype)
    with ThreadPoolExecutor(4) as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(partedarray, "_ROOM", 400_000)
        starts = range(0, whole.size, 7001)
        read = np.concatenate(list(pool.map(lambda start: found[start : start + 7001], starts)))
    assert np.array_equal(read, whole.reshape(-1))


def test_what_could_not_be_read_is_tried_again(path):
    content = np.arange(12, dtype=np.uint8).tobytes()
    path.write_bytes(content[:-1])
    found = joined((3, 4), [Part((0, 0), (3, 4), InputFile(path), 0, (1, 3))], 1)
    with pytest.raises(PruneconfError, match="became shorter"):
        found[:]
    path.write_bytes(content)
    assert found[:].tolist() == np.arange(12).reshape(4, 3).T.reshape(-1).tolist()


@given(shapes, st.data())
def test_boxes_hold_what_is_between_two_elements(shape, data):
    between = data.draw(stretches(prod(shape)))
    whole = np.arange(prod(shape)).reshape(shape)
    found = list(boxes(shape, between.start, between.stop))
    elements = [each for low, high in found for each in whole[(*map(slice, low, high), ...)].reshape(-1).tolist()]
    assert elements == list(range(between.start, between.stop))
    assert len(found) <= 2 * len(shape) + 1
