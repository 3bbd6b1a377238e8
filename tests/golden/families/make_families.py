#!/usr/bin/env python3
"""Makes the models of this directory: small Hugging Face models with random weights, as GGUF, with what
Hugging Face computes for them.

    python3 -m venv v && v/bin/pip install torch transformers numpy gguf && v/bin/python make_families.py

Written with torch 2.15, transformers 5.23, gguf 0.19. Weights are rounded to half precision first, so that
both sides compute with the same numbers; Hugging Face computes in double precision. In golden.jsonl "tokens" is the
text and "greedy" what follows it; NAME.logits.f32 has a row per token of both. Encoders: a row is a
hidden state, and "n_vocab" its width; bert-rank: one score.
"""
import json, math, os, sys
import gguf, numpy as np, torch, transformers as T

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = sys.argv[1] if len(sys.argv) > 1 else HERE
V, E, F, L, H, G = 96, 32, 48, 2, 4, 2
N_PROMPT, N_GREEDY = 24, 16
lines = []


def randomise(model, seed):
    """Normal numbers that keep the stream at size one; gains around one; all of them half precision."""
    g = torch.Generator().manual_seed(seed)
    for name, p in list(model.named_parameters()) + [b for b in model.named_buffers() if "correction" in b[0]]:
        x = torch.randn(p.shape, generator=g)
        if p.dim() == 1 and name.endswith("weight") or "norm" in name and name.endswith("weight"):
            x = 1 + 0.2 * x
        elif p.dim() == 1 or "bias" in name:
            x = 0.2 * x
        elif "embed" in name or "wte" in name:
            pass
        else:
            x = 1.2 * x / math.sqrt(p.shape[-1])
        p.data = x.half().float().to(p.dtype)
    return model.double().eval()


