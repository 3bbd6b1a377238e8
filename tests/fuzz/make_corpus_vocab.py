#!/usr/bin/env python3
"""Writes corpus_vocab/ and corpus_tokenizer/: small vocabularies and texts to start exploring from."""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def text(s):
    b = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<Q", len(b)) + b


def kv(key, kind, value):
    key = key if "." in key else "tokenizer.ggml." + key
    head = text(key)
    if kind == "str":
        return head + struct.pack("<I", 8) + text(value)
    if kind == "u32":
        return head + struct.pack("<II", 4, value)
    if kind == "bool":
        return head + struct.pack("<IB", 7, value)
    elem, code = {"strs": (8, ""), "i32s": (5, "i"), "f32s": (6, "f"), "u8s": (0, "B")}[kind]
    head += struct.pack("<IIQ", 9, elem, len(value))
    return head + b"".join(text(v) if elem == 8 else struct.pack("<" + code, v) for v in value)


def gguf(*keys):
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)) + b"".join(kv(*k) for k in keys)


SPM = ["<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "▁", "a", "aa", "▁a", "t", "h", "th", "", "<|x|>"]
TYPES = [2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1, 1, 5, 4]
BPE = ["a", "b", "ab", "Ġ", "Ġa", "Ã", "©", "Ã©", "h", "e", "l", "o", "hello", "<|end|>", "<s>", "x"]
MERGES = ["a b", "Ġ a", "Ã ©", "a a"]
spm = [("model", "str", "llama"), ("tokens", "strs", SPM), ("scores", "f32s", [-i for i in range(14)]),
       ("token_type", "i32s", TYPES), ("unknown_token_id", "u32", 0)]
bpe = [("model", "str", "gpt2"), ("tokens", "strs", BPE), ("merges", "strs", MERGES)]
VOCABS = {
    "spm": gguf(*spm),
    "spm_phi3": gguf(*spm, ("general.name", "str", "Phi-3"), ("add_eos_token", "bool", 1)),
    "spm_short_scores": gguf(*spm[:2], ("scores", "f32s", [0.0])),
    "spm_bad_byte": gguf(spm[0], ("tokens", "strs", ["<0x-1>"]), ("scores", "f32s", [0.0]),
                         ("token_type", "i32s", [6])),
    "bpe_default": gguf(*bpe),
    "bpe_llama": gguf(*bpe, ("pre", "str", "llama-bpe"), ("bos_token_id", "u32", 14)),
    "bpe_unknown_pre": gguf(*bpe, ("pre", "str", "gpt-3")),
    "bpe_duplicate": gguf(bpe[0], ("tokens", "strs", ["a", "a"]), bpe[2]),
    "bpe_bad_merge": gguf(*bpe[:2], ("merges", "strs", ["ab"])),
    "gemma4": gguf(("model", "str", "gemma4"), ("tokens", "strs", SPM), ("merges", "strs", ["▁ a"])),
}
# The map of {"A": "a"}: unit 65 ('A', with a leaf, offset 65 ^ 256), its value in unit 256.
UNITS = [0] * 512
UNITS[65] = 65 | 256 | (65 ^ 256) << 10
MAP = struct.pack("<I512I", 2048, *UNITS) + b"a\0"
wpm = [("model", "str", "bert"), ("tokens", "strs", ["[UNK]", "[CLS]", "[SEP]", "▁the", "a", "▁a", "▁12", "▁你", "▁<"]),
       ("token_type", "i32s", [3, 3, 3] + [1] * 6), ("unknown_token_id", "u32", 0)]
ugm = [("model", "str", "t5"), ("tokens", "strs", ["<pad>", "</s>", "<unk>", "▁", "a", "▁a", "th", "the", "<|x|>"]),
       ("scores", "f32s", [0, 0, 0, -2, -3, -4, -5, -6, 0]), ("token_type", "i32s", [3, 3, 2, 1, 1, 1, 1, 1, 4])]
VOCABS |= {
    "wpm": gguf(*wpm), "wpm_cased": gguf(*wpm, ("tokenizer.ggml.normalizer.lowercase", "bool", 0)),
    "ugm": gguf(*ugm, ("precompiled_charsmap", "u8s", MAP), ("add_space_prefix", "bool", 1)),
    "ugm_merge": gguf(*ugm, ("remove_extra_whitespaces", "bool", 1)),
    "ugm_bad_map": gguf(*ugm, ("precompiled_charsmap", "u8s", MAP[:100])),
    "rwkv": gguf(("model", "str", "rwkv"), ("tokens", "strs", ["<s>", "a", "aa", "\\n", "\\xff", " ", "the ", "\\"])),
}
TEXTS = {
    "words": "the  the aaaa, 12345 don't\n\n x".encode(),
    "special": b"a<s>b</s><|x|> <|x", "invalid": b"a\xff\xfe \xc3 \xe2\x82\xf0\x9f\x99 b\x80",
    "scripts": "é 你好 한국어 ٣٤٥ 🙂 e\u0301 \u180e\u2003x".encode(), "run": b"a" * 300, "spaces": b" " * 99 + b"x",
}
for folder, files in (("vocab", VOCABS), ("tokenizer", {f"{k}_{n:02d}": bytes([n]) + v for k, v in TEXTS.items()
                                                        for n in (0, 1, 2, 3, 5, 8)})):
    path = os.path.join(HERE, "corpus_" + folder)
    os.makedirs(path, exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(path, name), "wb") as f:
            f.write(data)
