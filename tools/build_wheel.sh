#!/usr/bin/env bash
# Builds the wheel of tracelift-rl for this machine: the command `tracelift`, stripped, and the Python package with its module.
#
#     tools/build_wheel.sh [FOLDER]      the wheel goes to FOLDER (default: target/wheels)
#
# Needs cargo, and maturin (`pip install maturin`) on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-target/wheels}")
command -v maturin >/dev/null || { echo "maturin is not on the PATH: pip install maturin" >&2; exit 1; }

cargo build --release --locked -p tracelift-cli --bin tracelift
scripts=python/tracelift_rl.data/scripts
mkdir -p "$scripts"
# A copy, since `strip` would take the names of functions from the binary that benchmarks are read with.
cp target/release/tracelift "$scripts/tracelift"
strip "$scripts/tracelift"
(cd python && maturin build --release --locked --out "$out")
ls -l "$out"