def halves(x, n_head):
    """Rows of each head from half-split to interleaved pairs."""
    d = x.shape[0] // n_head
    return x.reshape(n_head, 2, d // 2, -1).transpose(0, 2, 1, 3).reshape(x.shape)


class File:
    def __init__(self, name, arch, model, n_ctx=64, eps="attention.layer_norm_rms_epsilon", eps_is=1e-5,
                 **more):
        self.w = gguf.GGUFWriter(os.path.join(OUT, name + ".gguf"), arch)
        self.name, self.arch, self.model = name, arch, model
        self.sd = {k: v.detach().double().numpy() for k, v in model.state_dict().items()}
        self.w.add_string("general.name", "random " + name)
        for k, v in {"context_length": n_ctx, "embedding_length": E, "block_count": L, "feed_forward_length": F,
                     "attention.head_count": H, **more}.items():
            key = arch + "." + k
            if isinstance(v, list): self.w.add_array(key, v)
            elif isinstance(v, bool): self.w.add_bool(key, v)
            elif isinstance(v, int): self.w.add_uint32(key, v)
            elif isinstance(v, float): self.w.add_float32(key, v)
            else: self.w.add_string(key, v)
        self.w.add_float32(arch + "." + eps, eps_is)

    def put(self, name, x):
        """A matrix as F16 (nothing is lost), a vector as F32."""
        x = np.asarray(x)
        vector = x.ndim == 1 or "norm" in name or "bias" in name or "rope_f" in name or "inp" in name
        self.w.add_tensor(name, np.ascontiguousarray(x, np.float32 if vector else np.float16))

    def blocks(self, name, x):
        """MXFP4 as it is: [X, rows, bytes]."""
        self.w.add_tensor(name, np.ascontiguousarray(x), raw_dtype=gguf.GGMLQuantizationType.MXFP4)

    def move(self, pairs, prefix="", block=-1):
        """pairs: GGUF name -> Hugging Face name, weight and bias as far as there are any."""
        to = "" if block < 0 else f"blk.{block}."
        for new, old in pairs.items():
            how = None
            if isinstance(old, tuple): old, how = old
            for part in ("weight", "bias"):
                x = self.sd.get(f"{prefix}{old}.{part}")
                if x is not None: self.put(f"{to}{new}.{part}", how(x) if how else x)

    def close(self):
        self.w.write_header_to_file(); self.w.write_kv_data_to_file(); self.w.write_tensors_to_file(); self.w.close()

    def answer(self, rows, tokens, greedy):
        rows = np.asarray(rows, np.float32)
        rows.tofile(os.path.join(OUT, self.name + ".logits.f32"))
        lines.append(json.dumps({"model": self.name + ".gguf", "tokens": tokens, "greedy": greedy,
                                 "n_vocab": rows.shape[-1]}))
        print(self.name, os.path.getsize(os.path.join(OUT, self.name + ".gguf")), "largest", abs(rows).max())

    def run(self, seed, n_greedy=N_GREEDY):
        """Feeds a random text and what follows greedily; all positions of the last pass."""
        ids = np.random.default_rng(seed).integers(0, V, N_PROMPT + N_GREEDY - n_greedy).tolist()
        n = len(ids)
        with torch.no_grad():
            for _ in range(n_greedy + 1):
                logits = self.model(torch.tensor([ids]), use_cache=False).logits[0]
                if len(ids) < n + n_greedy: ids.append(int(logits[-1].argmax()))
        self.close()
        self.answer(logits, ids[:n], ids[n:])


LLAMA = {"attn_norm": "input_layernorm", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj"}


def llama_body(f, interleave=True):
    f.move({"token_embd": "embed_tokens", "output_norm": "norm"}, "model.")
    if "lm_head.weight" in f.sd: f.put("output.weight", f.sd["lm_head.weight"])
    for i in range(L):
        q = (lambda x: halves(x, H)) if interleave else None
        k = (lambda x: halves(x, G)) if interleave else None
        f.move({**LLAMA, "attn_q": ("self_attn.q_proj", q), "attn_k": ("self_attn.k_proj", k)},
               f"model.layers.{i}.", i)


def llama_config(cls=T.LlamaConfig, **more):
    return cls(**{**dict(vocab_size=V, hidden_size=E, intermediate_size=F, num_hidden_layers=L, num_attention_heads=H,
               num_key_value_heads=G, rms_norm_eps=1e-5, max_position_embeddings=64, tie_word_embeddings=False,
               rope_parameters=dict(rope_type="default", rope_theta=10000.0), attn_implementation="eager",
               experts_implementation="eager"), **more})


KV = {"attention.head_count_kv": G}


def gptj():
    c = T.GPTJConfig(vocab_size=V, n_positions=64, n_embd=E, n_layer=L, n_head=2, rotary_dim=8, n_inner=F,
                     activation_function="gelu_new", attn_implementation="eager")
    f = File("gptj", "gptj", randomise(T.GPTJForCausalLM(c), 1), eps="attention.layer_norm_epsilon",
             **{"attention.head_count": 2, "rope.dimension_count": 8})
    f.move({"token_embd": "wte", "output_norm": "ln_f"}, "transformer."); f.move({"output": "lm_head"})
    for i in range(L):
        f.move({"attn_norm": "ln_1", "attn_q": "attn.q_proj", "attn_k": "attn.k_proj", "attn_v": "attn.v_proj",
                "attn_output": "attn.out_proj", "ffn_up": "mlp.fc_in", "ffn_down": "mlp.fc_out"},
               f"transformer.h.{i}.", i)
    f.run(1)


def command_r(name, norms):
    c = llama_config(T.CohereConfig, layer_norm_eps=1e-5, logit_scale=0.0625, use_qk_norm=norms,
                     tie_word_embeddings=True)
    f = File(name, "command-r", randomise(T.CohereForCausalLM(c), 2), eps="attention.layer_norm_epsilon",
             **KV, logit_scale=0.0625)
    f.sd.pop("lm_head.weight", None)
    llama_body(f, interleave=False)
    for i in range(L if norms else 0):
        f.move({"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}, f"model.layers.{i}.", i)
    f.run(2)


GRANITE = dict(embedding_multiplier=6.0, attention_multiplier=0.2, residual_multiplier=0.3, logits_scaling=5.0)
GRANITE_KEYS = {"embedding_scale": 6.0, "attention.scale": 0.2, "residual_scale": 0.3, "logit_scale": 5.0}


def granite():
    f = File("granite", "granite", randomise(T.GraniteForCausalLM(llama_config(T.GraniteConfig, **GRANITE)), 3),
             **KV, **GRANITE_KEYS)
    llama_body(f)
    f.run(3)


def granitemoe():
    c = llama_config(T.GraniteMoeConfig, **GRANITE, num_local_experts=4, num_experts_per_tok=2)
    f = File("granitemoe", "granitemoe", randomise(T.GraniteMoeForCausalLM(c), 4), **KV, **GRANITE_KEYS,
             expert_count=4, expert_used_count=2)
    llama_body(f)
    for i in range(L):
        p = f"model.layers.{i}.block_sparse_moe."
        both = [k for k in f.sd if k.startswith(p) and ("gate_up" in k or "input_linear" in k)][0]
        down = [k for k in f.sd if k.startswith(p) and ("down_proj" in k or "output_linear" in k)][0]
        router = [k for k in f.sd if k.startswith(p + "router") or k.startswith(p + "gate.")][0]
        f.put(f"blk.{i}.ffn_gate_inp.weight", f.sd[router])
        f.put(f"blk.{i}.ffn_gate_exps.weight", f.sd[both][:, :F])
        f.put(f"blk.{i}.ffn_up_exps.weight", f.sd[both][:, F:])
        f.put(f"blk.{i}.ffn_down_exps.weight", f.sd[down])
    f.run(4)


def internlm2():
    """InternLM2 computes what Llama computes; its fused q, k, v are split by converters."""
    f = File("internlm2", "internlm2", randomise(T.LlamaForCausalLM(llama_config()), 5), **KV)
    llama_body(f)
    f.run(5)


def mxfp4(w):
    """Experts in the published form of MXFP4: w [X, rows, n] -> the blocks as GGUF has them, and what
    transformers makes of them, [X, n, rows]. In a byte, checkpoints have numbers 2k and 2k + 1, GGUF k and
    k + 16."""
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors
    e2m1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])
    x = w.detach().float().reshape(*w.shape[:2], -1, 32)
    scales = torch.clamp(torch.floor(torch.log2(x.abs().amax(-1))) - 2, -127, 127)
    code = (x / 2 ** scales[..., None]).unsqueeze(-1).sub(e2m1).abs().argmin(-1).to(torch.uint8)
    scales = (scales + 127).to(torch.uint8)
    decoded = convert_moe_packed_tensors(code[..., 0::2] | code[..., 1::2] << 4, scales)
    blocks = np.concatenate([scales[..., None].numpy(), (code[..., :16] | code[..., 16:] << 4).numpy()], -1)
    return blocks.reshape(*w.shape[:2], -1), decoded


def gpt_oss(name="gpt-oss", fx=24):
    """fx = 32: rows of experts are whole blocks, and they are MXFP4, as OpenAI published them."""
    mx = fx % 32 == 0
    c = llama_config(T.GptOssConfig, intermediate_size=fx, head_dim=16, num_local_experts=4, num_experts_per_tok=2,
                     sliding_window=8, layer_types=["sliding_attention", "full_attention"],
                     rope_parameters=dict(rope_type="yarn", rope_theta=32.0, factor=4.0, beta_fast=32.0, beta_slow=1.0,
                                          original_max_position_embeddings=16, truncate=True))
    model = randomise(T.GptOssForCausalLM(c), 6)
    blocks = []
    for layer in model.model.layers if mx else []:
        for p in (layer.mlp.experts.gate_up_proj, layer.mlp.experts.down_proj):
            raw, decoded = mxfp4(p.data.transpose(1, 2))
            p.data = decoded.to(p.dtype)
            blocks.append(raw)
    f = File(name, "gpt-oss", model, **KV, **{
        "attention.key_length": 16, "attention.value_length": 16, "attention.sliding_window": 8, "expert_count": 4,
        "expert_used_count": 2, "expert_feed_forward_length": fx, "rope.freq_base": 32.0,
        "rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 16})
    f.move({"token_embd": "embed_tokens", "output_norm": "norm"}, "model."); f.move({"output": "lm_head"})
    for i in range(L):
        p = f"model.layers.{i}."
        f.move({"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
                "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
                "post_attention_norm": "post_attention_layernorm", "ffn_gate_inp": "mlp.router"}, p, i)
        f.put(f"blk.{i}.attn_sinks.weight", f.sd[p + "self_attn.sinks"])
        both, bias = f.sd[p + "mlp.experts.gate_up_proj"], f.sd[p + "mlp.experts.gate_up_proj_bias"]
        for k, part in enumerate(("gate", "up")):
            if mx: f.blocks(f"blk.{i}.ffn_{part}_exps.weight", blocks[2 * i][:, k::2])
            else: f.put(f"blk.{i}.ffn_{part}_exps.weight", both[:, :, k::2].transpose(0, 2, 1))
            f.put(f"blk.{i}.ffn_{part}_exps.bias", bias[:, k::2])
        if mx: f.blocks(f"blk.{i}.ffn_down_exps.weight", blocks[2 * i + 1])
        else: f.put(f"blk.{i}.ffn_down_exps.weight", f.sd[p + "mlp.experts.down_proj"].transpose(0, 2, 1))
        f.put(f"blk.{i}.ffn_down_exps.bias", f.sd[p + "mlp.experts.down_proj_bias"])
    f.run(6)


def deepseek3():
    """As DeepSeek-V3: queries directly, keys and values from one matrix (as in older files), YaRN with a
    multiplier, a router of sigmoids with a bias for the choice and groups."""
    r, rot, nope, dv, fx = 16, 8, 12, 10, 16
    c = llama_config(T.DeepseekV3Config, rms_norm_eps=1e-6, num_key_value_heads=H, q_lora_rank=None, kv_lora_rank=r,
                     qk_rope_head_dim=rot, qk_nope_head_dim=nope, v_head_dim=dv, moe_intermediate_size=fx,
                     n_routed_experts=8, n_shared_experts=2, num_experts_per_tok=3, n_group=4, topk_group=2,
                     first_k_dense_replace=1, norm_topk_prob=True, routed_scaling_factor=2.5, rope_interleave=True,
                     rope_parameters=dict(rope_type="yarn", rope_theta=32.0, factor=4.0, beta_fast=32.0, beta_slow=1.0,
                                          mscale=1.0, mscale_all_dim=1.0, original_max_position_embeddings=16))
    f = File("deepseek3", "deepseek2", randomise(T.DeepseekV3ForCausalLM(c), 7), eps_is=1e-6, **{
        "attention.head_count_kv": H, "attention.key_length": nope + rot, "attention.value_length": dv,
        "attention.kv_lora_rank": r, "rope.dimension_count": rot, "leading_dense_block_count": 1, "expert_count": 8,
        "expert_used_count": 3, "expert_feed_forward_length": fx, "expert_shared_count": 2,
        "expert_weights_scale": 2.5, "expert_weights_norm": True, "expert_gating_func": 2, "expert_group_count": 4,
        "expert_group_used_count": 2, "rope.freq_base": 32.0, "rope.scaling.type": "yarn",
        "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 16,
        "rope.scaling.yarn_log_multiplier": 0.1})
    f.move({"token_embd": "embed_tokens", "output_norm": "norm"}, "model."); f.move({"output": "lm_head"})
    for i in range(L):
        p = f"model.layers.{i}."
        f.move({"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj",
                "attn_kv_a_mqa": "self_attn.kv_a_proj_with_mqa", "attn_kv_a_norm": "self_attn.kv_a_layernorm",
                "attn_kv_b": "self_attn.kv_b_proj", "attn_output": "self_attn.o_proj",
                "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
                "ffn_down": "mlp.down_proj", "ffn_gate_inp": "mlp.gate",
                "ffn_gate_shexp": "mlp.shared_experts.gate_proj", "ffn_up_shexp": "mlp.shared_experts.up_proj",
                "ffn_down_shexp": "mlp.shared_experts.down_proj"}, p, i)
        if i == 0: continue
        f.put(f"blk.{i}.exp_probs_b.bias", f.sd[p + "mlp.gate.e_score_correction_bias"])
        both = f.sd[p + "mlp.experts.gate_up_proj"]
        f.put(f"blk.{i}.ffn_gate_exps.weight", both[:, :fx]); f.put(f"blk.{i}.ffn_up_exps.weight", both[:, fx:])
        f.put(f"blk.{i}.ffn_down_exps.weight", f.sd[p + "mlp.experts.down_proj"])
    f.run(7)


def layer_heads():
    """A list of head counts: heads 2 and 3 of layer 1 (and its second head of keys) are left out of the
    file; Hugging Face has them, with output columns of zeros."""
    m = randomise(T.LlamaForCausalLM(llama_config()), 8)
    d = E // H
    m.model.layers[1].self_attn.o_proj.weight.data[:, 2 * d:] = 0
    f = File("llama-heads", "llama", m, **{"attention.head_count": [4, 2], "attention.head_count_kv": [2, 1],
                                           "attention.key_length": d, "attention.value_length": d})
    p = "model.layers.1.self_attn."
    f.sd[p + "o_proj.weight"] = f.sd[p + "o_proj.weight"][:, :2 * d]
    whole = f.put

    def put(name, x):
        cut = {"blk.1.attn_q.weight": 2 * d, "blk.1.attn_k.weight": d, "blk.1.attn_v.weight": d}
        whole(name, x[:cut[name]] if name in cut else x)
    f.put = put
    llama_body(f)
    f.run(8)


#@ begin family-nemotron
def nemotron():
    """LayerNorm whose gains are stored less 1, squared ReLU without a gate, half of each head rotates."""
    c = llama_config(T.NemotronConfig, norm_eps=1e-5, hidden_act="relu2",
                     rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5))
    f = File("nemotron", "nemotron", randomise(T.NemotronForCausalLM(c), 13),
             eps="attention.layer_norm_epsilon", **KV, **{"rope.dimension_count": E // H // 2})
    for k in f.sd:
        if "norm" in k and k.endswith("weight"): f.sd[k] = f.sd[k] + 1
    llama_body(f, interleave=False)
    f.run(13)
#@ end family-nemotron


# ---------------------------------------------------------------- positions past the original context

def scaled(name, rope, keys, orig=16, factors=None, n_greedy=N_GREEDY):
    f = File(name, "llama", randomise(T.LlamaForCausalLM(llama_config(rope_parameters=rope)), 9), **KV, **keys)
    llama_body(f)
    if factors is not None: f.put("rope_freqs.weight", factors)
    f.run(9, n_greedy)


def linear():
    scaled("rope-linear", dict(rope_type="linear", rope_theta=100.0, factor=4.0),
           {"rope.freq_base": 100.0, "rope.scaling.type": "linear", "rope.scaling.factor": 4.0})


def ntk():
    """A larger base. Hugging Face's "dynamic" chooses it by the length of the text, so here the whole text is
    given at once, and the file has the base for that length."""
    n, orig, s, base, r = N_PROMPT + N_GREEDY, 16, 4.0, 100.0, E // H
    new = base * (s * n / orig - (s - 1)) ** (r / (r - 2))
    c = llama_config(rope_parameters=dict(rope_type="dynamic", rope_theta=base, factor=s,
                                          original_max_position_embeddings=orig), max_position_embeddings=orig)
    f = File("rope-ntk", "llama", randomise(T.LlamaForCausalLM(c), 9), **KV, **{"rope.freq_base": new})
    llama_body(f)
    f.run(9, 0)


def dynamic(name, n_ctx):
    """The same, chosen by whoever runs the file: the context is as long as the text."""
    base, s = 100.0, 4.0
    c = llama_config(rope_parameters=dict(rope_type="dynamic", rope_theta=base, factor=s),
                     max_position_embeddings=n_ctx)
    f = File(name, "llama", randomise(T.LlamaForCausalLM(c), 9), n_ctx, **KV, **{
        "rope.freq_base": base, "rope.scaling.dynamic_factor": s})
    llama_body(f)
    f.run(9, 0)


def yarn():
    scaled("rope-yarn", dict(rope_type="yarn", rope_theta=32.0, factor=4.0, original_max_position_embeddings=16),
           {"rope.freq_base": 32.0, "rope.scaling.type": "yarn", "rope.scaling.factor": 4.0,
            "rope.scaling.original_context_length": 16})


def llama3():
    s, lo, hi, orig, base, d = 8.0, 1.0, 4.0, 16, 100.0, E // H
    ff = []
    for j in range(d // 2):
        wave = 2 * math.pi * base ** (2 * j / d)
        t = (orig / wave - lo) / (hi - lo)
        ff.append(1.0 if wave < orig / hi else s if wave > orig / lo else 1 / ((1 - t) / s + t))
    scaled("rope-llama3", dict(rope_type="llama3", rope_theta=base, factor=s, low_freq_factor=lo, high_freq_factor=hi,
                               original_max_position_embeddings=orig), {"rope.freq_base": base}, factors=np.array(ff))


def longrope(name, orig):
    """Long factors where the context is longer than orig, short ones where it is not."""
    long, short = [1.5, 2.0, 4.0, 6.0], [1.0, 1.25, 1.5, 1.75]
    c = llama_config(T.Phi3Config, original_max_position_embeddings=orig, pad_token_id=0, max_position_embeddings=64,
                     rope_parameters=dict(rope_type="longrope", rope_theta=100.0, long_factor=long, short_factor=short,
                                          original_max_position_embeddings=orig, factor=64 / orig))
    m = math.sqrt(1 + math.log(64 / orig) / math.log(orig))
    f = File(name, "phi3", randomise(T.Phi3ForCausalLM(c), 10), **KV, **{
        "rope.freq_base": 100.0, "rope.scaling.type": "longrope", "rope.scaling.attn_factor": m,
        "rope.scaling.original_context_length": orig})
    f.move({"token_embd": "embed_tokens", "output_norm": "norm"}, "model."); f.move({"output": "lm_head"})
    f.put("rope_factors_long.weight", np.array(long)); f.put("rope_factors_short.weight", np.array(short))
    for i in range(L):
        f.move({"attn_norm": "input_layernorm", "attn_qkv": "self_attn.qkv_proj", "attn_output": "self_attn.o_proj",
                "ffn_norm": "post_attention_layernorm", "ffn_up": "mlp.gate_up_proj", "ffn_down": "mlp.down_proj"},
               f"model.layers.{i}.", i)
    f.run(10)


# ---------------------------------------------------------------- encoders

def nomic_bert():
    c = T.NomicBertConfig(vocab_size=V, hidden_size=E, num_hidden_layers=L, num_attention_heads=H, intermediate_size=F,
                          max_position_embeddings=64, layer_norm_eps=1e-5, attn_implementation="eager",
                          rope_parameters=dict(rope_type="default", rope_theta=1000.0))
    f = File("nomic-bert", "nomic-bert", randomise(T.NomicBertModel(c), 11), eps="attention.layer_norm_epsilon",
             **{"rope.freq_base": 1000.0, "attention.causal": False, "pooling_type": 1})
    e = "embeddings."
    f.move({"token_embd": "word_embeddings", "token_types": "token_type_embeddings", "token_embd_norm": "LayerNorm"
            if e + "LayerNorm.weight" in f.sd else "layer_norm"}, e)
    for i in range(L):
        f.move({"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
                "attn_output": "self_attn.o_proj", "attn_output_norm": "post_attention_layernorm",
                "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
                "layer_output_norm": "post_mlp_layernorm"}, f"layers.{i}.", i)
    f.close()
    ids = np.random.default_rng(11).integers(1, V, N_PROMPT).tolist()
    with torch.no_grad(): rows = f.model(torch.tensor([ids])).last_hidden_state[0]
    f.answer(rows, ids, [])


def bert_rank():
    """A re-ranking model: its classifier's score of a text."""
    c = T.BertConfig(vocab_size=V, hidden_size=E, num_hidden_layers=L, num_attention_heads=H, intermediate_size=F,
                     max_position_embeddings=64, layer_norm_eps=1e-5, hidden_act="gelu_new", num_labels=1,
                     attn_implementation="eager")
    f = File("bert-rank", "bert", randomise(T.BertForSequenceClassification(c), 12),
             eps="attention.layer_norm_epsilon", **{"attention.causal": False, "pooling_type": 4})
    f.move({"token_embd": "word_embeddings", "position_embd": "position_embeddings",
            "token_types": "token_type_embeddings", "token_embd_norm": "LayerNorm"}, "bert.embeddings.")
    f.move({"cls": "bert.pooler.dense", "cls.output": "classifier"})
    for i in range(L):
        f.move({"attn_q": "attention.self.query", "attn_k": "attention.self.key", "attn_v": "attention.self.value",
                "attn_output": "attention.output.dense", "attn_output_norm": "attention.output.LayerNorm",
                "ffn_up": "intermediate.dense", "ffn_down": "output.dense", "layer_output_norm": "output.LayerNorm"},
               f"bert.encoder.layer.{i}.", i)
    f.close()
    ids = np.random.default_rng(12).integers(1, V, N_PROMPT).tolist()
    with torch.no_grad(): score = f.model(torch.tensor([ids])).logits
    f.answer(score, ids, [])


torch.set_num_threads(1)
for make in (gptj, lambda: command_r("command-r", False), lambda: command_r("command-r-norms", True), granite, granitemoe,
             internlm2, gpt_oss, lambda: gpt_oss("gpt-oss-mxfp4", 32), deepseek3, layer_heads, linear, ntk,
             lambda: dynamic("rope-dynamic", 16), lambda: dynamic("rope-dynamic-short", 48), yarn, llama3,
             lambda: longrope("rope-long", 16), lambda: longrope("rope-short", 48), nomic_bert, bert_rank, nemotron):
    make()
with open(os.path.join(OUT, "golden.jsonl"), "w") as f: f.write("\n".join(lines) + "\n")
