"""What is read of a tensor's archive without torch is what torch reads of it."""

import io
import pickle
import zipfile
from pickletools import genops

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode

from pruneconf.pickled import check_memo
from pruneconf.pruning.filearray import InputFile
from pruneconf.pruning.partedarray import part_of
from pruneconf.pruning.tensorfile import CODES
from pruneconf.pruning.torchsave import SavedTensor, saved_tensor

GAP = b"before"


def archive(tensor):
    content = io.BytesIO()
    torch.save(tensor, content)
    return content.getvalue()


def ours(path, content):
    path.write_bytes(GAP + content + GAP)
    return saved_tensor(InputFile(path), len(GAP), len(content))


def theirs(content):
    with FakeTensorMode():
        tensor = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    part = part_of(tensor, (0,) * tensor.ndim, None, len(GAP))
    return SavedTensor(str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape), part.strides, part.offset)


TENSORS = [
    torch.zeros(()),
    torch.zeros(7),
    torch.zeros(3, 5).t(),
    torch.zeros(40, 60)[3:30:2, 5:],
    torch.zeros(1).expand(4, 5),
    torch.zeros(0, 4),
    torch.zeros(700, 300),
]


@pytest.mark.parametrize("dtype", CODES, ids=str)
def test_dense_tensors(dtype, tmp_path):
    for tensor in TENSORS:
        content = archive(tensor.to(dtype) if tensor.is_contiguous() else torch.empty_strided((4, 5), (1, 7)).to(dtype))
        assert ours(tmp_path / "part", content) == theirs(content)


def requires_grad():
    return archive(torch.ones(3, requires_grad=True))


def parameter():
    return archive(torch.nn.Parameter(torch.ones(3)))


def conjugate():
    return archive(torch.ones(3, dtype=torch.complex64).conj())


def sparse():
    return archive(torch.eye(3).to_sparse())


def two():
    return archive([torch.ones(3), torch.ones(4)])


def no_tensor():
    return archive([1, 2])


def rewritten(change, compression=zipfile.ZIP_STORED):
    found = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive(torch.ones(3)))) as old, zipfile.ZipFile(found, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return found.getvalue()


def by_another_tool():
    return rewritten(lambda _, content: content)


def compressed():
    return rewritten(lambda _, content: content, zipfile.ZIP_DEFLATED)


def of_the_old_form():
    content = io.BytesIO()
    torch.save(torch.ones(3), content, _use_new_zipfile_serialization=False)
    return content.getvalue()


def with_code():
    content = io.BytesIO()
    torch.save(torch.nn.ReLU(), content)
    return content.getvalue()


UNUSUAL = [
    requires_grad,
    parameter,
    conjugate,
    sparse,
    two,
    no_tensor,
    by_another_tool,
    compressed,
    of_the_old_form,
    with_code,
]


@pytest.mark.parametrize("make", UNUSUAL, ids=lambda make: make.__name__)
def test_what_is_left_to_torch(make, tmp_path):
    assert ours(tmp_path / "part", make()) is None


@given(st.data())
@settings(deadline=None)
def test_what_is_damaged_is_read_as_torch_reads_it_or_left_to_it(tmp_path_factory, data):
    content = bytearray(archive(data.draw(st.sampled_from(TENSORS))))
    if len(content) > 5000:
        places = st.integers(0, 1500) | st.integers(len(content) - 1500, len(content) - 1)
    else:
        places = st.integers(0, len(content) - 1)
    for at in data.draw(st.lists(places, max_size=3)):
        content[at] = data.draw(st.integers(0, 255))
    if found := ours(tmp_path_factory.getbasetemp() / "part", content):
        assert found == theirs(content)


def check_slowly(data):
    for opcode, argument, _ in genops(data):
        if opcode.name.endswith("PUT") and int(argument or 0) > len(data):
            raise ValueError


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner) | st.just(torch.float32)
    ),
)


@given(values, st.integers(0, pickle.HIGHEST_PROTOCOL), st.data())
def test_sound_pickles_pass_and_those_with_a_far_place_do_not(value, protocol, data):
    content = pickle.dumps(value, protocol)
    check_memo(content)
    places = [at for opcode, _, at in genops(content) if opcode.name == "STOP" or opcode.code == "0"]
    far = b"r\xff\xff\xff\x7f" if data.draw(st.booleans()) else b"p2147483647\n"
    with pytest.raises(ValueError, match="out of reach"):
        check_memo(content[: places[-1]] + far + b".")


@given(values, st.data())
def test_damaged_pickles_pass_only_if_every_place_is_near(value, data):
    content = bytearray(pickle.dumps(value, data.draw(st.integers(0, pickle.HIGHEST_PROTOCOL))))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[at] = data.draw(st.integers(0, 255))
    refused = False
    try:
        for opcode, argument, _ in genops(bytes(content)):
            refused |= opcode.name == "LONG_BINPUT" and argument > len(content)
    except ValueError:
        pass  # from there on nothing is read
    if refused:
        with pytest.raises(ValueError, match="out of reach"):
            check_memo(bytes(content))
