"""Print the accuracy of a weights file on the held-out digits: python evaluate.py WEIGHTS."""

import sys

from data import accuracy, load
from model import build_model
from safetensors.torch import load_file


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python evaluate.py WEIGHTS")
    model = build_model()
    model.load_state_dict(load_file(sys.argv[1]))
    _, _, images, labels = load()
    print(f"{100 * accuracy(model, images, labels):.2f} %")


if __name__ == "__main__":
    main()
