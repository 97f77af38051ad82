"""Normalisations: each channel by itself, with statistics over others."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from pruneconf.graph import Side
from pruneconf.tracing.channels.labels import Block, Label, codes_of, on
from pruneconf.tracing.channels.operation import Channels, Operation, rule


def _scaled(channels: Channels, source: Tensor, parameters: Iterable[Tensor | None]) -> Label:
    """The label of a tensor whose dimension 1 is scaled by these parameters."""
    label = channels.label(source)
    blocks = label.blocks
    for parameter in parameters:
        if parameter is not None:
            channels.role(parameter, 0, Side.THROUGH)
            scales = [Block((1,), block.codes) for block in channels.label(parameter).blocks]
            for scale in scales if 1 in label.fixed else ():
                channels.relations.pin(scale.codes, "input")
            blocks = channels.relations.met(blocks, scales, "")
    return Label(tuple(block for block in blocks if not label.fixed & set(block.dims)), label.fixed)


@rule("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "cudnn_batch_norm")
@rule("_batch_norm_with_update", "batch_norm")
def batch_norm(channels: Channels, op: Operation) -> None:
    """Normalise each channel over the batch."""
    channels.put(op.output, _scaled(channels, op.inputs[0], (op["weight"], op["bias"])))


@rule("native_group_norm", "group_norm")
def group_norm(channels: Channels, op: Operation) -> None:
    """Normalise runs of channels; with one group, or one for each channel, there is nothing to keep even."""
    source, groups = op.inputs[0], int(op.arguments.get("group") or op.arguments.get("num_groups") or 1)
    label = _scaled(channels, source, (op["weight"], op["bias"]))
    for block in on(label, 1) if 1 < groups < source.shape[1] else ():
        channels.relations.limit(codes_of(block.codes), "group-norm", groups)
    channels.put(op.output, label)


@rule("native_layer_norm", "layer_norm", "rms_norm", "_fused_rms_norm")
def layer_norm(channels: Channels, op: Operation) -> None:
    """Normalise over the last dimensions."""
    source = op["input"]
    labels = [channels.label(source)]
    for parameter in (op.arguments.get("weight"), op.arguments.get("bias")):
        if parameter is not None:
            for dim in range(parameter.dim()):
                channels.role(parameter, dim, Side.THROUGH)
            labels.append(channels.aligned(parameter, source.dim()))
    channels.put(op.output, channels.relations.merged(labels, ""))


@rule("_weight_norm_interface", "_weight_norm")
def weight_norm(channels: Channels, op: Operation) -> None:
    """A weight from its direction and its length: it stands for its direction."""
    direction, length = op["v"], op["g"]
    channels.put(op.output, channels.relations.merged([channels.label(direction), channels.label(length)], ""))
    channels.facts.of(op.output).parameters = channels.facts.of(direction).parameters
