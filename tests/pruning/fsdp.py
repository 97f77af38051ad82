"""One of several processes that prune a model in shards (FSDP2, tensor parallel, both with copies) as `prune` does one.

Arguments: rank, number of processes, port.
"""

import os
import sys

import pytest
import torch
import torch.distributed as dist
from strict_device import NAME
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
WHOLE = [{"op_types": ["Linear"], "total_sparsity": 0.7}, {"op_names": ["1"], "sparsity_per_layer": 0.37}]
"""With `in_formats`, layers are masked whole."""


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(*[torch.nn.Linear(SIDE + i, SIDE + i + 1) for i in range(4)]).bfloat16()


def compare(sharded, plain, config=CONFIG):
    """The pruned model and its masks, gathered, are what one process makes of a model of its own."""
    plan = plan_of(plain, config)
    masks = pruneconf.prune(sharded, plan)
    wanted = pruneconf.prune(plain, plan)
    assert list(masks) == list(wanted)
    for name, parameter in sharded.named_parameters():
        own = dict(plain.named_parameters())[name]
        assert torch.equal(whole(parameter), own.view(torch.uint8)), name
        if name in wanted:
            mask = masks[name]
            assert isinstance(mask, DTensor) == isinstance(parameter, DTensor)
            assert mask.device == parameter.device
            assert torch.equal(whole(mask), wanted[name].view(torch.uint8)), name


def whole(tensor):
    """The bytes of all of a tensor, in memory."""
    if isinstance(tensor, DTensor):
        mesh = init_device_mesh("cpu", tensor.device_mesh.shape)
        small = tensor.element_size() == 1  # gloo knows few such dtypes
        tensor = brought(tensor, mesh, torch.uint8 if small else tensor.dtype).full_tensor()
    return tensor.detach().cpu().view(torch.uint8)


def brought(tensor, mesh, dtype=None):
    """A DTensor whose parts are on the devices of another mesh, seen as of another dtype of the same size."""
    part = tensor.detach().to_local().to(mesh.device_type).view(dtype or tensor.dtype)
    return DTensor.from_local(
        part, mesh, tensor.placements, run_check=False, shape=tensor.shape, stride=tensor.stride()
    )


def on_device(model):
    """A model whose weights are brought to a device, as they are sharded."""
    mesh = {layer.weight.device_mesh.shape for layer in model if isinstance(layer.weight, DTensor)}
    mesh = init_device_mesh(NAME, *mesh)
    for layer in model:
        weight = layer.weight.detach()
        weight = brought(weight, mesh) if isinstance(weight, DTensor) else weight.to(NAME)
        layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    return model


def in_formats(model):
    """Every layer in a format of its own, the last with weights that the one before cannot have."""
    dtypes = torch.bfloat16, torch.float32, torch.float8_e4m3fnuz, torch.float16
    for layer, dtype, factor in zip(model, dtypes, (1, 1, 1, 300_000), strict=True):
        layer.weight = torch.nn.Parameter((layer.weight.detach() * factor).to(dtype), requires_grad=False)
    return model


def placed(mesh, *placements):
    found = model()
    for layer, placement in zip(found, placements, strict=True):
        layer.weight = torch.nn.Parameter(distribute_tensor(layer.weight.data, mesh, placement), requires_grad=False)
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
    sharded, mesh = model(), init_device_mesh("cpu", (size,))
    for layer in sharded:
        fully_shard(layer, mesh=mesh)
    compare(fully_shard(sharded, mesh=mesh), model())
    mesh = init_device_mesh("cpu", (2, size // 2))
    rows, columns, copies = Shard(0), Shard(1), Replicate()
    placements = [rows, columns], [copies, columns], [rows, copies], [copies, copies]
    for bring in (lambda each: each, on_device):
        compare(bring(placed(mesh, *placements)), model())
        compare(bring(in_formats(placed(mesh, *placements))), in_formats(model()), WHOLE)
        mixed = model()
        mixed[0].weight = torch.nn.Parameter(distribute_tensor(mixed[0].weight.data, mesh, [columns, rows]))
        compare(bring(mixed), model())
    refusals(mesh)
    dist.barrier()
    os._exit(0)  # the groups of the meshes outlive `destroy_process_group`, and their threads may abort at the end


main(*map(int, sys.argv[1:]))
