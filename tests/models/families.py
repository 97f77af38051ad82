"""The architectures of transformers, shrunk to a few channels: default config but for its sizes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_TEXT = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    **_TOKENS,
}
_GROUPED = {**_TEXT, "num_key_value_heads": 2, "head_dim": 8}
_IMAGE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}
_STAGES = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}
_WIDE_STAGES = {"embedding_size": 8, "hidden_sizes": [16, 32, 48, 64], "depths": [1, 2, 1, 1]}
_BOTH_WAYS = {
    "vocab_size": 64,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    **_TOKENS,
    "decoder_start_token_id": 1,
}
_GPT2 = {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, **_TOKENS}

FAMILIES: dict[str, dict[str, Any]] = {
    "albert": {**_TEXT, "embedding_size": 16},
    "bart": {**_BOTH_WAYS, "forced_eos_token_id": None},
    "beit": _IMAGE,
    "bert": _TEXT,
    "bloom": {**_GPT2, "hidden_size": 32},
    "clip_vision_model": _IMAGE,
    "convnext": _STAGES,
    "convnextv2": _STAGES,
    "deberta-v2": _TEXT,
    "deit": _IMAGE,
    "dinov2": _IMAGE,
    "distilbert": {"vocab_size": 64, "dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 4},
    "efficientnet": {"width_coefficient": 0.25, "depth_coefficient": 0.5, "image_size": 64, "hidden_dim": 320},
    "electra": {**_TEXT, "embedding_size": 16},
    "falcon": _TEXT,
    "gemma": _GROUPED,
    "gpt2": _GPT2,
    "gpt_neox": _TEXT,
    "gptj": {**_GPT2, "rotary_dim": 4},
    "levit": {
        "image_size": 64,
        "hidden_sizes": [32, 48, 64],
        "num_attention_heads": [2, 3, 4],
        "key_dim": [8, 8, 8],
        "depths": [1, 1, 1],
    },
    "llama": _GROUPED,
    "mamba": {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4, **_TOKENS},
    "mistral": _GROUPED,
    "mobilenet_v1": {"depth_multiplier": 0.25, "image_size": 32},
    "mobilenet_v2": {"depth_multiplier": 0.25, "image_size": 32},
    "mobilevit": {
        "image_size": 64,
        "hidden_sizes": [16, 24, 32],
        "num_attention_heads": 4,
        "neck_hidden_sizes": [8, 16, 16, 24, 24, 32, 64],
    },
    "opt": {**_TEXT, "ffn_dim": 48, "word_embed_proj_dim": 32},
    "phi": _TEXT,
    "phi3": _GROUPED,
    "poolformer": {"depths": [1, 1, 1, 1], "hidden_sizes": [8, 16, 16, 32]},
    "qwen2": _GROUPED,
    "qwen3": _GROUPED,
    "regnet": {**_WIDE_STAGES, "groups_width": 8},
    "resnet": _WIDE_STAGES,
    "roberta": {**_TEXT, "max_position_embeddings": 40},
    "segformer": {
        "depths": [1, 1, 1, 1],
        "hidden_sizes": [8, 16, 16, 32],
        "num_attention_heads": [1, 2, 2, 4],
        "decoder_hidden_size": 16,
        "image_size": 64,
    },
    "swin": {
        "image_size": 32,
        "patch_size": 4,
        "embed_dim": 16,
        "depths": [1, 2],
        "num_heads": [2, 4],
        "window_size": 4,
    },
    "t5": {
        "vocab_size": 64,
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 48,
        "num_layers": 2,
        "num_heads": 4,
        "decoder_start_token_id": 0,
    },
    "vit": _IMAGE,
    "whisper": {**_BOTH_WAYS, "num_mel_bins": 8, "max_source_positions": 20, "max_target_positions": 20},
}
"""For each model type, the settings that make it small."""


def family(name: str) -> tuple[nn.Module, dict[str, Tensor]]:
    """A model of transformers with random weights, and what to call it with."""
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.for_model(name, **FAMILIES[name])
    config.use_cache = False
    torch.manual_seed(0)
    return AutoModel.from_config(config).eval(), _inputs(name)


def _inputs(name: str) -> dict[str, Tensor]:
    settings = FAMILIES[name]
    if name == "whisper":
        return {"input_features": torch.randn(1, 8, 40), "decoder_input_ids": torch.arange(3, 11)[None]}
    if "vocab_size" not in settings:
        return {"pixel_values": torch.randn(1, 3, *[settings.get("image_size", 64)] * 2)}
    ids = torch.arange(3, 15)[None]
    return {"input_ids": ids, "decoder_input_ids": ids[:, :6]} if name in ("bart", "t5") else {"input_ids": ids}
