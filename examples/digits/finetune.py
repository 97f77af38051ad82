"""Prune the trained network harder than it can bear, in memory, and fine-tune it with its masks attached."""

from pathlib import Path

import torch
from data import accuracy, load
from model import build_model
from safetensors.torch import load_file

import pruneconf

HERE = Path(__file__).parent
EPOCHS = 5
CONFIG = [
    {"op_types": ["Conv2d", "Linear"], "total_sparsity": 0.95, "max_sparsity_per_layer": 0.97},
    {"op_names": ["stem"], "sparsity_per_layer": 0.25},
    {"op_names": ["classifier"], "exclude": True},
]


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    images, labels, test_images, test_labels = load()
    model = build_model()
    model.load_state_dict(load_file(HERE / "weights.safetensors"))
    print(f"trained      {100 * accuracy(model, test_images, test_labels):6.2f} %")

    plan = pruneconf.resolve(pruneconf.load(CONFIG), pruneconf.trace(model))
    masks = pruneconf.prune(model, plan)
    print(f"pruned       {100 * accuracy(model, test_images, test_labels):6.2f} %")

    handle = pruneconf.attach(model, masks)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(labels)).split(64):
            loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    handle.remove()
    kept_zero = all((model.get_parameter(name)[~mask] == 0).all() for name, mask in masks.items())
    print(f"fine-tuned   {100 * accuracy(model, test_images, test_labels):6.2f} %")
    print(f"masked weights are still zero: {'yes' if kept_zero else 'NO'}")


if __name__ == "__main__":
    main()
