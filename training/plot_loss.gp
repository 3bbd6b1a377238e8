# plot_loss.gp: the loss of a run against its steps.   gnuplot -e "run='train-out'" training/plot_loss.gp
# Reads RUN/loss.tsv (step, rate, loss, gradient norm, held-out loss), writes RUN/loss.svg; or tsv='FILE.tsv'
# and svg='FILE.svg', such as lessons/data/storyteller_loss.tsv.
if (!exists("run")) run = "train-out"
if (!exists("tsv")) tsv = run . "/loss.tsv"
if (!exists("svg")) svg = run . "/loss.svg"
set terminal svg size 800,420 font "sans-serif,13" background "white"
set output svg
set datafile separator "\t"
set xlabel "step"
set ylabel "loss (nats per token)"
set grid ytics lc rgb "#dddddd"
set key top right
plot tsv using 1:3 with dots lc rgb "#bbbbbb" title "each step", \
     "" using 1:3 smooth bezier lw 2 lc rgb "#1f77b4" title "smoothed", \
     "" using 1:5 with lines lw 2 lc rgb "#d62728" title "held-out text"
