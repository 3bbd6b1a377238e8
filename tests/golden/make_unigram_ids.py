#!/usr/bin/env python3
"""Writes unigram_ids.txt: what the sentencepiece library (0.2.3) makes of some texts with two Unigram models
that it publishes for its own tests. One line of ids per text.

    python3 -m venv v && v/bin/pip install sentencepiece==0.2.3 && v/bin/python tests/golden/make_unigram_ids.py
"""
import os

import sentencepiece

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../../../shared/data/")
MODELS = (("test_model", "botchan.txt"), ("test_ja_model", "wagahaiwa_nekodearu.txt"))

with open(os.path.join(HERE, "unigram_ids.txt"), "w") as out:
    for model, book in MODELS:
        folder = DATA + "tokenizers/sentencepiece/"
        sp = sentencepiece.SentencePieceProcessor(model_file=folder + model + ".model")
        with open(DATA + "ggml-vocab/ggml-vocab-bert-bge.gguf.inp", encoding="utf-8", newline="") as f:
            texts = f.read().split("\n__ggml_vocab_test__\n")[:-1]
        with open(folder + book, encoding="utf-8", newline="") as f:
            texts += f.read().split("\n")[:150]
        for text in texts:
            print(" ".join(map(str, sp.encode(text))), file=out)
