#!/usr/bin/env python3
"""Writes the seeds of the adapter fuzzer: adapters for the container in fuzz_lora.c.

    tests/fuzz/make_corpus_lora.py [directory]       default: corpus_lora beside this script
"""
import os
import struct
import sys

out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus_lora")
os.makedirs(out, exist_ok=True)


def string(s):
    return struct.pack("<Q", len(s)) + s.encode()


def gguf(tensors, alpha=4.0, kind="lora", extra=b"", n_extra=0):
    """tensors: (name, ne, values, is f16)."""
    keys = b"".join(string(k) + struct.pack("<I", 8) + string(v) for k, v in (
        ("general.architecture", "llama"), ("general.type", "adapter"), ("adapter.type", kind)))
    keys += string("adapter.lora.alpha") + struct.pack("<If", 6, alpha) + extra
    infos, data = b"", b""
    for name, ne, values, half in tensors:
        data += bytes(-len(data) % 32)
        infos += string(name) + struct.pack("<I", len(ne)) + struct.pack("<%dQ" % len(ne), *ne)
        infos += struct.pack("<IQ", int(half), len(data))
        data += struct.pack("<%d%s" % (len(values), "e" if half else "f"), *values)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 4 + n_extra) + keys + infos
    return head + bytes(-len(head) % 32) + data


def pair(name, a, b, half=False):
    def values(ne):
        n = 1
        for k in ne:
            n *= k
        return [(i % 7 - 3) / 4 for i in range(n)]
    return [(name + ".lora_a", a, values(a), half), (name + ".lora_b", b, values(b), half)]


Q = pair("blk.0.attn_q.weight", (8, 2), (2, 6))
X = pair("blk.0.ffn_up_exps.weight", (4, 3, 2), (3, 3, 2), True)
E = pair("token_embd.weight", (1, 5), (1, 4))
O = pair("output.weight", (4, 2), (2, 5))
seeds = {
    "all": gguf(Q + X + E + O), "alpha_zero": gguf(Q, alpha=0.0), "b_first": gguf(Q[::-1]), "half": gguf(Q[:1]),
    "experts_misfit": gguf(pair("blk.0.ffn_up_exps.weight", (4, 3, 2), (3, 3, 3))), "none": gguf([]),
    "vector": gguf(pair("blk.0.attn_q.bias", (6, 1), (1, 1))), "unknown": gguf(pair("blk.7.x.weight", (8, 2), (2, 6))),
    "nan": gguf([Q[0], (Q[1][0], Q[1][1], [float("nan")] * 12, False)]), "kind": gguf(Q, kind="ia3"),
    "norm": gguf(Q + [("blk.0.attn_norm.weight", (4,), [1, 1, 1, 1], False)]),
    "alora": gguf(Q, extra=string("adapter.alora.invocation_tokens") + struct.pack("<IIQI", 9, 4, 1, 5), n_extra=1),
}
for name, data in seeds.items():
    open(os.path.join(out, name), "wb").write(data)
