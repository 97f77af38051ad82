"""Operators that keep dimensions in place: element by element, over a window, or summing some of them away."""

from __future__ import annotations

from pruneconf.tracing.channels.labels import Label, renamed
from pruneconf.tracing.channels.operation import Channels, Operation, rule


def pointwise(channels: Channels, op: Operation) -> None:
    """Tie what meets at the same index; constants and dimensions of size one leave the others alone."""
    dims = op.output.dim()
    name = op.name.rstrip("_")
    label = channels.relations.merged([channels.aligned(tensor, dims) for tensor in op.inputs], name)
    for output in op.outputs:
        channels.put(output, label)


rule("rsub", "polar", "complex", "prelu", "_prelu_kernel", "isin", "hardswish", "masked_fill", "where")(pointwise)


@rule(
    *("alias", "detach", "lift_fresh", "_to_copy", "contiguous", "dropout", "native_dropout", "_fused_dropout"),
    *(
        "bernoulli",
        "_softmax",
        "_log_softmax",
        "_safe_softmax",
        "cumsum",
        "cumprod",
        "logcumsumexp",
        "cummax",
        "cummin",
    ),
    *(
        "tril",
        "triu",
        "argsort",
        "log_sigmoid_forward",
        "rrelu_with_noise",
        "fill",
        "zero",
        "masked_scatter",
        "scatter",
    ),
    *(
        "scatter_add",
        "scatter_reduce",
        "set_data",
        "view_as",
        "conj",
        "_conj",
        "resolve_conj",
        "renorm",
        "fill_diagonal",
    ),
)
def keep(channels: Channels, op: Operation) -> None:
    """Carry the first input's label over."""
    for output in op.outputs:
        if output.shape == op.inputs[0].shape:
            channels.put(output, channels.label(op.inputs[0]))


@rule(
    *("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "randint_like", "nonzero"),
    *("new_zeros", "new_ones", "new_full", "new_empty", "new_empty_strided", "equal", "_local_scalar_dense"),
    *("bincount", "histc", "one_hot", "searchsorted", "bucketize", "resize", "is_same_size", "nonzero_static"),
    *("normal", "uniform", "exponential", "random", "multinomial"),
)
def forget(channels: Channels, op: Operation) -> None:
    """The output has nothing of the input but its size."""


@rule("max_pool2d_with_indices", "max_pool3d_with_indices", "max_unpool2d", "max_unpool3d", "grid_sampler_2d")
@rule("avg_pool1d", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool1d")
@rule(
    "adaptive_max_pool2d", "adaptive_max_pool3d", "grid_sampler_3d", "max_pool2d", "max_pool1d", "fractional_max_pool2d"
)
@rule("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d", "upsample_bilinear2d")
@rule("upsample_bicubic2d", "upsample_trilinear3d", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d")
@rule("_upsample_nearest_exact3d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa", "reflection_pad1d")
@rule("reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d", "replication_pad3d")
def window(channels: Channels, op: Operation) -> None:
    """Pooling, resizing and padding of the last one to three dimensions; the others stay."""
    source = op.inputs[0]
    spatial = next((int(letter) for letter in op.name if letter in "123"), 2)
    kept = range(source.dim() - spatial)
    label = channels.label(source)
    fixed = Label((), frozenset(dim for dim in label.fixed if dim >= len(kept)))
    for output in op.outputs:
        channels.put(output, Label(renamed(label, {dim: dim for dim in kept}).blocks, label.fixed | fixed.fixed))


@rule("mean", "sum", "amax", "amin", "prod", "any", "all", "logsumexp", "var", "std", "var_mean", "std_mean", "nansum")
@rule(
    "max", "min", "argmax", "argmin", "norm", "linalg_vector_norm", "median", "nanmedian", "mode", "aminmax", "nanmean"
)
@rule("count_nonzero", "kthvalue")
def reduce(channels: Channels, op: Operation) -> None:
    """Sum some dimensions away. Where a channel lies on several, what is left stands for all that went in."""
    if op.name in ("max", "min") and len(op.inputs) > 1:
        pointwise(channels, op)
        return
    source, label = op.inputs[0], channels.label(op.inputs[0])
    gone = _reduced(op, source.dim())
    left = [dim for dim in range(source.dim()) if dim not in gone]
    keeps_dims = op.output.dim() == source.dim()
    to = {dim: dim if keeps_dims else left.index(dim) for dim in left}
    sizes = dict(enumerate(source.shape))
    blocks = []
    for block in label.blocks:
        kept = [dim for dim in sorted(block.dims) if dim in to]
        if len(kept) == len(block.dims):
            blocks.append(block)
        elif kept:
            blocks.append(channels.relations.projected(block, kept, sizes))
    result = renamed(Label(tuple(blocks), label.fixed), to)
    for output in op.outputs:
        channels.put(output, result)


def _reduced(op: Operation, count: int) -> set[int]:
    dims = op.arguments.get("dim")
    if dims is None or dims == []:
        return set(range(count))
    return {dim % max(count, 1) for dim in ([dims] if isinstance(dims, int) else dims)}
