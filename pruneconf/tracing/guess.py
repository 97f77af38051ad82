"""Guesses of example inputs, for models that come without: by argument names, metadata, or the first layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pruneconf.tracing.inputs import ExampleInputs
from pruneconf.tracing.wrapped import inside

_SEQUENCE = 16
_IMAGES = ("pixel_values", "images", "image", "pixel_values_videos", "pixel_values_rgb")
_MAIN = ("input_ids", "pixel_values", "input_values", "input_features", "sample")
_PARTS = (
    *("vision_config", "text_config", "audio_config", "encoder", "decoder", "backbone_config"),
    *("vision_encoder_config", "encoder_config"),
)
_SIZES: Mapping[int, tuple[int, ...]] = {1: (16000, 128), 2: (224, 32, 28, 64, 256, 299, 512), 3: (16, 32, 64)}
"""Sizes to try for inputs of one, two and three dimensions."""


def guesses(model: nn.Module) -> Iterator[ExampleInputs]:
    """Inputs that the model may take, the likeliest first."""
    model = inside(model)
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return
    children = list(model.children())
    if len(children) == 1 and all(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters):
        yield from guesses(children[0])  # it hands on whatever it gets, as PEFT's models do
        return
    named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    names = [each.name for each in named]
    required = [each.name for each in named if each.default is each.empty]
    main = getattr(model, "main_input_name", None)
    if main in names or set(_MAIN) & set(names):
        yield from _by_names(model, names, required, main)
        return
    yield from _by_metadata(model)
    if len(required) > 1 or "grid_thw" in names:
        yield from _complete(model, required, names)
    yield from _by_first_layer(model)


def _by_names(model: nn.Module, names: list[str], required: list[str], main: Any) -> Iterator[ExampleInputs]:
    """As transformers and diffusers name their arguments."""
    first = [main] if main in names else [name for name in _MAIN if name in names][:1]
    base = list(dict.fromkeys([*required, *first]))
    sets = [base]
    if "decoder_input_ids" in names:
        sets.insert(0, [*base, "decoder_input_ids"])
    if {"pixel_values", "input_ids"} <= set(names):
        sets += [[*base, "pixel_values", "input_ids"], ["pixel_values"], ["input_ids"]]
    for chosen in sets:
        yield from _complete(model, list(dict.fromkeys(chosen)), names)
    for inputs in list(_complete(model, base, names)):
        yield from _other_shapes(inputs, getattr(model, "config", None))


def _other_shapes(inputs: ExampleInputs, config: Any) -> Iterator[ExampleInputs]:
    """The same inputs with images in pairs, as matchers take them, or with sound padded to its full length."""
    if "pixel_values" in inputs.kwargs:
        image = inputs.kwargs["pixel_values"]
        kwargs = {**inputs.kwargs, "pixel_values": torch.stack([image, image], dim=1)}
        yield ExampleInputs((), kwargs, f"{inputs.origin}, as a pair of images")
    positions = _setting(config, "max_source_positions", default=None)
    if "input_features" in inputs.kwargs and positions:
        sound = _zeros(1, inputs.kwargs["input_features"].shape[-1], positions * 2)
        yield ExampleInputs((), {**inputs.kwargs, "input_features": sound}, f"{inputs.origin}, at full length")


def _complete(model: nn.Module, chosen: list[str], names: list[str]) -> Iterator[ExampleInputs]:
    """Inputs for all chosen arguments, if each can be guessed."""
    values = {name: _by_name(name, model) for name in chosen}
    if None not in values.values():
        switches = {"use_cache": False} if "use_cache" in names else {}
        extra = _conditions(getattr(model, "config", None)) if "added_cond_kwargs" in names else {}
        yield ExampleInputs((), {**values, **switches, **extra}, "by the names of the arguments")


def _conditions(config: Any) -> dict[str, Any]:
    """What diffusion models that are told about sizes and a pooled text embedding take besides."""
    if _setting(config, "addition_embed_type", default=None) != "text_time":
        return {}
    numbers = 6
    width = config.projection_class_embeddings_input_dim - numbers * config.addition_time_embed_dim
    return {"added_cond_kwargs": {"text_embeds": _zeros(1, width), "time_ids": _zeros(1, numbers)}}


def _by_name(name: str, model: nn.Module) -> Tensor | None:
    config = getattr(model, "config", None)
    if name in _FIXED or name == "sample":
        return _FIXED[name]() if name in _FIXED else _zeros(1, _setting(config, "in_channels", default=4), 32, 32)
    if name in _IMAGES:
        return _image(name, config)
    if name in ("input_features", "input_values"):
        return _sound(name, model, config)
    if name in ("grid_thw", "hidden_states"):
        return _patches(name, config)
    if name == "encoder_hidden_states":
        width = _setting(config, "cross_attention_dim", "joint_attention_dim", "hidden_size", default=768)
        return _zeros(1, 77, width[0] if isinstance(width, list | tuple) else width)
    return None


def _image(name: str, config: Any) -> Tensor:
    colours = _setting(config, "num_channels", "in_channels", "in_chans", default=3)
    size = _setting(config, "image_size", "input_size", default=224) or 224
    height, width = tuple(size)[-2:] if isinstance(size, list | tuple) else (size, size)
    frames = _setting(config, "num_frames", default=None)
    if "videos" in name or (frames and not hasattr(config, "text_config")):
        return _zeros(1, frames or 8, colours, height, width)
    return _zeros(1, colours, height, width)


def _sound(name: str, model: nn.Module, config: Any) -> Tensor:
    """A waveform, with its channels where the config counts them, or a spectrum."""
    bins = _setting(config, "num_mel_bins", "input_feat_size", "input_feat_per_channel", "input_dim", default=None)
    length = _setting(config, "max_length", "max_source_positions", default=None)
    if name == "input_values":
        if bins and length:
            return _zeros(1, length, bins)
        colours = _setting(config, "audio_channels", default=None)
        return _zeros(1, 16000) if colours is None else _zeros(1, colours, 16000)
    bins = bins or _setting(config, "feature_size", default=80)
    if length and hasattr(config, "num_mel_bins") and "hisper" in type(model).__name__:
        return _zeros(1, bins, length * 2)
    return _zeros(1, 200, bins)


def _patches(name: str, config: Any) -> Tensor | None:
    """Four by four patches of an image, flattened, as vision towers of language models take them."""
    side, count = 4, 16
    patch = _setting(config, "patch_size", default=None)
    if name == "grid_thw":
        return torch.tensor([[1, side, side]], device="cpu")
    if not isinstance(patch, int):
        return None
    colours = _setting(config, "in_channels", "in_chans", "num_channels", default=3)
    frames = _setting(config, "temporal_patch_size", default=1)
    return _zeros(count, colours * frames * patch * patch)


def _setting(config: Any, *names: str, default: Any) -> Any:
    """The first of these settings that the config or one of its parts has."""
    parts = [part for name in _PARTS if (part := getattr(config, name, None)) is not None]
    for name in names:
        for part in (config, *parts):
            value = part.get(name) if isinstance(part, Mapping) else getattr(part, name, None)
            if value is not None:
                return value
    return default


def _by_metadata(model: nn.Module) -> Iterator[ExampleInputs]:
    """As timm and Lightning describe the input."""
    for name in ("pretrained_cfg", "default_cfg"):
        described = getattr(model, name, None)
        if isinstance(described, Mapping) and described.get("input_size"):
            yield ExampleInputs((_zeros(1, *described["input_size"]),), {}, f"as `model.{name}` says")
            break
    example = getattr(model, "example_input_array", None)
    if isinstance(example, Tensor):
        yield ExampleInputs((example,), {}, "from `model.example_input_array`")


def _by_first_layer(model: nn.Module) -> Iterator[ExampleInputs]:
    kinds = (nn.modules.conv._ConvNd, nn.Linear, nn.Embedding, nn.RNNBase)  # noqa: SLF001
    found = next(((name, module) for name, module in model.named_modules() if isinstance(module, kinds)), None)
    if found is not None:
        for tensor in _for_layer(found[1], getattr(model, "in_size", None)):
            yield ExampleInputs((tensor,), {}, f"guessed from `{found[0]}`")


def _for_layer(layer: nn.Module, size: Any) -> Iterator[Tensor]:
    if isinstance(layer, nn.modules.conv._ConvNd):  # noqa: SLF001
        dims = len(layer.kernel_size)
        if isinstance(size, list | tuple) and len(size) == dims:
            yield _zeros(1, layer.in_channels, *size)
        for each in _SIZES[dims]:
            yield _zeros(1, layer.in_channels, *([each] * dims))
    elif isinstance(layer, nn.Embedding):
        yield _ones(1, _SEQUENCE)
    elif isinstance(layer, nn.RNNBase):
        yield _zeros(1, _SEQUENCE, layer.input_size)
    elif isinstance(layer, nn.Linear):
        yield _zeros(1, layer.in_features)
        yield _zeros(1, _SEQUENCE, layer.in_features)
        side = int(layer.in_features**0.5)
        if side * side == layer.in_features:
            yield _zeros(1, 1, side, side)


def _zeros(*shape: int) -> Tensor:
    return torch.zeros(*shape, device="cpu")


def _ones(*shape: int) -> Tensor:
    return torch.ones(*shape, dtype=torch.long, device="cpu")


_FIXED: Mapping[str, Callable[[], Tensor]] = {
    **dict.fromkeys(("input_ids", "tokens", "token_ids", "ids", "idx", "src", "tgt"), lambda: _ones(1, _SEQUENCE)),
    **dict.fromkeys(("attention_mask", "decoder_attention_mask"), lambda: _ones(1, _SEQUENCE)),
    **dict.fromkeys(("timestep", "timesteps", "t"), lambda: torch.tensor(1, device="cpu")),
    "decoder_input_ids": lambda: _ones(1, _SEQUENCE // 2),
    "bbox": lambda: torch.zeros(1, _SEQUENCE, 4, dtype=torch.long, device="cpu"),
    "qformer_input_ids": lambda: _ones(1, _SEQUENCE),
}
"""Arguments that are alike in all models."""
