"""Neovim, the real one, with no more than what the documentation says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.model import project

HERE = Path(__file__).parent
RECIPE = re.compile(r'```lua title="init.lua"\n(vim.lsp.config\("pruneconf".*?)```', re.DOTALL)
NEOVIM = shutil.which("nvim", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
CONFIG = "- op_types: [Conv2d]\n  sparsity: 0.5\n"


@pytest.mark.skipif(NEOVIM is None, reason="there is no Neovim here")
def test_a_user_of_neovim(tmp_path, snapshot):
    project(tmp_path)
    recipe = RECIPE.search((HERE.parents[1] / "docs" / "server.md").read_text(encoding="utf-8"))
    (tmp_path / "init.lua").write_text(recipe[1])
    config, seen = tmp_path / "cfg.prune.yaml", tmp_path / "seen.json"
    config.write_text(CONFIG)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "SEEN": str(seen), "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    command = [str(NEOVIM), "--headless", "--clean", "-u", tmp_path / "init.lua", "-S", HERE / "neovim.lua", config]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, timeout=60, check=False)
    assert seen.exists(), done.stderr.decode()
    assert json.loads(seen.read_text()) == snapshot
