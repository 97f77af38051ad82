"""Runs that are cut off, and those that go on from there; inputs that fail or change meanwhile."""

import errno
import gc
import json
import os
import resource
import shutil
import signal
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tied import plan_of

from pruneconf import PruneconfError
from pruneconf.pruning import apply, filearray, shardfile, verify, writer

CONFIG = [{"op_types": ["Linear"], "total_sparsity": 0.5}]
SHARDS = 4


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A working directory with a checkpoint in shards, `in`, and its plan."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = torch.nn.Sequential(*[torch.nn.Linear(64, 64) for _ in range(SHARDS)])
    write_input()
    return plan_of(model, CONFIG)


def write_input(seed=0):
    torch.manual_seed(seed)
    Path("in").mkdir(exist_ok=True)
    weight_map = {}
    for i in range(SHARDS):
        tensors = {f"{i}.weight": torch.randn(64, 64), f"{i}.bias": torch.randn(64)}
        save_file(tensors, f"in/model-{i}.safetensors", {"format": "pt"})
        weight_map |= dict.fromkeys(tensors, f"model-{i}.safetensors")
    Path("in/model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    Path("in/config.json").write_text("{}")


def run(plan, out="out", **options):
    return apply(plan, Path("in"), Path(out), **options)


def hidden():
    return [path for path in Path().iterdir() if path.name.startswith(".out.pruneconf-")]


def killed_after(plan, calls, **options):
    """Run in a process that dies without a word when so many chunks have been written."""
    left = iter(range(calls))

    def told(phase, _done, _total):
        if phase == "writing" and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if not pid:
        try:
            apply(plan, Path("in"), Path("out"), progress=told, **options)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def resumed(plan, **options):
    """Go on; how many shards that wrote."""
    written = []
    original = writer.CheckpointWriter._write_shard
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer.CheckpointWriter, "_write_shard", lambda *args: (written.append(1), original(*args)))
        run(plan, resume=True, **options)
    return len(written)


@pytest.mark.parametrize("masks", ["bool", "packed", "none"])
@pytest.mark.parametrize("calls", [0, 1, 2, 5, 7])
def test_a_resumed_run_gives_the_same_bytes(plan, files, masks, calls):
    killed_after(plan, calls, masks=masks)
    assert not Path("out").exists()
    journal = hidden()[0] / "unfinished-0.jsonl"
    finished = len(journal.read_text().splitlines()) - 1
    assert resumed(plan, masks=masks) == SHARDS - finished
    assert not hidden()
    run(plan, "whole", masks=masks)
    assert files(Path("out")) == files(Path("whole"))
    assert verify(plan, Path("out")).ok


def test_a_run_can_be_killed_and_resumed_again_and_again(plan, files):
    for calls in (2, 4, 3):
        killed_after(plan, calls, resume=True)
    run(plan, resume=True)
    run(plan, "whole")
    assert files(Path("out")) == files(Path("whole"))


@pytest.mark.parametrize("file", ["model-0.safetensors", "masks.safetensors", "unfinished-0.jsonl"])
def test_what_was_damaged_since_is_written_again(plan, files, file):
    killed_after(plan, 5)
    flip(hidden()[0] / file, 700)
    run(plan, resume=True)
    run(plan, "whole")
    assert files(Path("out")) == files(Path("whole"))


