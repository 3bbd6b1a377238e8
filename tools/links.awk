# links.awk: the relative links of Markdown files, one per line: "file:line<TAB>path from the root".
# Links to other sites and to places in the same file are left out, as is whatever follows a '#'.
FNR == 1 { fence = 0 }
/^[ \t]*```/ { fence = !fence }
!fence {
    s = $0
    gsub(/`[^`]*`/, "", s)
    while (match(s, /\]\([^)]*\)/)) {
        target = substr(s, RSTART + 2, RLENGTH - 3)
        s = substr(s, RSTART + RLENGTH)
        sub(/[ \t]+".*/, "", target); sub(/#.*/, "", target)
        if (target == "" || target ~ /^[a-z]+:/) continue
        dir = FILENAME
        if (!sub(/\/[^\/]*$/, "", dir)) dir = "."
        while (sub(/^\.\//, "", target)) {}
        while (target ~ /^\.\.\//) {
            sub(/^\.\.\//, "", target)
            if (!sub(/\/[^\/]*$/, "", dir)) dir = "."
        }
        printf "%s:%d\t%s\n", FILENAME, FNR, dir == "." ? target : dir "/" target
    }
}
