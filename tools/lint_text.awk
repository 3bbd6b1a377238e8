# lint_text.awk: the rules of the house that can be read off the text of a file.
#
#   awk -v headers=MAP -f tools/lint_text.awk FILE...      MAP: lines "name.h layer path"
#
# Prints one line per finding, "file:line: what is wrong; what to do". Lines that start with "note:"
# are advice and do not count. Exit status 1 if there are findings.

function report(line, text) { printf "%s:%d: %s\n", FILENAME, line, text; bad++ }
function note(file, line, text) { printf "note: %s:%d: %s\n", file, line, text }

BEGIN {
    while ((getline row < headers) > 0) {
        split(row, f, " ")
        if ((f[1] in owner) && f[1] !~ /\.def$/) {
            printf "%s:1: second header named %s (the other is %s); rename one, names are unique\n", f[3], f[1], path[f[1]]
            bad++
        }
        owner[f[1]] = f[2]; path[f[1]] = f[3]
    }
    banned = "simpl" "ified|place" "holder|in a real implemen" "tation|not implemen" "ted|for simpl" "icity"
    beside = "\\.\\./sha" "red"
    machine = "(^|[^A-Za-z0-9_.~/-])/(work|root|home)/"
    isa = "__AVX|__SSE|__FMA|__F16C|__ARM|__aarch64__|__x86_64__|SIMD_ISA_"
}

