#!/usr/bin/env bash
# A config with a mistake, what pruneconf says about it, and the corrected config carried out. `make demo` runs this.
set -euo pipefail
cd "$(dirname "$0")"
out=../../demo-out
rm -rf "$out"
mkdir "$out"

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

run pruneconf lint model.py prune.yaml || echo "(exit status $?: the config has an error, nothing was pruned)"
run diff prune.yaml prune-fixed.yaml || true
run pruneconf lint model.py prune-fixed.yaml
run pruneconf show model.py prune-fixed.yaml
run pruneconf apply model.py prune-fixed.yaml --weights weights.safetensors -o "$out/digits"
run pruneconf verify model.py prune-fixed.yaml "$out/digits"

printf '\naccuracy on held-out digits before pruning: '
python evaluate.py weights.safetensors
printf 'accuracy on held-out digits after pruning:  '
python evaluate.py "$out/digits/model.safetensors"

run python finetune.py
run python ../minilm/run.py "$out/minilm"
