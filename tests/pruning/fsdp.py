"""One of several processes that prune a model in shards (FSDP2, tensor parallel, both with copies) as `prune` does one.

Arguments: rank, number of processes, port.
"""

import os
import sys

import pytest
import torch
import torch.distributed as dist
from tied import plan_of
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

import pruneconf

SIDE = 26
CONFIG = [
    {"op_types": ["Linear"], "total_sparsity": 0.6, "max_sparsity_per_layer": 0.62},
    {"op_names": ["1"], "sparsity_per_layer": 0.37},
]


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(*[torch.nn.Linear(SIDE + i, SIDE + i + 1) for i in range(4)]).bfloat16()


def compare(sharded, plain):
    """The pruned model and its masks, gathered, are what one process makes of a model of its own."""
    plan = plan_of(plain, CONFIG)
    masks = pruneconf.prune(sharded, plan)
    wanted = pruneconf.prune(plain, plan)
    assert list(masks) == list(wanted)
    for name, parameter in sharded.named_parameters():
        whole = parameter.full_tensor() if isinstance(parameter, DTensor) else parameter
        assert torch.equal(whole.view(torch.int16), dict(plain.named_parameters())[name].view(torch.int16)), name
        if name in wanted:
            mask = masks[name]
            assert isinstance(mask, DTensor) == isinstance(parameter, DTensor)
            assert torch.equal(mask.full_tensor() if isinstance(mask, DTensor) else mask, wanted[name]), name


def placed(mesh, *placements):
    found = model()
    for layer, placement in zip(found, placements, strict=True):
        layer.weight = torch.nn.Parameter(distribute_tensor(layer.weight.data, mesh, placement))
    return found


def refusals(mesh):
    found = placed(mesh, *[[Shard(0), Replicate()]] * 4)
    for options in ({"pruner": "l1"}, {"masks": "packed"}):
        config = [{"op_names": ["1"], "sparsity_per_layer": 0.5}]
        with pytest.raises(pruneconf.PruneconfError, match="DTensor"):
            pruneconf.prune(found, plan_of(model(), config), **options)
    with torch.no_grad():
        found[2].weight.to_local().fill_(torch.nan)
    with pytest.raises(pruneconf.PruneconfError, match=f"has {(SIDE + 2) * (SIDE + 3)} NaN"):
        pruneconf.prune(found, plan_of(model(), CONFIG))


def main(rank, size, port):
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    sharded = model()
    for layer in sharded:
        fully_shard(layer)
    compare(fully_shard(sharded), model())
    mesh = init_device_mesh("cpu", (2, size // 2))
    rows, columns, copies = Shard(0), Shard(1), Replicate()
    compare(placed(mesh, [rows, columns], [copies, columns], [rows, copies], [copies, copies]), model())
    mixed = model()
    mixed[0].weight = torch.nn.Parameter(distribute_tensor(mixed[0].weight.data, mesh, [columns, rows]))
    compare(mixed, model())
    refusals(mesh)
    dist.barrier()
    os._exit(0)  # the groups of the meshes outlive `destroy_process_group`, and their threads may abort at the end


main(*map(int, sys.argv[1:]))
