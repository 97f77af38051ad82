"""Several processes that prune one checkpoint: the same bytes as one, and one message where one of them fails."""

import json
import os
import shutil
import socket
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import distributed

if not distributed.is_available():
    pytest.skip("this torch has no torch.distributed", allow_module_level=True)

from torch.distributed import checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled")

LAYERS, SIDE = 5, 40
CONFIGS = {
    "capped": ["- op_types: [Linear]", "  total_sparsity: 0.7", "  max_sparsity_per_layer: 0.72"],
    "each": ["- op_types: [Linear]", "  sparsity_per_layer: 0.43"],
    "channels": ["- op_names: ['0', '1', '2']", "  sparsity_per_layer: 0.5"],
}
SHAPES = {"weight": (SIDE, SIDE), "bias": (SIDE,)}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A directory with a model, a checkpoint in three shards with many ties, configs, and what one process makes."""
    folder = tmp_path_factory.mktemp("together")
    (folder / "in").mkdir()
    torch.manual_seed(0)
    weight_map = {}
    for file, layers in (("a", (0, 1)), ("b", (2, 3)), ("c", (4,))):
        tensors = {f"{i}.weight": torch.randn(SIDE, SIDE).bfloat16() for i in layers}
        tensors |= {f"{i}.bias": torch.randn(SIDE) for i in layers}
        save_file(tensors, folder / "in" / f"{file}.safetensors", {"format": "pt"})
        weight_map |= dict.fromkeys(tensors, f"{file}.safetensors")
    (folder / "in" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    (folder / "in" / "config.json").write_text("{}")
    state = {name: load_file(folder / "in" / file)[name] for name, file in weight_map.items()}
    checkpoint.save({"model": state}, checkpoint_id=folder / "dcp", no_dist=True)
    (folder / "model.py").write_text(
        "import torch\n\n\ndef build_model():\n"
        f"    return torch.nn.Sequential(*[torch.nn.Linear({SIDE}, {SIDE}) for _ in range({LAYERS})])\n"
    )
    for name, lines in CONFIGS.items():
        (folder / f"{name}.yaml").write_text("\n".join(lines) + "\n")
    subprocess.run(
        [sys.executable, "-m", "pruneconf", "trace", "model.py", "-o", "net.graph.json"], cwd=folder, check=True
    )
    return folder


fresh = count()


@pytest.fixture(scope="module")
def stage():
    """`stage(folder, size, arguments, victim)` runs that many processes; their statuses, and what they said."""
    command = [sys.executable, str(Path(__file__).with_name("stage.py"))]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "FATAL"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:

        def run(folder, size, arguments, victim=None):
            told = folder / f"told{next(fresh)}"
            asked = {"folder": str(folder), "size": size, "arguments": arguments, "victim": victim, "told": str(told)}
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline()), told.read_text()

        yield run
        process.stdin.close()


def arguments(config, out, *options, weights="in"):
    return ["apply", "net.graph.json", f"{config}.yaml", "--weights", weights, "-o", out, *options]


def by_one(stage, home, config, *options):
    out = home / f"one{next(fresh)}"
    assert stage(home, 1, arguments(config, out.name, *options))[0] == [0]
    return out


@pytest.mark.parametrize(
    ("size", "config", "options"),
    [
        (2, "capped", ()),
        (4, "capped", ("--masks", "none")),
        (4, "each", ("--masks", "packed")),
        (2, "channels", ("--pruner", "l1")),
    ],
)
def test_the_same_bytes_as_one_process(stage, home, files, size, config, options):
    out = home / f"out{next(fresh)}"
    ended, told = stage(home, size, arguments(config, out.name, *options))
    assert ended == [0] * size, told
    assert files(out) == files(by_one(stage, home, config, *options))
    assert told.count("weights masked") == 1


@pytest.mark.parametrize("config", ["capped", "each"])
def test_each_process_ranks_on_a_device_of_its_own(stage, home, files, config):
    out = home / f"out{next(fresh)}"
    ended, told = stage(home, 2, arguments(config, out.name, "--device", "strict"))
    assert ended == [0, 0], told
    assert files(out) == files(by_one(stage, home, config))


def test_a_directory_of_distributed_checkpoint(stage, home, files):
    one, two = (home / f"out{next(fresh)}" for _ in range(2))
    for size, out in ((1, one), (2, two)):
        ended, told = stage(home, size, arguments("capped", out.name, weights="dcp"))
        assert ended == [0] * size, told
    assert files(one) == files(two)
    assert files(one)["masks.safetensors"]


def test_torchrun(stage, home, files):
    out = home / f"out{next(fresh)}"
    run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "pruneconf"]
    subprocess.run([sys.executable, *run, *arguments("capped", out.name)], cwd=home, check=True, timeout=120)
    assert files(out) == files(by_one(stage, home, "capped"))


FAILURES = {
    "killed before ranking": (1, "SIGKILL", "pruneconf.pruning.apply:locate"),
    "killed while ranking": (2, "SIGKILL", "pruneconf.pruning.search:Ground.tally"),
    "stopped while ranking": (1, "SIGSTOP", "pruneconf.pruning.search:Ground._count"),
    "the first stopped while ranking": (0, "SIGSTOP", "pruneconf.pruning.search:Ground._count"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_one_that_fails_ends_all(stage, home, failure, snapshot):
    ended, told = stage(home, 3, arguments("capped", "never", *patience(FAILURES[failure])), FAILURES[failure])
    assert ended == [2, 2, None]
    assert told == snapshot
    assert not (home / "never").exists()
    assert not left_of(home, "never")


def patience(fault):
    return ("--stall-timeout", "5") if fault[1] == "SIGSTOP" else ()


def left_of(home, out):
    return [path for path in home.iterdir() if path.name.startswith(f".{out}.")]


STOPS = {
    "killed while writing": (1, "SIGKILL", "pruneconf.pruning.writer:CheckpointWriter._advance"),
    "killed with its shard written": (1, "SIGKILL", "pruneconf.pruning.writer:CheckpointWriter._merged"),
    "stopped while writing": (2, "SIGSTOP", "pruneconf.pruning.writer:CheckpointWriter._advance"),
    "the first killed": (0, "SIGKILL", "pruneconf.pruning.apply:report_on"),
    "the first killed while hashing": (0, "SIGKILL", "pruneconf.pruning.inorder:InOrder._hash_to"),
}


@pytest.mark.parametrize(("stop", "size"), [*zip(STOPS, (4, 2, 1, 3, 2), strict=True)])
def test_as_many_as_you_like_go_on(stage, home, files, stop, size, snapshot):
    out = home / f"out{next(fresh)}"
    masks = "--masks", "packed"
    ended, told = stage(home, 3, arguments("capped", out.name, *patience(STOPS[stop]), *masks), STOPS[stop])
    assert ended == [2, 2, None]
    assert told == snapshot
    assert not out.exists()
    assert len(left_of(home, out.name)) == 1
    ended, told = stage(home, size, arguments("capped", out.name, "--resume", *masks))
    assert ended == [0] * size, told
    assert files(out) == files(by_one(stage, home, "capped", *masks))
    assert not left_of(home, out.name)


def test_what_one_process_left_others_take_over(stage, home, files):
    out = home / f"out{next(fresh)}"
    stage(home, 1, arguments("capped", out.name), (0, "SIGKILL", "pruneconf.pruning.apply:report_on"))
    assert len(left_of(home, out.name)) == 1
    untouched = (1, "SIGKILL", "pruneconf.pruning.writer:CheckpointWriter._write_shard")
    assert stage(home, 2, arguments("capped", out.name, "--resume"), untouched)[0] == [0, 0]
    assert files(out) == files(by_one(stage, home, "capped"))


def test_another_run_clears_away_what_is_left(stage, home, files):
    out = home / f"out{next(fresh)}"
    stage(home, 2, arguments("capped", out.name), STOPS["the first killed"])
    assert len(left_of(home, out.name)) == 1
    assert stage(home, 2, arguments("capped", out.name))[0] == [0, 0]
    assert files(out) == files(by_one(stage, home, "capped"))
    assert not left_of(home, out.name)


def test_one_that_dies_when_all_is_written_does_not_matter(stage, home, files):
    out = home / f"out{next(fresh)}"
    ended, told = stage(home, 3, arguments("capped", out.name), (1, "SIGKILL", "pruneconf.pruning.team:Team.publish"))
    assert ended == [0, 0, None], told
    assert files(out) == files(by_one(stage, home, "capped"))


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("error", ["ENOSPC", "EACCES"])
def test_the_disk_of_one_fails_all(stage, home, rank, error, snapshot):
    place = "pruneconf.pruning.writer:CheckpointWriter._advance"
    ended, told = stage(home, 2, arguments("capped", "never"), (rank, error, place))
    assert ended == [2, 2]
    assert told.replace(str(home.resolve()), "HOME") == snapshot
    assert not (home / "never").exists()
    assert not left_of(home, "never")


def test_masks_that_cannot_be_read_again_fail_all(stage, home, snapshot):
    ended, told = stage(home, 2, arguments("capped", "never"), (0, "EIO", "pruneconf.pruning.inorder:InOrder._hash_to"))
    assert ended == [2, 2]
    assert told.replace(str(home.resolve()), "HOME") == snapshot
    assert not left_of(home, "never")


def test_a_failure_of_all_is_told_once(stage, home, tmp_path, snapshot):
    broken = tmp_path / "here"
    shutil.copytree(home, broken, ignore=shutil.ignore_patterns("out*", "one*", "told*"))
    weights = {f"{i}.{name}": torch.full(shape, torch.nan) for i in (0, 1) for name, shape in SHAPES.items()}
    save_file(weights, broken / "in" / "a.safetensors")
    assert stage(broken, 2, arguments("capped", "never"))[0] == [2, 2]
    assert stage(broken, 2, arguments("capped", "never"))[1] == snapshot
    assert not (broken / "never").exists()


def test_what_is_for_one_process(stage, home, snapshot):
    model = ["apply", "model.py", "channels.yaml", "--weights", "in", "-o", "never", "--compact", "--pruner", "l1"]
    ended, told = stage(home, 2, model)
    assert ended == [2, 2]
    assert told.splitlines()[-1] == snapshot


def test_lint_errors_are_told_once(stage, home, snapshot):
    (home / "wrong.yaml").write_text("- op_types: [Linear]\n  total_sparsity: 1.5\n")
    ended, told = stage(home, 2, arguments("wrong", "never"))
    assert len(set(ended)) == 1
    assert told == snapshot


@pytest.mark.parametrize(("script", "size"), [("fsdp.py", 2), ("fsdp.py", 4), ("apart.py", 2)])
def test_processes_of_their_own(script, size):
    """The assertions are made in the processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, str(Path(__file__).with_name(script))]
    processes = [subprocess.Popen([*command, str(rank), str(size), str(port)], env=env) for rank in range(size)]
    try:
        assert [process.wait(100) for process in processes] == [0] * size
    finally:
        for process in processes:
            process.kill()
