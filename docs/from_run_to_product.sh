#!/usr/bin/env bash
# From a run to a product, step by step, on a fresh clone: train, register, promote, serve, predict, export, Triton.
#
#     docs/from_run_to_product.sh [PORT]
#
# Registry, exports and answers go to build/product; the run is one of chapter 03, among its other ones. The servers
# listen on this machine only, on PORT (8100 by default) and the next two, and end with the script. What each step does
# is in docs/deployment.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

port="${1:-8100}"
for taken in "$port" "$((port + 1))" "$((port + 2))"; do
    if (: < "/dev/tcp/127.0.0.1/$taken") 2> /dev/null; then # its answers would be taken for ours
        echo "error: something listens on port $taken already; choose three others by the first of them" >&2
        exit 2
    fi
done

product="build/product"
rm -rf "$product"
mkdir -p "$product"
export MLFLOW_TRACKING_URI="sqlite:///$PWD/$product/registry.db"

step() { printf '\n== %s\n' "$*"; }

ask() { curl --silent --show-error --fail --header 'Content-Type: application/json' --data "@$1" "$2"; }

servers=()
stop() { for each in "${servers[@]}"; do kill "$each" 2> /dev/null || true; done; wait; }
trap stop EXIT

# Starts a server whose output goes to the log $1, and waits until it answers at $2.
start() {
    local log="$1" address="$2"
    shift 2
    "$@" > "$log" 2>&1 &
    servers+=("$!")
    until curl --silent --fail --output /dev/null "$address"; do
        kill -0 "$!" 2> /dev/null || { cat "$log"; exit 1; }
        sleep 0.2
    done
}

step "train"
./scratch train 03 --experiment digits --no-wandb --tags product 2>&1 | tee "$product/train.log"
run="$(sed -n 's/^run \(.*\) finished$/\1/p' "$product/train.log")"

step "register $run"
./scratch registry register "$run"

step "promote"
./scratch registry promote 03 1 staging
./scratch registry promote 03 1 prod
./scratch registry list 03

# One digit, asked in three ways: as the API, the command line and Triton want it.
python3 - "$product" << 'PYTHON'
import json, sys
from pathlib import Path

rows = "...##... ..###... .####... ...##... ...##... ...##... ..####.. ........".split()
digit = [[[float(pixel == "#") for pixel in row] for row in rows]]
flat = [pixel for row in digit[0] for pixel in row]
tensor = {"name": "x", "datatype": "FP32", "shape": [1, 1, 8, 8], "data": flat}
questions = {"api": {"input": digit}, "predict": [digit], "triton": {"inputs": [tensor]}}
for name, question in questions.items():
    Path(sys.argv[1], f"ask_{name}.json").write_text(json.dumps(question))
PYTHON

step "serve what prod names, and ask it"
start "$product/serve.log" "http://127.0.0.1:$port/health/ready" ./scratch serve 03 --alias prod --port "$port"
ask "$product/ask_api.json" "http://127.0.0.1:$port/v1/predict" | tee "$product/api.json"
echo

step "predict"
./scratch predict 03 --checkpoint "$run" --input "$product/ask_predict.json"
./scratch predict 03 --checkpoint "$run" --input "$product/ask_predict.json" --output json > "$product/predict.json"

step "export"
./scratch export 03 --checkpoint "$run" --format onnx --format torch --format safetensors --to "$product/export"
./scratch export 03 --checkpoint "$run" --format triton --to "$product/triton_models"

step "start Triton on the export, and ask it"
start "$product/triton.log" "http://127.0.0.1:$((port + 1))/v2/health/ready" \
    ./scratch tritonserver "$product/triton_models" --http-port "$((port + 1))" --grpc-port "$((port + 2))"
ask "$product/ask_triton.json" "http://127.0.0.1:$((port + 1))/v2/models/03_mlp/infer" > "$product/triton.json"

step "how likely each holds its answer"
python3 - "$product" << 'PYTHON'
import json, sys
from pathlib import Path

api, predicted, triton = (json.loads(Path(sys.argv[1], f"{name}.json").read_text()) for name in ("api", "predict", "triton"))
(probabilities,) = (output["data"] for output in triton["outputs"] if output["name"] == "probabilities")
found = {"api": api["answer"]["probability"], "predict": predicted[0]["probability"], "triton": max(probabilities)}
for name, probability in found.items():
    print(f"{name:8} {probability:.6f}")
if max(found.values()) - min(found.values()) > 1e-4:
    sys.exit("error: they differ by more than 1e-4")
PYTHON
