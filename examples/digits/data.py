"""The digits that ship with scikit-learn, as tensors."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn


def load() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training images and labels, then those held out: floats in [0, 1] of shape (N, 1, 8, 8), and ints."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    train, test = train_test_split(range(len(labels)), test_size=0.3, random_state=0, stratify=digits.target)
    return images[train], labels[train], images[test], labels[test]


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images that the model gets right."""
    model.eval()
    with torch.no_grad():
        return (model(images).argmax(1) == labels).float().mean().item()
