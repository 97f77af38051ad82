"""The reference pruner."""

from pruneconf.pruning.attach import Attachment, attach
from pruneconf.pruning.level import PRUNERS
from pruneconf.pruning.prune import prune
from pruneconf.pruning.tensors import unpack

__all__ = ["PRUNERS", "Attachment", "attach", "prune", "unpack"]
