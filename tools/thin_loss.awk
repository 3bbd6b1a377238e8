# thin_loss.awk: a run's loss.tsv in about a hundred lines, dense where the loss falls fast.
#
#   awk -f tools/thin_loss.awk training/out/loss.tsv > lessons/data/storyteller_loss.tsv
#
# Each line stands for the steps from the line before it up to its own: the mean of loss and gradient
# norm, the last rate and held-out loss. A line ends where the step has grown by 6 %, and with the run.
BEGIN { FS = OFS = "\t" }
/^#/ { print $0; next }
{ n++; loss += $3; norm += $4; step = $1; rate = $2; held = $5 }
$1 + 0 >= next_step { put() }
function put() {
    if (n) printf "%d\t%.4g\t%.4f\t%.4f\t%s\n", step, rate, loss / n, norm / n, held == "nan" ? held : sprintf("%.4f", held)
    n = loss = norm = 0
    next_step = step + (step * 0.06 > 1 ? int(step * 0.06) : 1)
}
END { put() }
