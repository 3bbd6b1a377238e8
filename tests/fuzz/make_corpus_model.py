#!/usr/bin/env python3
"""Writes the seeds of the model fuzzer: Llamas, two Mambas, experts of three kinds, latent attention and a
Gemma, of a few kilobytes, that open and compute.

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


DT_F32, DT_F16, DT_Q8_0, DT_MXFP4 = 0, 1, 8, 39


def row(t, n, rng, norm):
    x = [rng.gauss(1, .1) if norm else rng.gauss(0, .5) for _ in range(n)]
    if t == DT_F32:
        return struct.pack("<%df" % n, *x)
    if t == DT_F16:
        return struct.pack("<%de" % n, *x)
    if t == DT_MXFP4:
        return b"".join(bytes([124]) + rng.randbytes(16) for i in range(0, n, 32))
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


def other(arch, ints, floats, shapes, strings=()):
    """Any family: numbers after the architecture's name; a shape with one number is a vector of F32, and a third
    part of its entry is the type of a matrix."""
    rng = random.Random(9)
    keys = [kv("general.architecture", STR, arch)]
    keys += [kv(arch + "." + k, BOOL if isinstance(v, bool) else U32, v) for k, v in ints.items()]
    keys += [kv(arch + "." + k, F32, v) for k, v in floats.items()] + [kv(arch + "." + k, STR, v) for k, v in strings]
    infos, data = [], b""
    for name, ne, *t in shapes:
        kind = t[0] if t else DT_F32
        data += bytes(-len(data) % 32)
        infos.append(tensor(name, ne, kind, len(data)))
        rows = 1
        for n in ne[1:]:
            rows *= n
        data += b"".join(row(kind, ne[0], rng, "norm" in name) for _ in range(rows))
    return gguf(keys, infos, data + bytes(-len(data) % 32))


def common(d, heads, kv_heads, ff, **more):
    return {"context_length": 2, "embedding_length": d, "block_count": 1, "feed_forward_length": ff,
            "attention.head_count": heads, "attention.head_count_kv": kv_heads,
            **{k.replace("__", "."): v for k, v in more.items()}}


def block(*parts):
    return [("blk.0." + name, *rest) for name, *rest in parts]


RMS = {"attention.layer_norm_rms_epsilon": 1e-5}


def mixtral(d=8, f=6, x=3):
    """A context that is longer than the trained one, too: a base that grows with it."""
    return other("llama", common(d, 2, 1, f, expert_count=x, expert_used_count=2),
                 {**RMS, "rope.scaling.dynamic_factor": 2}, [
        ("token_embd.weight", (d, 3)), ("output_norm.weight", (d,))] + block(
        ("attn_norm.weight", (d,)), ("attn_q.weight", (d, d)), ("attn_k.weight", (d, 4)), ("attn_v.weight", (d, 4)),
        ("attn_output.weight", (d, d)), ("ffn_norm.weight", (d,)), ("ffn_gate_inp.weight", (d, x)),
        ("ffn_gate_exps.weight", (d, f, x)), ("ffn_up_exps.weight", (d, f, x)), ("ffn_down_exps.weight", (f, d, x))))


def gpt_oss(d=32, f=32, x=2, h=2):
    return other("gpt-oss", common(d, 2, 1, f, attention__key_length=h, attention__value_length=h,
                                   attention__sliding_window=1, expert_count=x, expert_used_count=1,
                                   expert_feed_forward_length=f, rope__scaling__original_context_length=1),
                 {**RMS, "rope.scaling.factor": 2}, [
        ("token_embd.weight", (d, 2), DT_F16), ("output.weight", (d, 2), DT_F16), ("output_norm.weight", (d,))] + block(
        ("attn_norm.weight", (d,)), ("attn_q.weight", (d, 2 * h), DT_F16), ("attn_k.weight", (d, h), DT_F16),
        ("attn_v.weight", (d, h), DT_F16), ("attn_output.weight", (2 * h, d), DT_F16), ("attn_q.bias", (2 * h,)),
        ("attn_sinks.weight", (2,)), ("post_attention_norm.weight", (d,)), ("ffn_gate_inp.weight", (d, x)),
        ("ffn_gate_inp.bias", (x,)), ("ffn_gate_exps.weight", (d, f, x), DT_MXFP4),
        ("ffn_up_exps.weight", (d, f, x), DT_MXFP4), ("ffn_down_exps.weight", (f, d, x), DT_MXFP4),
        ("ffn_gate_exps.bias", (f, x)), ("ffn_up_exps.bias", (f, x)), ("ffn_down_exps.bias", (d, x))),
        [("rope.scaling.type", "yarn")])


def deepseek(d=8, r=4, rot=2, nope=3, dv=3, f=4, x=4):
    return other("deepseek2", common(d, 2, 2, 5, attention__key_length=nope + rot, attention__value_length=dv,
                                     attention__kv_lora_rank=r, rope__dimension_count=rot, expert_count=x,
                                     expert_used_count=2, expert_feed_forward_length=f, expert_shared_count=1,
                                     expert_weights_norm=True, expert_gating_func=2, expert_group_count=2,
                                     expert_group_used_count=1), {**RMS, "expert_weights_scale": 2}, [
        ("token_embd.weight", (d, 2)), ("output.weight", (d, 2)), ("output_norm.weight", (d,))] + block(
        ("attn_norm.weight", (d,)), ("attn_q.weight", (d, 2 * (nope + rot))), ("attn_kv_a_mqa.weight", (d, r + rot)),
        ("attn_kv_a_norm.weight", (r,)), ("attn_kv_b.weight", (r, 2 * (nope + dv))), ("attn_output.weight", (2 * dv, d)),
        ("ffn_norm.weight", (d,)), ("ffn_gate_inp.weight", (d, x)), ("exp_probs_b.bias", (x,)),
        ("ffn_gate_exps.weight", (d, f, x)), ("ffn_up_exps.weight", (d, f, x)), ("ffn_down_exps.weight", (f, d, x)),
        ("ffn_gate_shexp.weight", (d, f)), ("ffn_up_shexp.weight", (d, f)), ("ffn_down_shexp.weight", (f, d))))


def gemma3(d=8, f=6, h=4):
    return other("gemma3", common(d, 2, 1, f, attention__key_length=h, attention__value_length=h,
                                  attention__sliding_window=1), {**RMS, "final_logit_softcapping": 9,
                                  "rope.freq_base_swa": 1e4}, [
        ("token_embd.weight", (d, 3)), ("output_norm.weight", (d,))] + block(
        ("attn_norm.weight", (d,)), ("attn_q.weight", (d, 2 * h)), ("attn_k.weight", (d, h)), ("attn_v.weight", (d, h)),
        ("attn_q_norm.weight", (h,)), ("attn_k_norm.weight", (h,)), ("attn_output.weight", (2 * h, d)),
        ("post_attention_norm.weight", (d,)), ("ffn_norm.weight", (d,)), ("ffn_gate.weight", (d, f)),
        ("ffn_up.weight", (d, f)), ("ffn_down.weight", (f, d)), ("post_ffw_norm.weight", (d,))))


SEEDS = {
    "spm_f32": model(spm(12)),
    "bpe_f16_tied": model(bpe(12), t=DT_F16, tied=True, kv_heads=2),
    "q8_0": model(spm(9), d=32, ff=2, heads=4, t=DT_Q8_0, t_down=DT_F16, n_vocab=9, tied=True),
    "no_words_two_layers": model([], layers=2, n_vocab=3, more=[
        kv("llama.rope.freq_base", F32, 5e5), kv("llama.rope.scaling.type", STR, "linear"),
        kv("llama.rope.scaling.factor", F32, 4), kv("llama.vocab_size", U32, 3)], factors=(1, 8)),
    "mamba": scan("mamba"),
    "mamba2": scan("mamba2", groups=2),
    "experts_dynamic": mixtral(),
    "experts_mxfp4": gpt_oss(),
    "latent": deepseek(),
    "gemma3": gemma3(),
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
