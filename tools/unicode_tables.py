#!/usr/bin/env python3
"""Writes layer5_models/tokenizers/unicode_tables.c from Python's own Unicode database:
tools/unicode_tables.py > layer5_models/tokenizers/unicode_tables.c (Unicode 14 with Python 3.11)."""
import textwrap
import unicodedata as u

ALL = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
HANGUL = range(0xAC00, 0xD7A4)


def ranges(name, test, what):
    out = []
    for c in ALL:
        if not test(c):
            continue
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    body = " ".join(f"{{0x{a:X}, 0x{b:X}}}," for a, b in out)
    print(f"\n/* {what} */\nconst UnicodeRange {name}[] = {{")
    print(textwrap.fill(body, 98, initial_indent="    ", subsequent_indent="    "))
    print(f"}};\nconst int {name}_N = {len(out)};")


def lower_runs():
    out = []
    for c in ALL:
        low = ord(chr(c).lower()[0])
        if low == c:
            continue
        d = low - c
        r = out[-1] if out else None
        if r and r[3] == d and (c - r[1] == r[2] or (r[0] == r[1] and c - r[1] in (1, 2))):
            r[2] = c - r[1]
            r[1] = c
        else:
            out.append([c, c, 1, d])
    body = " ".join(f"{{0x{a:X}, 0x{b:X}, {s}, {d}}}," for a, b, s, d in out)
    print("\n/* Capitals first, first + step, ... last become small by adding delta. */")
    print("const UnicodeLower UNICODE_LOWER[] = {")
    print(textwrap.fill(body, 98, initial_indent="    ", subsequent_indent="    "))
    print(f"}};\nconst int UNICODE_LOWER_N = {len(out)};")


def c_text(s):
    """Characters as they are, unless an editor that normalises text would change them."""
    out = ""
    for ch in s:
        plain = u.normalize("NFC", ch) == ch and not u.category(ch).startswith(("M", "Z", "C")) \
            and u.bidirectional(ch) not in ("R", "AL")
        out += ("\\" + ch if ch in '"\\' else ch) if plain else \
            f"\\U{ord(ch):08X}" if ord(ch) > 0xFFFF else f"\\u{ord(ch):04X}"
    return out


def bases():
    groups, runs = {}, []
    for c in ALL:
        if c in HANGUL or u.normalize("NFD", chr(c)) == chr(c) or u.category(chr(c)) == "Mn":
            continue
        r = "".join(x for x in u.normalize("NFD", chr(c)) if u.category(x) != "Mn")
        if 0xF900 <= c <= 0xFAFF or 0x2F800 <= c <= 0x2FA1F:
            if runs and runs[-1][0] + len(runs[-1][1]) == c:
                runs[-1][1] += r
            else:
                runs.append([c, r])
        else:
            groups.setdefault(r, []).append(c)
    print("\n/* The letter, then all that become it when their accents go. */")
    print("const UnicodeBase UNICODE_BASES[] = {")
    rows = [f'{{"{c_text(r)}", "{c_text("".join(map(chr, cs)))}"}},' for r, cs in groups.items()]
    line = "   "
    for row in rows:
        if len(line) + len(row) + 1 > 98 and line.strip():
            print(line)
            line = "   "
        line += " " + row
    print(line)
    print(f"}};\nconst int UNICODE_BASES_N = {len(rows)};")
    print("\n/* Chinese characters that were encoded twice: from `first` on, the first encoding of each. */")
    print("const UnicodeTwin UNICODE_TWINS[] = {")
    for first, text in runs:
        parts = [text[i:i + 45] for i in range(0, len(text), 45)]
        body = "\n     ".join(f'"{c_text(p)}"' for p in parts)
        print(f"    {{0x{first:X},\n     {body}}},")
    print(f"}};\nconst int UNICODE_TWINS_N = {len(runs)};")


print(f"""/* unicode_tables.c: what WordPiece must know about characters. Written by tools/unicode_tables.py from
 * the Unicode {u.unidata_version} character database; unicode.c says how the tables are read. */
#include "unicode.h"

#include <stddef.h>""")
ranges("UNICODE_MARKS", lambda c: u.category(chr(c)) == "Mn", "Category Mn: accents and other marks without width.")
ranges("UNICODE_PUNCTUATION", lambda c: c > 0x7F and u.category(chr(c))[0] == "P", "Categories P, beyond ASCII.")
ranges("UNICODE_HIDDEN", lambda c: u.category(chr(c)) in ("Cc", "Cf", "Co") and chr(c) not in "\t\n\r",
       "Categories Cc, Cf and Co without tab, line feed and carriage return.")
lower_runs()
bases()