@pytest.mark.parametrize("lines", [0.5, 1, 1.5])
def test_of_a_journal_that_breaks_off_the_whole_lines_count(plan, files, lines):
    killed_after(plan, 7)
    journal = hidden()[0] / "unfinished-0.jsonl"
    whole = journal.read_bytes().splitlines(keepends=True)
    assert len(whole) >= 2
    torn = whole[int(lines)][: len(whole[int(lines)]) // 2] if lines % 1 else b""
    journal.write_bytes(b"".join(whole[: int(lines)]) + torn)
    assert resumed(plan) == SHARDS - max(int(lines) - 1, 0)
    run(plan, "whole")
    assert files(Path("out")) == files(Path("whole"))


def test_nothing_to_resume_is_a_run_from_the_start(plan):
    run(plan, resume=True)
    assert verify(plan, Path("out")).ok


def another_config(plan):
    return {
        "plan": plan_of(
            torch.nn.Sequential(*[torch.nn.Linear(64, 64) for _ in range(SHARDS)]),
            [{**CONFIG[0], "total_sparsity": 0.4}],
        )
    }


def another_pruner(plan):
    return {"pruner": "l1"}


def another_total_of_channels(plan):
    return {"pruner": "l1", **another_config(plan)}


def other_masks(plan):
    return {"masks": "none"}


def another_input(plan):
    write_input(seed=1)
    return {}


CHANGES = [another_config, another_pruner, another_total_of_channels, other_masks, another_input]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_refused(plan, change, snapshot):
    killed_after(plan, 3, pruner="l1" if change is another_total_of_channels else None)
    left = hidden()
    options = {"plan": plan, **change(plan)}
    with pytest.raises(PruneconfError) as refusal:
        run(options.pop("plan"), resume=True, **options)
    assert str(refusal.value) == snapshot
    assert hidden() == left
    assert not Path("out").exists()


def test_a_built_model_cannot_be_resumed(plan, snapshot):
    with pytest.raises(PruneconfError) as refusal:
        apply(plan, torch.nn.Sequential(*[torch.nn.Linear(64, 64) for _ in range(SHARDS)]), Path("out"), resume=True)
    assert str(refusal.value) == snapshot


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("file", ["model-1.safetensors", "masks.safetensors", "config.json"])
def test_verify_names_a_file_in_which_one_bit_differs(plan, file):
    run(plan)
    flip(Path("out") / file, -2)
    verdict = verify(plan, Path("out"))
    assert any(f"`{file}` is not the file" in fault.reason for fault in verdict.faults)


def truncated():
    os.truncate("in/model-2.safetensors", 4000)


def appended():
    with Path("in/model-2.safetensors").open("ab") as file:
        file.write(b"x")


def replaced():
    shutil.copy("in/model-1.safetensors", "other")
    Path("other").replace("in/model-1.safetensors")


def removed():
    Path("in/config.json").unlink()


@pytest.mark.parametrize("change", [truncated, appended, replaced, removed])
def test_an_input_that_changes_meanwhile(plan, change, snapshot):
    once = iter([change])

    def told(phase, _done, _total):
        if phase == "writing":
            next(once, lambda: None)()

    with pytest.raises(PruneconfError) as refusal:
        run(plan, progress=told)
    assert str(refusal.value) == snapshot
    assert not Path("out").exists()
    assert not hidden()


@pytest.mark.parametrize("after", [0, 3, 9, 14, 20])
def test_a_read_error(plan, after, files, monkeypatch, snapshot):
    before = files(Path("in"))
    left = iter(range(after))

    def preadv(*args):
        if next(left, None) is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return original(*args)

    original = os.preadv
    monkeypatch.setattr(filearray.os, "preadv", preadv)
    with pytest.raises(PruneconfError, match="input/output error"):
        run(plan)
    assert not Path("out").exists()
    assert not hidden()
    assert files(Path("in")) == before


@pytest.mark.parametrize("room", [1, SHARDS, SHARDS + 1, SHARDS + 2, SHARDS + 4])
def test_too_many_open_files(plan, room):
    """Whatever is opened last, a user is told what there is too little of."""
    free = os.dup(0)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + room, hard))
    try:
        with pytest.raises(PruneconfError, match=r"too many open files; .*allow more of them \(`ulimit -n`\)$"):
            run(plan)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not Path("out").exists()


def test_no_input_stays_open(plan):
    """Nor until Python finds the time to look for cycles: the next run opens its own."""

    def inputs():
        return [found for found in gc.get_objects() if type(found) is filearray.InputFile]

    gc.collect()
    gc.disable()
    before = inputs()
    try:
        run(plan)
        assert set(inputs()) <= set(before)
    finally:
        gc.enable()


def test_no_thread_stays_where_a_file_cannot_be_written(plan, monkeypatch):
    def refused(*_, **__):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(shardfile, "OutFile", refused)
    before = threading.active_count()
    gc.disable()
    try:
        with pytest.raises(PruneconfError, match="permission denied"):
            run(plan)
        assert threading.active_count() == before
    finally:
        gc.enable()


def test_a_read_error_while_inputs_are_hashed(plan, monkeypatch):
    """It is the input that is named, not the output, which is being written."""

    def told(phase, _done, _total):
        if phase == "hashing":
            monkeypatch.setattr(filearray.os, "preadv", failing)

    def failing(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    torch.save(torch.nn.Sequential(*[torch.nn.Linear(64, 64) for _ in range(SHARDS)]).state_dict(), "weights.pt")
    with pytest.raises(PruneconfError, match=r"^cannot read `weights\.pt`: input/output error; check its disk"):
        apply(plan, Path("weights.pt"), Path("out"), progress=told)
    assert not Path("out").exists()
    assert not hidden()


def stored(header, data=b"\0" * 16):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(start, end, shape=(2,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


MALFORMED = {
    "empty": b"",
    "header longer than the file": (1 << 40).to_bytes(8, "little") + b"{}",
    "header length cut off": b"\1\0\0",
    "no JSON": stored(b"{'a': 1"),
    "no UTF-8": stored(b'{"\xff": 1}'),
    "no object": stored(["a"]),
    "overlapping": stored({"a": entry(0, 8), "b": entry(4, 12)}),
    "a hole": stored({"a": entry(0, 8), "b": entry(12, 20)}, b"\0" * 20),
    "too short": stored({"a": entry(0, 8), "b": entry(8, 16)}, b"\0" * 12),
    "too long": stored({"a": entry(0, 8), "b": entry(8, 16)}, b"\0" * 17),
    "backwards": stored({"a": entry(8, 0)}),
    "negative": stored({"a": entry(-8, 0)}),
    "another shape": stored({"a": entry(0, 16, (3,))}),
    "an overflowing shape": stored({"a": entry(0, 16, (1 << 62, 16))}),
    "another dtype": stored({"a": entry(0, 16, (4,), "F64")}),
    "an unknown dtype": stored({"a": entry(0, 16, (4,), "F31")}),
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_a_malformed_shard_is_named(plan, files, fault):
    shard = Path("in/model-2.safetensors")
    shard.write_bytes(MALFORMED[fault])
    before = files(Path("in"))
    with pytest.raises(PruneconfError, match=r"`in/model-2\.safetensors` is damaged or no safetensors file"):
        run(plan)
    assert not Path("out").exists()
    assert not hidden()
    assert files(Path("in")) == before
