#!/usr/bin/env python3
"""Writes the seeds of the model fuzzer: Llamas and two Mambas of a few kilobytes that open and compute.

    tests/fuzz/make_corpus_model.py [directory]       default: corpus_model beside this script
"""
import os
import random
import struct
import sys

U32, I32, F32, BOOL, STR, ARR = 4, 5, 6, 7, 8, 9
PACK = {U32: "I", I32: "i", F32: "f", BOOL: "B"}


def string(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def value(t, v):
    return string(v) if t == STR else struct.pack("<" + PACK[t], v)


def kv(key, t, v):
    return string(key) + struct.pack("<I", t) + value(t, v)


def array(key, t, vs):
    return string(key) + struct.pack("<IIQ", ARR, t, len(vs)) + b"".join(value(t, v) for v in vs)


def tensor(name, ne, t, offset):
    return (string(name) + struct.pack("<I", len(ne)) + struct.pack("<%dQ" % len(ne), *ne)
            + struct.pack("<IQ", t, offset))


def gguf(keys, infos, data):
    body = (b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(keys)) + b"".join(keys)
            + b"".join(infos))
    return body + bytes(-len(body) % 32) + data


DT_F32, DT_F16, DT_Q8_0 = 0, 1, 8


def row(t, n, rng, norm):
    x = [rng.gauss(1, .1) if norm else rng.gauss(0, .5) for _ in range(n)]
    if t == DT_F32:
        return struct.pack("<%df" % n, *x)
    if t == DT_F16:
        return struct.pack("<%de" % n, *x)
    return b"".join(struct.pack("<e32b", .01, *[round(v * 60) % 100 - 50 for v in x[i:i + 32]])
                    for i in range(0, n, 32))


def spm(n):
    texts = ["<unk>", "<s>", "</s>", "\u2581", "A", "b", "\u2581A", "<0xC3>", "<0xA4>"] + ["t%d" % i for i in range(n)]
    types = [2, 3, 3, 1, 1, 1, 1, 6, 6] + [1] * n
    return [kv("tokenizer.ggml.model", STR, "llama"), array("tokenizer.ggml.tokens", STR, texts[:n]),
            array("tokenizer.ggml.scores", F32, [-float(i) for i in range(n)]),
            array("tokenizer.ggml.token_type", I32, types[:n]), kv("tokenizer.ggml.bos_token_id", U32, 1),
            kv("tokenizer.ggml.eos_token_id", U32, 2), kv("tokenizer.ggml.add_space_prefix", BOOL, 1)]


def bpe(n):
    texts = ["A", "b", "\u0120", "1", "2", "12", "Ab", "\u00c3", "\u00a4", "<s>"] + ["t%d" % i for i in range(n)]
    return [kv("tokenizer.ggml.model", STR, "gpt2"), kv("tokenizer.ggml.pre", STR, "llama-bpe"),
            array("tokenizer.ggml.tokens", STR, texts[:n]), array("tokenizer.ggml.merges", STR, ["A b", "1 2"]),
            array("tokenizer.ggml.token_type", I32, [1] * 9 + [3] + [1] * (n - 10)),
            kv("tokenizer.ggml.bos_token_id", U32, 9), kv("tokenizer.ggml.add_bos_token", BOOL, 1)]


def model(words, d=8, ff=8, heads=2, kv_heads=1, layers=1, n_vocab=12, t=DT_F32, t_down=None, tied=False,
          more=(), factors=None):
    rng = random.Random(7)
    a = "llama."
    keys = [kv("general.architecture", STR, "llama"), kv(a + "context_length", U32, 32),
            kv(a + "embedding_length", U32, d), kv(a + "block_count", U32, layers),
            kv(a + "feed_forward_length", U32, ff), kv(a + "attention.head_count", U32, heads),
            kv(a + "attention.head_count_kv", U32, kv_heads),
            kv(a + "attention.layer_norm_rms_epsilon", F32, 1e-5)] + list(more) + list(words)
    k = d // heads * kv_heads
    shapes = [("token_embd", (d, n_vocab))]
    for i in range(layers):
        shapes += [("blk.%d.%s" % (i, name), s) for name, s in [
            ("attn_norm", (d,)), ("attn_q", (d, d)), ("attn_k", (d, k)), ("attn_v", (d, k)),
            ("attn_output", (d, d)), ("ffn_norm", (d,)), ("ffn_gate", (d, ff)), ("ffn_up", (d, ff)),
            ("ffn_down", (ff, d))]]
    shapes += [("output_norm", (d,))] + ([] if tied else [("output", (d, n_vocab))])
    infos, data = [], b""
    for name, s in shapes:
        norm = len(s) == 1
        kind = DT_F32 if norm else t_down if name.endswith("ffn_down") and t_down is not None else t
        data += bytes(-len(data) % 32)
        infos.append(tensor(name + ".weight", s, kind, len(data)))
        data += b"".join(row(kind, s[0], rng, norm) for _ in range(1 if norm else s[1]))
    if factors:
        data += bytes(-len(data) % 32)
        infos.append(tensor("rope_freqs.weight", (len(factors),), DT_F32, len(data)))
        data += struct.pack("<%df" % len(factors), *factors)
    return gguf(keys, infos, data + bytes(-len(data) % 32))


