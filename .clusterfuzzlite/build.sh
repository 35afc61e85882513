#!/bin/bash -eu
# Builds every target of fuzz/targets into $OUT, with the regression cases as the first corpus of `joint`. Outside of
# the image, OUT=/tmp/out SANITIZER=none does the same with the toolchain of the repository.
cd "$(dirname "$(readlink -f "$0")")"
[ -d fuzz/targets ] || cd "${SRC:-..}/tcc" 2>/dev/null || cd ..
sanitizer=${SANITIZER:-address}
# Machine code that was generated is not instrumented: address finds errors of the compiler itself.
cargo fuzz build --fuzz-dir fuzz/targets -O --sanitizer "$sanitizer"
release=fuzz/targets/target/x86_64-unknown-linux-gnu/release
for target in fuzz/targets/fuzz_targets/*.rs; do
  cp "$release/$(basename "$target" .rs)" "$OUT/"
done
if compgen -G "tests/filetests/fuzz/*.tcc" > /dev/null; then
  (cd tests/filetests/fuzz && zip -q "$OUT/joint_seed_corpus.zip" ./*.tcc)
fi
