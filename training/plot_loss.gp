# plot_loss.gp: the loss of a run against its steps.   gnuplot -e "run='train-out'" training/plot_loss.gp
# Reads RUN/loss.tsv (step, rate, loss, gradient norm, held-out loss), writes RUN/loss.svg.
if (!exists("run")) run = "train-out"
set terminal svg size 800,420 font "sans-serif,13" background "white"
set output run . "/loss.svg"
set datafile separator "\t"
set xlabel "step"
set ylabel "loss (nats per token)"
set grid ytics lc rgb "#dddddd"
set key top right
plot run . "/loss.tsv" using 1:3 with dots lc rgb "#bbbbbb" title "each step", \
     "" using 1:3 smooth bezier lw 2 lc rgb "#1f77b4" title "smoothed", \
     "" using 1:5 with lines lw 2 lc rgb "#d62728" title "held-out text"
