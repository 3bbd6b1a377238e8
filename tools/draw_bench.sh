#!/bin/bash
# draw_bench.sh DIR: pictures of DIR/bench.tsv, each as SVG (with coordinates under the mouse) and PNG:
#
#   speedup_layer2  speedup_rest   a bar per variant, times faster than the first one
#   matmul                         the ladder, step by step, against the peak
#   roofline                       a dot per variant and size under the ceilings of this machine
#   kv_cache                       cost of the next token with and without a cache, against context
#
# Needs gnuplot; without it there is the TSV and a hint. SMALL=1 makes small files: no script in the SVG,
# few colours in the PNG.
set -e
dir=${1:?usage: draw_bench.sh DIR}
tsv=$dir/bench.tsv
[ -s "$tsv" ] || { echo "error: $tsv is not there. HINT: make bench-compare writes it" >&2; exit 1; }
if ! command -v gnuplot >/dev/null; then
    echo "note: no pictures, gnuplot is not installed; the figures are in $tsv. HINT: apt-get install gnuplot-nox"
    exit 0
fi
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
png=png mouse='mouse standalone'
gnuplot -e 'set print "-"; print GPVAL_TERMINALS' 2>/dev/null | grep -qw pngcairo && png=pngcairo
[ -z "$SMALL" ] || { png=png mouse=; }
header() { awk -F'\t' -v key="# $1" '$1 == key { print $2; exit }' "$tsv"; }
roof() { awk -F'\t' -v t="$1" -v key="$2" '$1 == "# roof" && $2 == t && $3 == key { v = $4 } END { print v + 0 }' "$tsv"; }
# Rows that were timed, without the header lines.
rows() { awk -F'\t' '!/^#/ && $1 != "op" && $5 == "ok"' "$tsv"; }
machine="$(header machine), $(header threads) threads, $(header date)"

# Colours by kind of variant, the same in every picture.
cat >"$tmp/colours.awk" <<'AWK'
function colour(variant) {
    if (variant == "avx2") return "0x3b7dd8"
    if (variant == "avxvnni") return "0x7fb2e5"
    if (variant == "avx512") return "0xe07b39"
    if (variant == "neon") return "0x4a9d5b"
    if (variant == "dotprod") return "0x8cc79a"
    if (variant == "blas") return "0x8a63b3"
    return variant == "scalar" ? "0x888888" : "0x2a9d8f"
}
AWK

# draw NAME WIDTH HEIGHT: runs the gnuplot commands on stdin for both formats.
draw() {
    local name=$1 width=$2 height=$3 commands
    commands=$(cat)
    gnuplot <<GP
set encoding utf8
set term svg noenhanced size $width,$height $mouse font "sans,12" background "#ffffff"
set output "$dir/$name.svg"
$commands
unset output
set term $png noenhanced size $width,$height font "sans,9"
set output "$dir/$name.png"
$commands
GP
}

# ---------------------------------------------------------------- bars per variant
# One group per cell, one bar per variant after the first.
speedup() { # NAME TITLE AWK-CONDITION
    rows | awk -F'\t' "$3" | awk -F'\t' -v tics="$tmp/tics" -v legend="$tmp/legend" -f "$tmp/colours.awk" -f <(cat <<'AWK'
    { cell = $1 " " $3 }
    cell != last { last = cell; bars = 0; next } # the first variant is the measure
    {
        if (!bars++) from[cell] = ++y
        printf "%g\t%g\t%s\t%s\n", y, $17, colour($4), sprintf($17 < 100 ? "%.1f" : "%.0f", $17)
        to[cell] = y++
        kinds[colour($4)] = colour($4) == colour("other") ? "other algorithm" : $4
    }
    END {
        sep = ""
        for (c in from) { printf "%s\"%s\" %g", sep, c, (from[c] + to[c]) / 2 > tics; sep = ", " }
        for (k in kinds) print k "\t" kinds[k] > legend
        print y > (tics ".n")
    }
AWK
    ) >"$tmp/bars"
    [ -s "$tmp/bars" ] || return 0
    local n height keys=""
    n=$(cat "$tmp/tics.n"); height=$(((n + 7) * 13 + 110)) # 7 free rows for the key
    while IFS=$'\t' read -r colour kind; do
        keys="$keys, 1/0 with boxes fs solid lc rgb $colour title \"$kind\""
    done <"$tmp/legend"
    draw "$1" 900 "$height" <<GP
set title "$2\n$machine"
set logscale x
set xrange [0.5:*]
set yrange [$((n + 7)):0]
set xlabel "times faster than the first variant"
set ytics ($(cat "$tmp/tics")) scale 0
set grid x lc rgb "#dddddd"
set border 3
set tics nomirror
set lmargin 30
set rmargin 8
set key bottom right spacing 1.3
set arrow 1 from 1, graph 0 to 1, graph 1 nohead lc rgb "#333333"
plot "$tmp/bars" using (0.5*(1+\$2)):1:(1):2:(\$1-0.45):(\$1+0.45):3 with boxxyerror fs solid 0.9 noborder lc rgb variable notitle, \
     "" using (\$2 > 1 ? \$2 : 1):1:(sprintf(" %s", strcol(4))) with labels left offset 0.2,0 notitle $keys
GP
}
speedup speedup_layer2 "Layer 2: linear algebra" '$2 == 2'
speedup speedup_rest "The other layers, and whole matrices" '$2 != 2'

