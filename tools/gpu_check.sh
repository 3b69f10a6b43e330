#!/usr/bin/env bash
# Everything a machine with a GPU must show, in one call of some minutes: from sources, or from a bundle of tools/bundle, where it
# lies at the top. What cannot be run here is named, with its reason. The last line is "N passed, N failed, N not run"; the exit
# status says whether something failed.
#   --device N    which GPU; default 0
#   --bundle      where it was unpacked: this file's folder. Found by itself
#   --quick       shorter measurements
set -uo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
device=0 quick=false
while (($#)); do
  case $1 in
    --device) device=${2:?--device wants a number}; shift 2 ;;
    --quick) quick=true; shift ;;
    --bundle) shift ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "gpu_check: unknown argument '$1'; known: --device N, --quick" >&2; exit 2 ;;
  esac
done
[[ $device =~ ^[0-9]{1,3}$ ]] || { echo "gpu_check: --device '$device' is no number" >&2; exit 2; }

passed=0 failed=0 not_run=0
work=$(mktemp -d)
started=()
tidy() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
  rm -rf -- "$work"
}
trap tidy EXIT
ok() { echo "ok       $1"; ((passed += 1)); }
bad() { echo "FAILED   $1"; ((failed += 1)); }
none() { echo "not run  $1"; ((not_run += 1)); }
finish() {
  echo "$passed passed, $failed failed, $not_run not run"
  exit $((failed > 0))
}

# ---- where the programs are ----
if [[ -f $here/BUNDLE ]]; then
  from="a bundle: $(head -1 "$here/BUNDLE")"
  programs=$here/bin grapevine=$here/bin/grapevine kernels_test=$here/bin/kernels_test figures=$here/bin/figures torch=$here/gpu_check_torch.py
  if [[ -d $here/lib ]]; then export LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; fi
  data=$here/data
else
  # shellcheck source=tools/common.sh
  source "$here/common.sh"
  build=$root/build
  from="sources: $root"
  grapevine=$build/src/cli/grapevine kernels_test=$build/tests/kernels/kernels_test figures=$build/tests/node/figures torch=$root/tools/gpu_check_torch.py programs=$build
  data=/usr/share/datasets/fashion-mnist
  if configure "$build" >"$work/build" 2>&1 && "$ninja" -C "$build" src/cli/grapevine tests/kernels/kernels_test tests/node/figures >>"$work/build" 2>&1 &&
    { ! grep -q 'grapevine-cuda.so' "$build/build.ninja" || "$ninja" -C "$build" kernels/cuda/grapevine-cuda.so >>"$work/build" 2>&1; }; then
    ok "build"
  else
    tail -20 "$work/build"
    bad "build"
    finish
  fi
  [[ -f $build/kernels/cuda/grapevine-cuda.so ]] || { bad "the CUDA module: this build has none (no nvcc when it was configured?)"; finish; }
fi
echo "from $from, $(date -u '+%Y-%m-%d %H:%M UTC')"

# ---- is there a GPU? ----
gpu=false why="no GPU answers"
if "$figures" "cuda:$device" mix 1000 >"$work/first" 2>&1; then
  gpu=true
  ok "cuda:$device answers: $(nvidia-smi -i "$device" --query-gpu=name,driver_version,clocks.max.sm --format=csv,noheader 2>/dev/null || echo 'no nvidia-smi here')"
else
  why=$(sed 's/^figures: //' "$work/first" | head -1)
  none "cuda:$device: $why"
fi

# ---- conformance ----
# Tests whose names end in "(cuda)" run on the device; they name themselves where they are skipped.
conformance() {
  local out=$work/conformance
  "$kernels_test" >"$out" 2>&1
  local status=$? skips
  skips=$(grep -c '^skipped: ' "$out")
  if ((status != 0)); then
    grep -v '^skipped: ' "$out" | tail -30
    bad "conformance of the backends"
  else
    ok "conformance on the CPU, and of the CUDA backend on CUDA emulated on the host: $(grep 'test cases' "$out" | sed 's/.*test cases: *//')"
  fi
  if $gpu && ((skips == 0 && status == 0)); then
    ok "conformance on the GPU: every operation"
  elif $gpu && ((skips > 0)); then
    grep '^skipped: ' "$out"
    bad "conformance on the GPU: it answers, but $skips tests were skipped"
  elif ! $gpu; then
    sed -n 's/^skipped: /         /p' "$out"
    none "conformance on the GPU: $skips tests skipped, named above"
  fi
}
conformance

# ---- compute-sanitizer ----
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
for tool in memcheck racecheck; do
  if ! $gpu; then none "compute-sanitizer $tool: $why"
  elif [[ -z $sanitizer ]]; then none "compute-sanitizer $tool: it is not installed here"
  elif timeout 300 "$sanitizer" --tool "$tool" --error-exitcode 9 "$kernels_test" --test-case='*layer*(cuda*),*softmax*(cuda*),*step*(cuda*),*mix*(cuda*),*attention*(cuda*)' --test-case-exclude='*emulated*' >"$work/$tool" 2>&1; then
    ok "compute-sanitizer $tool"
  else
    tail -20 "$work/$tool"
    bad "compute-sanitizer $tool"
  fi
done

# ---- the table of kernels.md ----
run_file() {  # NAME PRECISION MODEL DATA [TRAIN]: writes a run
  { printf 'until = "12s"\n[model]\n%s\n[data]\n%s\n[train]\nprecision = "%s"\n%s\n' "$3" "$4" "$2" "${5:-optimizer = \"momentum\"
learning_rate = 0.01}"; } >"$work/$1.toml"
}
blobs=$'set = "blobs"\nfeatures = 784\nclasses = 10\ntrain_samples = 60000\ntest_samples = 1000\nbatch = 256'
for precision in float32 bf16; do
  run_file "mlp-$precision" $precision $'kind = "mlp"\nhidden = [1024, 1024]' "$blobs"
  run_file "wide-$precision" $precision $'kind = "mlp"\nhidden = [9728, 9216]' "$blobs"
