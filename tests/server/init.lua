vim.lsp.config("pruneconf", {
  cmd = { "pruneconf", "server" },
  filetypes = { "yaml", "json" },
  root_markers = { "pyproject.toml", ".git" },
})
vim.lsp.enable("pruneconf")
vim.lsp.inlay_hint.enable()
