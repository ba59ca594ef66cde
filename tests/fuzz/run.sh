#!/bin/sh
# Build the fuzz targets with clang and run each for a while: run.sh [SECONDS [BUILD-DIRECTORY]]
set -eu
seconds=${1:-60}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${2:-$(mktemp -d)}
mkdir -p "$out"
sources="$top/src/base/*.c $top/src/peek/*.c $top/src/http/*.c"
if pkg-config --exists libllhttp; then
    llhttp=$(pkg-config --cflags --libs libllhttp)
else
    llhttp="-isystem /usr/share/include/llhttp"
    sources="$sources /usr/share/llhttp/llhttp.c /usr/share/llhttp/api.c /usr/share/llhttp/http.c"
fi
for target in head chunked cgihead; do
    # shellcheck disable=SC2086 # lists of words on purpose
    clang -std=c17 -D_GNU_SOURCE -g -O1 -w -I"$top/include" \
        -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
        "$here/fuzz_$target.c" $sources $llhttp -o "$out/fuzz_$target"
    mkdir -p "$out/corpus_$target"
    echo "fuzz_$target: $seconds s"
    (cd "$out" && "./fuzz_$target" -max_total_time="$seconds" -max_len=4096 -dict="$here/dict" \
        -verbosity=0 -print_final_stats=1 "corpus_$target" "$here/corpus/$target")
done
