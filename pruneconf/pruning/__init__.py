"""The reference pruner."""

from pruneconf.pruning.apply import apply
from pruneconf.pruning.attach import Attachment, attach
from pruneconf.pruning.checkpoint import Checkpoint, Source, left_out, open_checkpoint
from pruneconf.pruning.compact import Compact, compact
from pruneconf.pruning.forecast import Forecast, forecast
from pruneconf.pruning.foresee import foresee
from pruneconf.pruning.handover import by_layer
from pruneconf.pruning.masks import MASK_FORMS
from pruneconf.pruning.prune import prune
from pruneconf.pruning.pulse import joined
from pruneconf.pruning.report import Report
from pruneconf.pruning.resize import load_compact
from pruneconf.pruning.save import save
from pruneconf.pruning.tensors import unpack
from pruneconf.pruning.verify import Fault, Verdict, verify
from pruneconf.pruning.write_compact import CutOut

__all__ = [
    "MASK_FORMS",
    "Attachment",
    "Checkpoint",
    "Compact",
    "CutOut",
    "Fault",
    "Forecast",
    "Report",
    "Source",
    "Verdict",
    "apply",
    "attach",
    "by_layer",
    "compact",
    "forecast",
    "foresee",
    "joined",
    "left_out",
    "load_compact",
    "open_checkpoint",
    "prune",
    "save",
    "unpack",
    "verify",
]
