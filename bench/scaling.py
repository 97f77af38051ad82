"""How long `apply` takes on many hosts, by simulation: rank by rank and pass by pass, from rates measured here.

Run as `python bench/scaling.py` for the table, with `--check` for a comparison with runs of 1, 2 and 4 processes on
this machine (needs 4 GB in the temporary directory). What hosts, network and storage do are inputs: see `--help`.
"""

from __future__ import annotations

import argparse
import heapq
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rates import Host, measured

MODELS = {"1 B": (16, 2304), "10 B": (40, 4608), "100 B": (96, 9216), "1 T": (128, 25600)}
"""Blocks and width of dense transformers with 12 width² weights a block."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run moves (bytes, of the busiest process where `rank` is in the name) and how long its phases take.

    `masks` is what is left of hashing them when all is written.
    """

    read: int
    written: int
    rank_sent: float
    messages: int
    memory: int
    ranking: float
    writing: float
    masks: float

    @property
    def seconds(self) -> float:
        return self.ranking + self.writing + self.masks


SAMPLED = 1 << 22
"""Weights that are looked at first, of very many."""
WINDOW = {32: 18, 16: 4}
"""The binary logarithm of how many magnitudes lie where such a sample says that the threshold is, by width in bits."""


def bins(bits: int, weights: int, rows: int) -> list[int]:
    """The binary logarithms of the bins of each pass over so many weights, to find one of 2^bits magnitudes, with so
    many histograms.
    """
    most = max(8, min(16, weights.bit_length() - 4, ((1 << 20) // rows).bit_length() - 1))
    left, found = bits, []
    while left:
        found.append(left // -(-left // most))
        left -= found[-1]
    return found


def sums(layers: int, weights: int, width: int, *, sampled: int = 0, window: int = 0, rows: int = 1) -> list[int]:
    """The bytes of each sum over all processes in one round of ranking; see docs/scaling.md.

    Both ends of the window are looked for in what is sampled, then the threshold in a window of 2^window magnitudes.
    """
    ends = [16 * (rows << each) for each in (bins(width - 1, sampled, 2 * rows) if sampled else [])]
    inside = [8 * (rows << each) for each in bins(window if sampled else width - 1, weights, rows)]
    return [8 * layers, *ends, 24 * layers, *inside, 16 * layers, 8]


def tensors(blocks: int, width: int) -> list[int]:
    """The sizes of the weights, in elements."""
    return ([width * width] * 4 + [width * (8 * width // 3)] * 3) * blocks


def shards(sizes: Sequence[int], most: int) -> list[int]:
    """Whole tensors put into files one after another, each of at most so many bytes, unless one tensor has more."""
    found = [0]
    for size in sizes:
        if found[-1] and found[-1] + size > most:
            found.append(0)
        found[-1] += size
    return found


def dealt(files: Sequence[int], ranks: int) -> list[list[int]]:
    """The numbers of the files of each rank, in order: the largest first, each to the one that has least so far."""
    hands: list[list[int]] = [[] for _ in range(ranks)]
    loads = [(0, rank) for rank in range(ranks)]
    for number in sorted(range(len(files)), key=lambda number: -files[number]):
        load, rank = heapq.heappop(loads)
        hands[rank].append(number)
        heapq.heappush(loads, (load + files[number], rank))
    return [sorted(hand) for hand in hands]


def reduced(size: int, ranks: int, host: Host) -> float:
    """Seconds for a sum of so many bytes by a ring: 2 (P - 1) steps, each with a P-th of them."""
    return 2 * (ranks - 1) * (host.latency + size / ranks / host.link)


def written(files: Sequence[int], host: Host, mask: float) -> list[float]:
    """Seconds after which a process has written each of its files, a few side by side.

    `mask` is bytes of mask a byte of weights.
    """
    slots = [0.0] * max(1, min(4, host.threads))
    ends = []
    for size in files:
        ends.append(heapq.heappop(slots) + size * max(1 / host.mask, 1 / host.hash))
        heapq.heappush(slots, ends[-1])
    total = sum(files)
    work = total * (1 / host.mask + 2 / host.hash) / host.cores
    whole = max(*slots, work, total / host.read, total * (1 + mask) / host.write)
    return [end * whole / max(slots) for end in ends]


def hashed(parts: Sequence[float], there: Sequence[float], rate: float) -> float:
    """Seconds after which parts of a file (bytes) are hashed one after another, each when it is there."""
    now = 0.0
    for size, since in zip(parts, there, strict=True):
        now = max(now, since) + size / rate
    return now


def simulate(
    sizes: Sequence[int], itemsize: int, files: Sequence[int], ranks: int, host: Host, *, spread: float, bits: int = 1
) -> Run:
    """A run with these weights (elements) in these files (bytes), all ranked together without caps. A rank is slower
    than `host` by a factor 1 + |normal(0, spread)|; masks have so many bits an element.
    """
    slow = [1 + abs(random.Random(rank).gauss(0, spread)) for rank in range(ranks)]
    total = sum(sizes)
    share = total * itemsize / ranks
    rate = min(host.read, host.store / ranks, host.count * min(host.threads, host.cores))
    exchanged = sums(len(sizes), total, 8 * itemsize, sampled=SAMPLED, window=WINDOW[8 * itemsize])
    ranking = max(slow) * share / rate + sum(reduced(size, ranks, host) for size in exchanged)
    mask = bits / 8 / itemsize
    there = [0.0] * len(files)
    for factor, hand in zip(slow, dealt(files, ranks), strict=True):
        for number, end in zip(hand, written([files[number] for number in hand], host, mask), strict=True):
            there[number] = factor * end
    writing = max(*there, sum(files) * (2 + mask) / host.store)
    there = [end * writing / max(there) for end in there]
    masks = hashed([size * mask for size in files], there, min(host.read, host.store, host.hash) / slow[0]) - writing
    gathered = ranks * (300 * len(sizes) + 300 * len(files))
    found = 300 * round(share / itemsize) >> 23  # in each stretch of 2^23 weights
    memory = 2 * max(exchanged) + host.threads * (4 << 20) + (64 << 20) + gathered + found
    sent = sum(2 * (ranks - 1) / ranks * size for size in exchanged)
    steps = 2 * (ranks - 1) * len(exchanged)
    bytes_read = total * itemsize * 2 + total * bits // 8
    return Run(bytes_read, sum(files) + total * bits // 8, sent, steps, memory, ranking, writing, masks)


def table(host: Host, options: argparse.Namespace) -> Iterator[str]:
    columns = "weights|hosts|files|read|written|messages, sent a rank|memory a rank|ranking|writing|masks left|in all"
    yield f"| {columns.replace('|', ' | ')} |"
    yield "|---" * len(columns.split("|")) + "|"
    for name, shape in MODELS.items():
        sizes = tensors(*shape)
        files = shards([2 * size for size in sizes], int(options.shard * 1e9))
        for ranks in (1, 4, 16, 64, 256):
            run = simulate(sizes, 2, files, ranks, host, spread=options.spread, bits=options.bits)
            yield (
                f"| {name} | {ranks} | {len(files)} | {run.read / 1e9:,.0f} GB | {run.written / 1e9:,.0f} GB "
                f"| {run.messages:,}, {run.rank_sent / 1e6:.1f} MB | {run.memory / (1 << 20):,.0f} MiB "
                f"| {run.ranking:,.1f} s | {run.writing:,.1f} s | {run.masks:,.1f} s | {run.seconds:,.1f} s |"
            )


def check(host: Host) -> Iterator[str]:
    """What 12 more layers of 67 MB take, really and simulated: the difference leaves out what starting takes."""
    import distributed
    import stream

    stream.PER_SHARD = 1
    took: dict[tuple[int, int], float] = {}
    layers = 4, 16
    for number in layers:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            stream.make(folder / "in", number)
            (folder / "model.py").write_text(
                "import torch\n\n\ndef build_model():\n"
                f"    return torch.nn.Sequential(*[torch.nn.Linear(4096, 4096, bias=False) for _ in range({number})])\n"
            )
            (folder / "cfg.yaml").write_text("- op_types: [Linear]\n  total_sparsity: 0.8\n")
            trace = [sys.executable, "-m", "pruneconf", "trace", "model.py", "-o", "net.graph.json"]
            subprocess.run(trace, cwd=folder, check=True)
            for ranks in (1, 2, 4):
                env = distributed.team(ranks, "127.0.0.1", ["lo"]) if ranks > 1 else [{"OMP_NUM_THREADS": "1"}]
                took[number, ranks] = distributed.timed(folder, [distributed.command(f"out{ranks}")] * ranks, env)
    for ranks in (1, 2, 4):
        here = replace(host, cores=host.cores / ranks, read=1e10, write=host.write / ranks)
        found = [simulate([1 << 24] * n, 4, [1 << 26] * n, ranks, here, spread=0).seconds for n in layers]
        real, expected = took[layers[1], ranks] - took[layers[0], ranks], found[1] - found[0]
        yield f"{ranks} processes: {real:.2f} s, simulated {expected:.2f} s, {real / expected:.2f} times"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with runs on this machine")
    parser.add_argument("--read", type=float, default=2, help="GB/s that a host reads (%(default)s)")
    parser.add_argument("--write", type=float, default=1, help="GB/s that a host writes (%(default)s)")
    parser.add_argument("--store", type=float, default=100, help="GB/s of the storage for all hosts (%(default)s)")
    parser.add_argument("--link", type=float, default=1.25, help="GB/s between two hosts (%(default)s)")
    parser.add_argument("--latency", type=float, default=100, help="µs a message (%(default)s)")
    parser.add_argument("--cores", type=int, default=16, help="cores and threads of a host (%(default)s)")
    parser.add_argument("--shard", type=float, default=5, help="GB in a file at the most (%(default)s)")
    parser.add_argument("--spread", type=float, default=0.1, help="how unequal hosts are (%(default)s)")
    parser.add_argument("--bits", type=int, default=1, help="bits of mask an element, 1 or 8 (%(default)s)")
    options = parser.parse_args()
    here = measured(4 if options.check else 2)
    rates = {name: getattr(here, name) / 1e6 for name in ("read", "write", "hash", "count", "mask", "link")}
    print("MB/s here:", ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()))
    print(f"gloo: {here.latency * 1e6:.0f} µs a step")
    if options.check:
        print(*check(here), sep="\n")
        return
    host = replace(
        here, read=options.read * 1e9, write=options.write * 1e9, link=options.link * 1e9, store=options.store * 1e9,
        latency=options.latency / 1e6, cores=options.cores, threads=options.cores,
    )  # fmt: skip
    print(*table(host, options), sep="\n")


if __name__ == "__main__":
    main()
