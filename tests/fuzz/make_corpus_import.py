#!/usr/bin/env python3
"""Writes corpus_llama2c/: tiny models and vocabularies to start exploring from."""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def write(target, name, data):
    path = os.path.join(HERE, "corpus_" + target)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, name), "wb") as f:
        f.write(data)


def model(version, d=4, f=4, layers=1, heads=2, kv=1, vocab=3, ctx=2, group=4):
    half = d // heads * kv
    vectors = layers * 2 * d + d
    matrices = vocab * d + layers * (2 * d * d + 2 * d * half + 3 * d * f)
    numbers = struct.pack("<7i", d, f, layers, heads, kv, vocab, ctx)
    if version == 0:
        return numbers + bytes(4 * (vectors + matrices + d // heads * ctx))
    head = struct.pack("<Ii", 0x616B3432, version) + numbers + b"\1" + struct.pack("<i", group * (version == 2))
    size = 4 * matrices if version == 1 else matrices + matrices // group * 4
    return head.ljust(256, b"\0") + bytes(4 * vectors + size)


def vocabulary(*texts):
    return struct.pack("<I", 9) + b"".join(struct.pack("<fi", -1, len(t)) + t for t in texts)


for v in range(3):
    write("llama2c", f"v{v}", model(v))
write("llama2c", "v2_group", model(2, group=3))
write("llama2c", "zero_heads", model(0, heads=2)[:12] + bytes(4) + model(0)[16:])
write("llama2c", "vocabulary", vocabulary(b"<unk>", b"\n<s>\n", b"\n</s>\n", b"<0x00>", b" a"))
