"""Train the network from nothing and write weights.safetensors: a few seconds on a CPU."""

from pathlib import Path

import torch
from data import accuracy, load
from model import build_model
from safetensors.torch import save_file

EPOCHS = 20
L1_PENALTY = 1e-3
"""Pulls weights that matter little towards zero during training, so that pruning them afterwards costs little."""


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the same sums in the same order, however many cores there are
    images, labels, test_images, test_labels = load()
    model = build_model()
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, total_iters=EPOCHS)
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(labels)).split(64):
            loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
            loss = loss + L1_PENALTY * sum(weight.abs().sum() for weight in weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    save_file(model.state_dict(), Path(__file__).with_name("weights.safetensors"))
    print(f"accuracy on held-out digits: {100 * accuracy(model, test_images, test_labels):.2f} %")


if __name__ == "__main__":
    main()
