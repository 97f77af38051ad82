"""What is known of layer types by their names alone."""

from __future__ import annotations

_TORCH_TYPES = """
AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool2d AvgPool1d AvgPool2d AvgPool3d BatchNorm1d
BatchNorm2d BatchNorm3d Bilinear CELU Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d Dropout
Dropout2d ELU Embedding EmbeddingBag Flatten GELU GLU GRU GRUCell GroupNorm Hardsigmoid Hardswish Hardtanh Identity
InstanceNorm1d InstanceNorm2d InstanceNorm3d LSTM LSTMCell LayerNorm LazyConv1d LazyConv2d LazyConv3d LazyLinear
LeakyReLU Linear LogSoftmax MaxPool1d MaxPool2d MaxPool3d Mish ModuleDict ModuleList MultiheadAttention PReLU
PixelShuffle RMSNorm RNN RNNCell ReLU ReLU6 Sequential SiLU Sigmoid Softmax Softplus SyncBatchNorm Tanh Transformer
TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer Unfold Upsample ZeroPad2d
"""
TORCH_TYPES = frozenset(_TORCH_TYPES.split())
"""Module classes of torch.nn that people may write under `op_types`."""

RECURRENT = frozenset(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"))
"""Their weights are called `weight_ih_l0`, `weight_hh_l0`, ...: none is called `weight`."""


def scales_or_embeds(layer_type: str) -> bool:
    """Whether this is a normalisation or an embedding (`BatchNorm2d`, `LlamaRMSNorm`, `Embedding`)."""
    return "Norm" in layer_type or "Embedding" in layer_type
