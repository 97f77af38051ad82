-- What a user does in Neovim with a config that is open; what he sees goes to the file that SEEN names.
local seen = {}
local text = function() return vim.api.nvim_buf_get_lines(0, 0, -1, false) end
local keys = function(typed) vim.api.nvim_input(typed) end
local steps = {
  function() return #vim.diagnostic.get(0) > 0 end,
  function()
    seen.diagnostics = vim.tbl_map(function(one) return { one.lnum, one.col, one.code, one.message } end, vim.diagnostic.get(0))
    vim.api.nvim_win_set_cursor(0, { 2, 4 })
    vim.lsp.buf.code_action({
      apply = true,
      filter = function(action) return action.title:find("sparsity_per_layer") ~= nil end,
    })
    return true
  end,
  function() return table.concat(text(), "\n"):find("sparsity_per_layer: 0.5") ~= nil end,
  function()
    seen.fixed = text()
    keys("Go- op_names: [layer1.0.<C-x><C-o>")
    return true
  end,
  function() return vim.fn.pumvisible() == 1 end,
  function()
    seen.offered = vim.tbl_map(function(item) return item.word end, vim.fn.complete_info({ "items" }).items)
    keys("<C-n><C-y>]<CR>exclude: true<Esc>")
    return true
  end,
  function()
    seen.hints = vim.tbl_map(function(hint) return hint.inlay_hint.label end, vim.lsp.inlay_hint.get({ bufnr = 0 }))
    return #seen.hints == 2 and vim.fn.mode() == "n"
  end,
  function()
    seen.written = text()
    vim.api.nvim_win_set_cursor(0, { 3, 20 })
    vim.lsp.buf.hover()
    return true
  end,
  function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= "" then
        seen.hover = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
        return true
      end
    end
  end,
}

local done = function()
  vim.fn.writefile({ vim.json.encode(seen) }, vim.env.SEEN)
  vim.cmd("qall!")
end

local tries, current = 0, 1
local function go()
  tries = tries + 1
  if steps[current]() then current = current + 1 end
  if current > #steps or tries > 600 then
    seen.step = current > #steps and "all" or current
    return done()
  end
  vim.defer_fn(go, 20)
end
vim.defer_fn(go, 20)