# ---------------------------------------------------------------- the matmul ladder
rows | awk -F'\t' -f "$tmp/colours.awk" -f <(echo '$1 == "matmul" && $3 == "512x512x512" { printf "%d\t%s\t%.2f\t%s\n", n++, $4, $15, colour($4) }') >"$tmp/matmul"
if [ -s "$tmp/matmul" ]; then draw matmul 800 450 <<GP
set title "f32 matrix product 512 x 512 x 512, GFLOP/s\n$machine"
set logscale y
set yrange [0.3:$(roof "$(header threads)" fma_GFLOPs)*2]
set xrange [-0.6:$(wc -l <"$tmp/matmul")-0.4]
set ylabel "GFLOP/s"
set grid y lc rgb "#dddddd"
set border 3
set tics nomirror
set xtics scale 0
set boxwidth 0.7
set key top left
plot "$tmp/matmul" using 1:3:4:xtic(2) with boxes fs solid 0.9 noborder lc rgb variable notitle, \
     "" using 1:3:(sprintf("%.1f", \$3)) with labels offset 0,-0.8 textcolor rgb "#ffffff" notitle, \
     $(roof 1 fma_GFLOPs) with lines lw 1.5 dt 2 lc rgb "#e59866" title "peak, one thread: $(roof 1 fma_GFLOPs)", \
     $(roof "$(header threads)" fma_GFLOPs) with lines lw 1.5 lc rgb "#c0392b" title "peak, all threads: $(roof "$(header threads)" fma_GFLOPs)"
GP
fi

# ---------------------------------------------------------------- roofline, one thread
rows | awk -F'\t' -f "$tmp/colours.awk" -f <(cat <<'AWK'
$7 == 1 && $13 > 0 && $14 > 0 {
    printf "%.5g\t%.5g\t%s\t%s %s: %s, %.0f %% of %s\n", $13 / $14, $15, colour($4), $1, $3, $4, 100 * $18, $19
}
AWK
) >"$tmp/dots"
# Names beside the best dot of a few operations; the SVG says all of them under the mouse.
rows | awk -F'\t' '
$7 == 1 && $13 > 0 && $14 > 0 && $6 == "yes" && $1 ~ /^(vec_add|dot_f16|gelu_tanh|rmsnorm|softmax|dot_q8_0|dot_q4_0|panel_mul|matmul_block|attention)$/ && !seen[$1]++ {
    printf "%.5g\t%.5g\t%s\n", $13 / $14, $15, $1 }' >"$tmp/names"
if [ -s "$tmp/dots" ]; then draw roofline 900 600 <<GP
set title "Roofline of one thread: what each variant reaches\n$machine"
set logscale xy
set xlabel "operations per byte read or written"
set ylabel "GFLOP/s (byte products: GOP/s)"
set xrange [0.05:400]
set yrange [0.004:3000]
set grid lc rgb "#e5e5e5"
set border 3
set tics nomirror
set key bottom right
least(a, b) = a < b ? a : b
fma = $(roof 1 fma_GFLOPs)
bytes = $(roof 1 int8_GOPs)
plot least(fma, x * $(roof 1 L1_GBs)) lw 2 lc rgb "#333333" title "L1: $(roof 1 L1_GBs) GB/s; f32 peak $(roof 1 fma_GFLOPs) GFLOP/s", \
     least(bytes, x * $(roof 1 L1_GBs)) lw 1 dt 3 lc rgb "#333333" title "byte products: peak $(roof 1 int8_GOPs) GOP/s", \
     least(fma, x * $(roof 1 L2_GBs)) lw 2 lc rgb "#777777" title "L2: $(roof 1 L2_GBs) GB/s", \
     least(fma, x * $(roof 1 memory_GBs)) lw 2 lc rgb "#b0b0b0" title "memory: $(roof 1 memory_GBs) GB/s", \
     "$tmp/dots" using 1:2:3 with points pt 7 ps 0.8 lc rgb variable notitle, \
     $([ -z "$mouse" ] || echo "'$tmp/dots' using 1:2:4 with labels hypertext point pt 7 ps 0.1 lc rgb '#000000' notitle,") \
     "$tmp/names" using (\$1):(strcol(3) eq "dot_q8_0" ? 1/0 : \$2):3 with labels left offset 0.7,0.3 notitle, \
     "" using (\$1):(strcol(3) eq "dot_q8_0" ? \$2 : 1/0):3 with labels right offset -0.7,0.3 notitle, \
     1/0 with points pt 7 lc rgb "#888888" title "scalar", 1/0 with points pt 7 lc rgb "#2a9d8f" title "other algorithm", \
     1/0 with points pt 7 lc rgb "#3b7dd8" title "avx2", 1/0 with points pt 7 lc rgb "#7fb2e5" title "avxvnni", 1/0 with points pt 7 lc rgb "#e07b39" title "avx512"
GP
fi

# ---------------------------------------------------------------- the KV cache
for v in uncached cached; do
    rows | awk -F'\t' -v v=$v '$1 == "generate" && $4 == v { sub("ctx=", "", $3); printf "%s\t%.4f\t%.0f\n", $3, $10 / 1e3, $17 }' >"$tmp/$v"
done
if [ -s "$tmp/cached" ]; then draw kv_cache 800 500 <<GP
set title "Cost of the next token, with and without a KV cache (one thread)\n$machine"
set logscale xy
set xlabel "tokens of context"
set ylabel "microseconds per token (median)"
set format y "%.0f"
set xtics (128, 256, 512, 1024, 2048)
set xrange [90:2900]
set grid lc rgb "#e5e5e5"
set border 3
set tics nomirror
set key top left
plot "$tmp/uncached" using 1:2 with linespoints pt 7 lw 2 lc rgb "#888888" title "uncached: the whole text again", \
     "$tmp/cached" using 1:2 with linespoints pt 7 lw 2 lc rgb "#e07b39" title "cached: one token", \
     "" using 1:2:(sprintf("%s times less", strcol(3))) with labels offset 0,1 notitle
GP
fi
echo "pictures: $(cd "$dir" && echo *.svg *.png) in $dir"
