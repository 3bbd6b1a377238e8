# plot_formats.gp: every number format: bits per weight, error, and how fast a text is written (colour).
#   ./lesson6_tune 6 > formats.tsv && gnuplot -e "tsv='formats.tsv'" layer6_inference/demos/plot_formats.gp
# Without tsv: the table of lessons/data/. Writes formats.svg, or svg='FILE.svg'.
if (!exists("tsv")) tsv = "lessons/data/storyteller_formats.tsv"
if (!exists("svg")) svg = "formats.svg"
set terminal svg size 900,560 font "sans-serif,13" background "white"
set output svg
set datafile separator "\t"
set logscale x 2
set logscale y
set xrange [1:40]
set yrange [1e-6:20]
set format y "10^{%L}"
set xlabel "bits per weight"
set ylabel "KL from the exact model (nats per token)"
set cblabel "tokens per second, writing"
set grid lc rgb "#dddddd"
set palette defined (0 "#d62728", 0.5 "#f0c808", 1 "#2ca02c")
unset key
plot tsv using 2:($3 > 1e-6 ? $3 : 1e-6):4 with points pt 7 ps 1.1 lc palette, \
     "" using 2:($3 > 1e-6 ? $3 : 1e-6):1 with labels left offset char 0.7,0.3 font "sans-serif,11"