# The line without comments and without the inside of strings.
function strip(s,    out, t) {
    out = ""
    while (s != "") {
        if (in_comment) {
            if (!index(s, "*/")) return out
            s = substr(s, index(s, "*/") + 2); in_comment = 0
            continue
        }
        if (!match(s, /\/\*|\/\/|"|'/)) return out s
        t = substr(s, RSTART, RLENGTH)
        out = out substr(s, 1, RSTART - 1)
        s = substr(s, RSTART + RLENGTH)
        if (t == "/*") in_comment = 1
        else if (t == "//") return out
        else {
            if (t == "\"" && match(s, /^([^"\\]|\\.)*"/)) s = substr(s, RLENGTH + 1)
            else if (t == "'" && match(s, /^([^'\\]|\\.)*'/)) s = substr(s, RLENGTH + 1)
            else s = ""
            out = out t t
        }
    }
    return out
}

function end_of_file() {
    if (name == "") return
    if (code && lines_here > 500) { printf "%s:%d: %d lines, the limit is 500; give the second idea its own file\n", name, lines_here, lines_here; bad++ }
    else if (code && lines_here > 300) note(name, lines_here, lines_here " lines; 300 is a comfortable page")
    if (open_mark != "") { printf "%s:%d: excerpt '%s' has no end; add //@ end %s\n", name, open_line, open_mark, open_mark; bad++ }
    if (open_exercise) { printf "%s:%d: exercise has no end; add //@ end exercise\n", name, open_exercise; bad++ }
    if (code && room) { lines[room] += lines_here; marks[room] += marks_here }
}

FNR == 1 {
    end_of_file()
    name = FILENAME; in_comment = 0; in_body = 0; open_mark = ""; open_exercise = 0; marks_here = 0; before = ""
    split("", seen)
    code = name ~ /\.(c|h|inc|def)$/
    prose = code || name ~ /\.md$/ || name ~ /Makefile$/
    layer = 8; room = 0
    if (name ~ /^layer[1-6]_/) { layer = room = substr(name, 6, 1) + 0 }
    else if (name ~ /^training\//) layer = room = 7
    else if (name ~ /^tests\/layer[1-7]\//) layer = substr(name, 12, 1) + 0
    product = room || name ~ /^(bench|tools|models|training)\//
}
{ lines_here = FNR }

prose && tolower($0) ~ banned { report(FNR, "a banned word (listed in tools/lint_text.awk); do the whole thing, or say what the limit is") }
prose && /(^|[^A-Za-z_])(TODO|FIXME)([^A-Za-z_]|$)/ && !/#[0-9]+/ { report(FNR, "work left open without an issue number; finish it or write the number, as in (#12)") }
$0 ~ machine { report(FNR, "path of one machine; make it relative to the project's root") }
name !~ /^tests\// && $0 ~ beside { report(FNR, "only tests may look beside the project; copy what is needed into it") }

!code { next }

/\/\/@/ {
    marks_here++
    if (match($0, /^[ \t]*\/\/@ begin [A-Za-z0-9_-]+$/)) {
        if (open_mark != "") report(FNR, "excerpt begins inside excerpt '" open_mark "'; excerpts do not nest")
        if ($3 in seen) report(FNR, "second excerpt named '" $3 "' in this file; rename it")
        open_mark = $3; open_line = FNR; seen[$3] = 1
    } else if (match($0, /^[ \t]*\/\/@ exercise [1-6]\.[0-9]+ /)) {
        if (open_exercise) report(FNR, "exercise begins inside the exercise of line " open_exercise)
        open_exercise = FNR
    } else if (match($0, /^[ \t]*\/\/@ end exercise$/)) {
        if (!open_exercise) report(FNR, "end of an exercise that never began")
        open_exercise = 0
    } else if (match($0, /^[ \t]*\/\/@ end [A-Za-z0-9_-]+$/)) {
        if ($3 != open_mark) report(FNR, "end of excerpt '" $3 "', but the open one is '" open_mark "'")
        open_mark = ""
    } else if (!match($0, /"[^"]*\/\/@/)) {
        report(FNR, "not a marker; write //@ begin name, //@ end name, //@ exercise N.M title or //@ end exercise")
    } else marks_here--
    next
}

!in_comment && /^[ \t]*#[ \t]*include/ {
    if (match($0, /[<"][^>"]*[>"]/)) {
        inc = substr($0, RSTART + 1, RLENGTH - 2)
        if (inc ~ /\.\.\//) report(FNR, "include through ../; headers are found by name, write the name alone")
        sub(/.*\//, "", inc)
        if (inc !~ /\.def$/ && (inc in owner)) {
            if (owner[inc] > layer) report(FNR, "layer " layer " includes " inc " of layer " owner[inc] "; data goes up, so pass a view or a callback down")
            if (inc ~ /_impl\.h$/ && room && owner[inc] != room) report(FNR, inc " is private to layer " owner[inc] "; use its public header")
        }
    }
}

{
    raw = $0
    s = strip($0)
    if (product && name !~ /\/arena\.c$/ && s ~ /(^|[^A-Za-z0-9_.>])(malloc|calloc|realloc|free|strdup|strndup|aligned_alloc|posix_memalign|memalign|valloc|asprintf|vasprintf|open_memstream|getline|getdelim)[ ]*\(/)
        report(FNR, "memory comes from arena.h alone; use Arena, Buf or mem_alloc")
    if (s ~ /(^|[^A-Za-z0-9_])alloca[ ]*\(/) report(FNR, "alloca; ask the caller for scratch memory")
    if (room && name !~ /\/main\.c$/ && s ~ /(^|[^A-Za-z0-9_.>])(exit|_Exit|quick_exit)[ ]*\(/)
        report(FNR, "exit outside main.c; return a Status")
    if (room && in_body && name !~ /\/(cpu|simd_[a-z0-9]+)\.[ch]$/ && raw ~ /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)/ && raw ~ isa)
        report(FNR, "instruction set chosen inside a function; put each twin in its own file and name it in kernels.def")
    if (s ~ /^\{[ \t]*$/) { in_body = FNR; fn = before }
    else if (s ~ /^\}/ && in_body) {
        n = FNR - in_body - 1; sub(/[ ]*\(.*/, "", fn); sub(/.*[ *]/, "", fn)
        if (n > 100) report(in_body, "function " fn " has " n " lines, the limit is 100; split it at its numbered steps")
        else if (n > 60) note(name, in_body, "function " fn " has " n " lines; 60 is enough for all but a forward pass")
        in_body = 0
    }
    else if (!in_body && s ~ /^[A-Za-z]/) before = s
}

END {
    end_of_file()
    for (r in lines) if (marks[r] * 20 > lines[r]) {
        printf "layer%d:1: %d of %d lines are markers, the limit is 5 %%; show fewer excerpts\n", r, marks[r], lines[r]; bad++
    }
    exit bad > 0
}
