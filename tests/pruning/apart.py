"""One of two processes whose group, as one with NCCL alone, takes no tensors that are in memory.

Arguments: rank, number of processes, port.
"""

import sys

import numpy as np
import torch
import torch.distributed as dist
from strict_device import NAME

from pruneconf.pruning.team import Team


class Apart(dist.ProcessGroup):
    """Gloo for tensors on the device of the tests."""

    _device_types = (torch.device(NAME),)

    def __init__(self, store, rank, size, timeout):
        super().__init__(rank, size)
        self._inner = dist.ProcessGroupGloo(store, rank, size, timeout)

    def allreduce(self, tensors, options):
        for tensor in tensors:
            assert tensor.device == torch.device(NAME, self.rank()), tensor.device
            here = tensor.cpu()
            self._inner.allreduce([here], options).wait()
            tensor.copy_(here)
        return Done()

    def allgather(self, outputs, inputs, options):
        for found, mine in zip(outputs, inputs, strict=True):
            assert {tensor.device.type for tensor in (*found, mine)} == {NAME}
            here = [tensor.cpu() for tensor in found]
            self._inner.allgather([here], [mine.cpu()]).wait()
            for tensor, each in zip(found, here, strict=True):
                tensor.copy_(each)
        return Done()


class Done(dist.Work):
    def wait(self, timeout=None):
        return True


def main(rank, size, port):
    torch.get_device_module(NAME).current_device = lambda: rank
    dist.Backend.register_backend("apart", Apart, devices=[NAME])
    dist.init_process_group("apart", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    team = Team(rank, size)
    assert team.sum(np.array([1, 1 << 60, -rank])).tolist() == [size, size << 60, -1]
    assert team.gather({"rank": rank}) == [{"rank": 0}, {"rank": 1}]
    dist.destroy_process_group()


main(*map(int, sys.argv[1:]))
