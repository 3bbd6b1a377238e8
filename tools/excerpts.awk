# excerpts.awk: the blocks of a lesson that come from elsewhere.
#
#   awk -v check=0|1 -v snips_only=0|1 -v bin=DIR -f tools/excerpts.awk LESSON.md
#
# After "<!-- snip FILE NAME -->" the fenced block holds the lines of FILE between //@ begin NAME and
# //@ end NAME (in scripts #@), dedented and without other markers. After "<!-- run COMMAND -->" it holds what COMMAND
# prints, run from the project's root; only ./lesson... and ./sixfold... may be run. To stdout goes the
# lesson with fresh blocks (check=0), or one line per stale, missing or unknown block (check=1). Blocks
# of layers that are not in this checkout stay as they are. Exit status 1 if anything was wrong.

function complain(text) {
    text = FILENAME ":" comment_line ": " text
    if (check) print text
    else print text > "/dev/stderr"
    bad = 1
}

# A layer whose directory was removed; its blocks cannot be judged here.
function absent(dir) { return system("test -e " dir) != 0 }

# Reads the excerpt into fresh; 0 if there is none.
function snip(file, name,    row, on, n, i, indent, line, found) {
    fresh = ""; n = 0; indent = 1000
    while ((row = (getline line < file)) > 0) {
        if (line ~ "^[ \t]*(//|#)@ end " name "$") on = 0
        if (on && line !~ /^[ \t]*(\/\/|#)@/) {
            text[++n] = line
            if (match(line, /[^ ]/) && RSTART - 1 < indent) indent = RSTART - 1
        }
        if (line ~ "^[ \t]*(//|#)@ begin " name "$") on = found = 1
    }
    close(file)
    if (row < 0) { complain("excerpt from " file ", a file that is not there; correct the path"); return 0 }
    if (!found) { complain("no excerpt '" name "' in " file "; put //@ begin " name " there or correct the name"); return 0 }
    if (on) { complain("excerpt '" name "' in " file " has no end; add //@ end " name); return 0 }
    for (i = 1; i <= n; i++) fresh = fresh substr(text[i], indent + 1) "\n"
    return 1
}

# Runs the command, its output into fresh without blanks at the ends of lines; 0 if it may not or fails.
function run(command,    line, status, program, full) {
    fresh = ""
    if (command !~ /^\.\/(lesson|sixfold)/ || command ~ /[;&<>`]|\$\(|\|[ \t]*\|/) {
        complain("may not run '" command "'; only ./lesson... and ./sixfold..., without redirections"); return 0
    }
    if (command in memory) { fresh = memory[command]; return 1 }
    program = command; sub(/ .*/, "", program); sub(/^\./, bin, program)
    if (absent(program)) { complain(program " is not built; run make"); return 0 }
    full = command; sub(/^\./, bin, full); gsub(/'/, "'\\''", full)
    full = "timeout 60 bash -o pipefail -c '" full "' 2>/dev/null </dev/null; printf '\\nstatus %s\\n' $?"
    while ((full | getline line) > 0) {
        if (line ~ /^status [0-9]+$/) { status = substr(line, 8); continue }
        sub(/[ \t\r]+$/, "", line)
        fresh = fresh line "\n"
    }
    close(full)
    while (sub(/\n\n$/, "\n", fresh)) {}
    if (fresh == "\n") fresh = ""
    if (status != "0") { complain("'" command "' ended with status " status "; run it by hand"); return 0 }
    memory[command] = fresh
    return 1
}

function finish_block() {
    if (!check) printf "%s", state == "keep" ? old : fresh
    else if (state == "fresh" && old != fresh)
        complain((what == "snip" ? "excerpt '" : "output of '") label "' is stale; run make lessons and read what changed")
}

{ sub(/\r$/, "") }

inside {
    if ($0 ~ /^```[ \t]*$/) { finish_block(); inside = 0; if (!check) print; next }
    old = old $0 "\n"
    next
}

pending {
    pending = 0
    if ($0 ~ /^```/) { inside = 1; old = ""; if (!check) print; next }
    complain("no block follows; write ```c or ```text and ``` on the next lines")
}

# Blocks that are only shown, such as an example of these comments.
fence != "" { if (index($0, fence) == 1 && $0 ~ /^`+[ \t]*$/) fence = ""; if (!check) print; next }
match($0, /^```+/) { fence = substr($0, 1, RLENGTH); if (!check) print; next }

match($0, /^<!-- (snip|run) .* -->[ \t]*$/) {
    comment_line = FNR; what = $2; label = $0; state = "keep"
    sub(/^<!-- (snip|run) /, "", label); sub(/ -->[ \t]*$/, "", label)
    if (what == "snip") {
        if (split(label, part, " ") != 2) complain("write <!-- snip FILE NAME -->")
        else if (part[1] ~ /^(layer[1-6]_|training\/)/ && absent(substr(part[1], 1, index(part[1], "/") - 1))) state = "keep"
        else if (snip(part[1], part[2])) state = "fresh"
        label = part[2] "' of '" part[1]
    } else if (!snips_only) {
        layer = 6
        if (match(label, /^\.\/lesson[1-7]/)) layer = substr(label, 9, 1)
        if (label !~ /^\.\/(lesson[1-7]|sixfold)/ || !absent(layer == 7 ? "training/layer7.h" : "layer" layer "_*/layer" layer ".h")) if (run(label)) state = "fresh"
    }
    pending = 1
}
/^<!-- (snip|run)/ && !/-->[ \t]*$/ { comment_line = FNR; complain("the comment must end on its line with -->") }

!check { print }

END {
    if (inside) complain("the block has no end; add ```")
    exit bad
}
