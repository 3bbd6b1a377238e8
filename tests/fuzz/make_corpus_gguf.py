#!/usr/bin/env python3
"""Writes the seeds of the GGUF fuzzer: one small file per class, named for it.

    tests/fuzz/make_corpus_gguf.py [directory]        default: corpus_gguf beside this script

Valid files show the fuzzer every value type and tensor type (random bytes would stop at the magic);
broken ones stand one step beyond each rule.
"""
import os
import struct
import sys

U8, I8, U16, I16, U32, I32, F32, BOOL, STR, ARR, U64, I64, F64 = range(13)
PACK = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "B", U64: "Q",
        I64: "q", F64: "d"}


def string(s):
    b = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<Q", len(b)) + b


def value(t, v):
    return string(v) if t == STR else struct.pack("<" + PACK[t], v)


def kv(key, t, v):
    return string(key) + struct.pack("<I", t) + value(t, v)


def array(key, t, vs, n=None):
    head = struct.pack("<IIQ", ARR, t, len(vs) if n is None else n)
    return string(key) + head + b"".join(value(t, v) for v in vs)


def tensor(name, ne, t, offset):
    return (string(name) + struct.pack("<I", len(ne)) + struct.pack("<%dQ" % len(ne), *ne)
            + struct.pack("<IQ", t, offset))


def gguf(kvs=(), tensors=(), data=b"", version=3, align=32, n_kv=None, n_tensors=None):
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors) if n_tensors is None else n_tensors,
                                 len(kvs) if n_kv is None else n_kv)
    body = head + b"".join(kvs) + b"".join(tensors)
    return body + bytes(-len(body) % align) + data if data else body


ARCH = kv("general.architecture", STR, "llama")
SCALARS = [kv("k%d" % t, t, "text" if t == STR else 1) for t in range(13) if t != ARR]
ARRAYS = [array("a%d" % t, t, [b"x", b"", b"\xff"] if t == STR else [1, 2, 3]) for t in range(13)
          if t != ARR]
# (type id, weights per block, bytes per block), as in dtype.h
TYPES = [(0, 1, 4), (1, 1, 2), (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34),
         (10, 256, 84), (11, 256, 110), (12, 256, 144), (13, 256, 176), (14, 256, 210),
         (16, 256, 66), (20, 32, 18), (30, 1, 2), (34, 256, 54), (39, 32, 17), (40, 64, 36)]


def all_types():
    infos, data = [], b""
    for t, block, size in TYPES:
        infos.append(tensor("t%d" % t, [block], t, len(data)))
        data += bytes(size) + bytes(-size % 8)
    return gguf([kv("general.alignment", U32, 8)], infos, data[:-1] + b"\0", align=8)


FILES = {
    "valid_empty": gguf(),
    "valid_v2": gguf([ARCH], [tensor("v", [2], 0, 0)], bytes(8), version=2),
    "valid_scalars": gguf(SCALARS),
    "valid_arrays": gguf(ARRAYS),
    "valid_all_tensor_types": all_types(),
    "valid_4d": gguf([ARCH], [tensor("a", [2, 3, 4, 2], 1, 0), tensor("s", [], 0, 96)], bytes(100)),
    "valid_any_order": gguf([], [tensor("a", [8], 0, 32), tensor("b", [8], 0, 0)], bytes(64)),
    "valid_alignment_64": gguf([kv("general.alignment", U32, 64)], [tensor("a", [1], 0, 64)],
                               bytes(68), align=64),
    "valid_vocabulary": gguf([ARCH, array("tokenizer.ggml.tokens", STR, ["<s>", "a", "b"]),
                              array("tokenizer.ggml.scores", F32, [0, -1, -2]),
                              array("tokenizer.ggml.token_type", I32, [3, 1, 1])]),
    "split_first_of_two": gguf([kv("split.no", U16, 0), kv("split.count", U16, 2)]),
    "alignment_zero": gguf([kv("general.alignment", U32, 0)]),
    "alignment_high_bit": gguf([kv("general.alignment", U32, 0x80000000)]),
    "array_length_2_63": gguf([array("a", U32, [1], 1 << 63)]),
    "array_of_arrays": gguf([array("a", U32, [1])[:13] + struct.pack("<IQ", ARR, 1) + bytes(16)]),
    "count_of_tensors_2_63": gguf(n_tensors=1 << 63),
    "count_of_keys_2_32": gguf(n_kv=1 << 32),
    "dimension_zero": gguf([], [tensor("z", [0, 4], 0, 0)], bytes(32)),
    "dimensions_wrap": gguf([], [tensor("w", [(1 << 40), 1 << 22, 4], 0, 0)], bytes(32)),
    "dimensions_five": gguf([], [tensor("w", [1] * 5, 0, 0)], bytes(32)),
    "key_empty": gguf([kv("", U64, 1)]),
    "key_twice": gguf([kv("k", U8, 1), kv("k", U8, 1)]),
    "offset_wraps": gguf([], [tensor("w", [9], 0, (1 << 64) - 32)], bytes(64)),
    "row_no_whole_block": gguf([], [tensor("q", [31], 2, 0)], bytes(64)),
    "string_length_2_64": gguf([string("s") + struct.pack("<IQ", STR, (1 << 64) - 1)]),
    "tensor_beyond_file": gguf([], [tensor("w", [1 << 20], 0, 0)], bytes(64)),
    "tensors_overlap": gguf([], [tensor("a", [16], 0, 0), tensor("b", [8], 0, 32)], bytes(64)),
    "type_retired": gguf([], [tensor("q", [32], 4, 0)], bytes(64)),
    "version_big_endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "version_1": b"GGUF" + struct.pack("<III", 1, 0, 0),
    "magic_alone": b"GGUF",
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "corpus_gguf")
    os.makedirs(out, exist_ok=True)
    for name, data in FILES.items():
        assert len(data) < 2048, name
        with open(os.path.join(out, name), "wb") as f:
            f.write(data)
    print("%d files in %s" % (len(FILES), os.path.relpath(out)))


main()
