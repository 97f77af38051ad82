"""Four processes that save models in shards with torch.distributed.checkpoint; argument: the directory to save into.

`fsdp` is FSDP2's with its optimizer; `grid` is cut along two axes in several ways, and a process writes several files.
"""

import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint import FileSystemWriter
from torch.distributed.checkpoint.state_dict import get_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Replicate, Shard, distribute_tensor

SIDE, SIZE = 26, 4


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(*[torch.nn.Linear(SIDE + i, SIDE + i + 1) for i in range(4)], torch.nn.Conv2d(3, 5, 3))


def save(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=SIZE)
    sharded = model()
    for layer in sharded:
        fully_shard(layer)
    optimizer = torch.optim.Adam(fully_shard(sharded).parameters())
    for parameter in sharded.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for parameter, whole in zip(sharded.parameters(), model().parameters(), strict=True):
        parameter.data.copy_(distribute_tensor(whole.data, parameter.device_mesh, parameter.placements))
    weights, state = get_state_dict(sharded, optimizer)
    dcp.save({"app": {"model": weights, "optim": state}, "epoch": 3}, checkpoint_id=folder / "fsdp")
    mesh = init_device_mesh("cpu", (2, 2))
    rows, columns, copies = Shard(0), Shard(1), Replicate()
    placements = [[rows, columns], [copies, columns], [columns, rows], [columns, columns], [rows, columns]]
    grid = {
        name: distribute_tensor(tensor, mesh, placements[i // 2] if tensor.ndim > 1 else [copies, rows])
        for i, (name, tensor) in enumerate(model().state_dict().items())
    }
    several = FileSystemWriter(folder / "grid", single_file_per_rank=False)
    dcp.save({"state_dict": grid}, storage_writer=several)
    dist.destroy_process_group()


if __name__ == "__main__":
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    pids = []
    for number in range(SIZE):
        if not (pid := os.fork()):
            save(number, Path(sys.argv[1]))
            os._exit(0)
        pids.append(pid)
    sys.exit(any(os.waitpid(pid, 0)[1] for pid in pids))
