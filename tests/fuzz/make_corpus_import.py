#!/usr/bin/env python3
"""Writes corpus_llama2c/, corpus_safetensors/, corpus_torchfile/ and corpus_hfvocab/: small files to start exploring
from."""
import io
import os
import struct
import zipfile

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


def safetensors(header, n):
    return struct.pack("<Q", len(header)) + header + bytes(n)


A = b'"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]}'
B = b'"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}'
write("safetensors", "two", safetensors(b'{"__metadata__":{"format":"pt"},' + A + b"," + B + b"}  ", 16))
write("safetensors", "hole", safetensors(b"{" + A + b"}", 16))
write("safetensors", "twice", safetensors(b"{" + B + b"," + B + b"}", 4))
write("safetensors", "empty", safetensors(b"{}", 0))
write("safetensors", "json", b'{"a":[1,-2.5e3,true,null,"\\u00e9\\ud83d\\ude00"],"b":{"c":[]}}')



def archive(pickle, storage=bytes(24), method=zipfile.ZIP_STORED):
    """An archive as torch.save makes it, with a fixed date."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in (("m/data.pkl", pickle), ("m/byteorder", b"little"), ("m/data/0", storage)):
            z.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


STORAGE = b"((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpuK\6tQ"
TENSOR = (b"X\1\0\0\0xctorch._utils\n_rebuild_tensor_v2\n" + STORAGE +
          b"K\0K\2K\3\x86K\3K\1\x86\x89ccollections\nOrderedDict\n)RtR")
PICKLES = {
    "one": b"\x80\2}(" + TENSOR + b"u.",
    "memo": b"\x80\2ccollections\nOrderedDict\nq\0)Rq\1(" + TENSOR + b"u}X\1\0\0\0vK\1sb.",
    "system": b"\x80\2cos\nsystem\n(X\2\0\0\0lstR.",
    "protocol4": b"\x80\4\x95\x20\0\0\0\0\0\0\0\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94.",
    "numbers": b"\x80\2}(K\1M\1\2J\1\2\3\4\x8a\2\xff\x7fG\0\0\0\0\0\0\0\0Nu.",
}
for name, pickle in PICKLES.items():
    write("torchfile", name, b"1" + pickle)
    write("torchfile", name + "_zip", b"0" + archive(pickle))
write("torchfile", "compressed", b"0" + archive(PICKLES["one"], method=zipfile.ZIP_DEFLATED))


def field(number, kind, value):
    if kind == 0:
        return bytes([number << 3 & 127 | kind | (128 if number > 15 else 0)] + ([number >> 4] if number > 15 else []) + [value])
    return bytes([number << 3 | kind]) + (bytes([len(value)]) if kind == 2 else b"") + value


def piece(text, score, kind):
    return field(1, 2, field(1, 2, text) + field(2, 5, struct.pack("<f", score)) + field(3, 0, kind))


SPM = piece(b"<unk>", 0, 2) + piece(b"<s>", 0, 3) + piece(b"a", -1, 1) + field(2, 2, field(3, 0, 2) + field(41, 0, 1))
write("hfvocab", "spm", SPM)
write("hfvocab", "spm_cut", SPM[:-3])
BPE = b'''{"added_tokens":[{"id":3,"content":"<s>","special":true}],"pre_tokenizer":{"type":"ByteLevel"},
"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}]},
"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}}'''
write("hfvocab", "bpe", BPE)
write("hfvocab", "bpe_characters", BPE.replace(b"ByteLevel", b"Metaspace").replace(b'"BPE",', b'"BPE","byte_fallback":true,'))
UNIGRAM = b'''{"added_tokens":[{"id":0,"content":"<unk>","special":true}],
"normalizer":{"type":"Sequence","normalizers":[{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAA="},
{"type":"Strip","strip_right":true},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}]},
"pre_tokenizer":{"type":"Metaspace","replacement":"\\u2581","prepend_scheme":"always"},
"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"<unk>"}}]},
"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["\\u2581",-1],["\\u2581a",-2.5]]}}'''
write("hfvocab", "unigram", UNIGRAM)
write("hfvocab", "unigram_bad_map", UNIGRAM.replace(b"BAAA", b"B!=A"))
write("hfvocab", "wordpiece", b'''{"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},
"post_processor":{"type":"BertProcessing","sep":["[S]",3],"cls":["[S]",3]},
"model":{"type":"WordPiece","unk_token":"[U]","vocab":{"[U]":0,"a":1,"##b":2,"[S]":3}}}''')