def scan(arch, d=4, inner=8, state=3, conv=2, rank=2, groups=1, n_vocab=3):
    rng = random.Random(8)
    a = arch + "."
    keys = [kv("general.architecture", STR, arch), kv(a + "attention.layer_norm_rms_epsilon", F32, 1e-5)]
    keys += [kv(a + name, U32, v) for name, v in [
        ("context_length", 32), ("embedding_length", d), ("block_count", 1), ("ssm.conv_kernel", conv),
        ("ssm.inner_size", inner), ("ssm.state_size", state), ("ssm.time_step_rank", rank),
        ("ssm.group_count", groups)]]
    wide = inner + 2 * groups * state
    own = [("ssm_in.weight", (d, inner + wide + rank)), ("ssm_conv1d.weight", (conv, wide)),
           ("ssm_conv1d.bias", (wide,)), ("ssm_dt.bias", (rank,)), ("ssm_a", (1, rank)),
           ("ssm_d", (1, rank)), ("ssm_norm.weight", (inner // groups, groups))]
    if arch == "mamba":
        own = [("ssm_in.weight", (d, 2 * inner)), ("ssm_conv1d.weight", (conv, inner)),
               ("ssm_conv1d.bias", (inner,)), ("ssm_x.weight", (inner, rank + 2 * state)),
               ("ssm_dt.weight", (rank, inner)), ("ssm_dt.bias", (inner,)), ("ssm_a", (state, inner)),
               ("ssm_d", (inner,))]
    shapes = [("token_embd.weight", (d, n_vocab)), ("output_norm.weight", (d,))]
    shapes += [("blk.0." + n, s) for n, s in [("attn_norm.weight", (d,)), ("ssm_out.weight", (inner, d))] + own]
    infos, data = [], b""
    for name, s in shapes:
        data += bytes(-len(data) % 32)
        infos.append(tensor(name, s, DT_F32, len(data)))
        n = s[0] * (s[1] if len(s) > 1 else 1)
        data += struct.pack("<%df" % n, *[-abs(rng.gauss(0, .5)) for _ in range(n)])
    return gguf(keys, infos, data + bytes(-len(data) % 32))


SEEDS = {
    "spm_f32": model(spm(12)),
    "bpe_f16_tied": model(bpe(12), t=DT_F16, tied=True, kv_heads=2),
    "q8_0": model(spm(9), d=32, ff=2, heads=4, t=DT_Q8_0, t_down=DT_F16, n_vocab=9, tied=True),
    "no_words_two_layers": model([], layers=2, n_vocab=3, more=[
        kv("llama.rope.freq_base", F32, 5e5), kv("llama.rope.scaling.type", STR, "linear"),
        kv("llama.rope.scaling.factor", F32, 4), kv("llama.vocab_size", U32, 3)], factors=(1, 8)),
    "mamba": scan("mamba"),
    "mamba2": scan("mamba2", groups=2),
    "wide_heads": model([], d=4, ff=3, heads=2, kv_heads=2, n_vocab=2, more=[]),
}

if __name__ == "__main__":
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus_model")
    target = sys.argv[1] if len(sys.argv) > 1 else here
    os.makedirs(target, exist_ok=True)
    for name, data in SEEDS.items():
        assert len(data) < 8192, (name, len(data))
        with open(os.path.join(target, name), "wb") as f:
            f.write(data)
    print("%d files in %s" % (len(SEEDS), target))