done
run_file cnn bf16 'kind = "cnn"' "set = \"fashion-mnist\"
directory = \"$data\"
batch = 256" $'optimizer = "adamw"\nlearning_rate = 0.002\nschedule = { kind = "cosine", steps = 2500, warmup = 100 }'
head -c 20000000 /dev/urandom | base64 -w 80 >"$work/text.txt"
run_file gpt2 bf16 $'kind = "transformer"\nwidth = 768\nlayers = 12\nheads = 12\nlength = 1024' "format = \"text\"
files = [\"$work/text.txt\"]
batch = 64" $'optimizer = "adamw"\nlearning_rate = 0.0003'

value() { sed -n "s/^$2 //p" "$work/$1.out" 2>/dev/null | head -1; }
# figure NAME WHAT KEY GOAL ARGUMENT...: runs one, and says whether KEY is at most GOAL. A goal that is missed is said, and is no failure
# of the program: the table is there to be read.
figure() {
  local name=$1 what=$2 key=$3 goal=$4
  shift 4
  if ! $gpu; then none "$what: $why"; return; fi
  if timeout 400 "$figures" "cuda:$device" "$@" >"$work/$name.out" 2>"$work/$name.err"; then
    local got theirs
    got=$(value "$name" "$key")
    theirs=$(sed -n "s/^$name //p" "$work/torch.out" 2>/dev/null)
    ok "$what: $key $got (goal $goal: $(awk -v a="$got" -v b="$goal" 'BEGIN { print a <= b ? "reached" : "missed" }'))${theirs:+; PyTorch: $theirs}"
    sed 's/^/           /' "$work/$name.out"
  elif grep -q 'not available\|not known\|cannot' "$work/$name.err"; then
    none "$what: $(tail -1 "$work/$name.err")"
  else
    tail -5 "$work/$name.err"
    bad "$what"
  fi
}
if ! $gpu; then none "PyTorch beside it: $why"
elif python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
  if timeout 500 python3 "$torch" "$device" >"$work/torch.out" 2>"$work/torch.err"; then ok "PyTorch beside it: $(head -1 "$work/torch.out")"; else
    tail -5 "$work/torch.err"
    bad "PyTorch beside it"
  fi
else
  none "PyTorch beside it: it is not installed here, or sees no GPU"
fi
$quick && steps=500 seconds=5 || { steps=5000 seconds=20; }
figure mix "mix 100 M float32" mix_us 290 mix 100000000
figure mlp_fp32 "MLP 784-1024-1024-10, batch 256, a step in float32" step_us 48 step "$work/mlp-float32.toml" $steps
figure mlp_bf16 "the same in bf16" step_us 25 step "$work/mlp-bf16.toml" $steps
if [[ -d $data ]]; then figure cnn "Fashion-MNIST CNN to 92 %" seconds 1 until "$work/cnn.toml" 0.92
else none "Fashion-MNIST CNN to 92 %: no data in $data"; fi
figure beside "training while 97 M are published and mixed every 250 ms" slower_percent 0.5 beside "$work/wide-bf16.toml" $seconds
figure gpt2 "a transformer of GPT-2's size, 65,536 tokens a step" step_us 100000 step "$work/gpt2.toml" 10

# ---- a mixed cluster ----
cluster() {
  local nodes=("cuda:$device" cpu cpu) i port=27500 pids=() accuracies
  local gpu_node=$1
  [[ $gpu_node == no ]] && nodes=(cpu cpu cpu)
  printf '[model]\nkind = "mlp"\nhidden = [64]\n[data]\nset = "blobs"\n[train]\nlearning_rate = 0.02\n[exchange]\nkind = "gossip"\nperiod = "100ms"\n' >"$work/cluster.toml"
  for i in 0 1 2; do
    local arguments=(node --port $((port + 3 * i)) --no-status --name "n$i" --device "${nodes[i]}" --out "$work/cluster-$gpu_node-$i" --quiet)
    if ((i == 0)); then arguments+=("$work/cluster.toml"); else arguments+=(--join "127.0.0.1:$port"); fi
    timeout 60 "$grapevine" "${arguments[@]}" >"$work/node-$gpu_node-$i" 2>&1 &
    pids+=($!)
    started+=($!)
    sleep 1
  done
  local status=0
  for i in 0 1 2; do wait "${pids[i]}" || { status=1; cat "$work/node-$gpu_node-$i"; }; done
  accuracies=$(for i in 0 1 2; do "$grapevine" eval "$work/cluster-$gpu_node-$i/final.safetensors" 2>/dev/null | grep -o 'accuracy[ =:]*[0-9.]*' | grep -o '[0-9.]*$' | head -1; done | tr '\n' ' ')
  local mixes
  mixes=$(cat "$work/cluster-$gpu_node-"*/events.jsonl 2>/dev/null | grep -c '"mixed"\|"mix"')
  if ((status == 0 && mixes > 0)) && awk -v a="$accuracies" 'BEGIN { n = split(a, v, " "); ok = n == 3; for (i = 1; i <= n; ++i) ok = ok && v[i] > 0.9; exit !ok }'; then
    ok "a cluster of ${nodes[*]} trains together: accuracies $accuracies, $mixes mixes"
  else
    bad "a cluster of ${nodes[*]}: accuracies '$accuracies', $mixes mixes"
  fi
}
if $gpu; then cluster yes; else
  none "a cluster of one CUDA node and two CPU nodes: $why"
  cluster no
fi
finish
