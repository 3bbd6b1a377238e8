/* hf_rope.c: rotary settings of config.json, of which there are three generations: numbers beside all others
 * (rope_theta), a dict for how they are scaled (rope_scaling), and one dict for everything, or one for each
 * kind of layer (rope_parameters). */
#include "hf_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of the rotary dict, else of config.json. */
static double real_of(const HfModel *m, const char *name, double otherwise)
{
    JsonView v = jsonview_get(m->rope, name);
    if (jsonview_number(v, &otherwise)) return otherwise;
    hf_note_wrong(m, name, v, "a number");
    return hf_real(m, name, otherwise);
}

static void find_dicts(HfModel *m)
{
    m->rope = hf_value(m, "rope_parameters");
    JsonView full = jsonview_get(m->rope, "full_attention");
    m->rope_swa = jsonview_get(m->rope, "sliding_attention");
    if (full.s) m->rope = full;
    if (!m->rope.s) m->rope = hf_value(m, "rope_scaling");
}

static Status cannot(const HfModel *m, const char *what, Err *err)
{
    return fail(err, E_UNSUPPORTED, "%s with %s. HINT: this rotary setting has no GGUF form", m->family->arch, what);
}

/* How many numbers of a head turn. */
static int64_t n_rot_of(const HfModel *m)
{
    if (m->d_rope) return m->d_rope;
    double part = hf_is(m, "stablelm") || hf_is(m, "gptneox") ? 0.25 : hf_is(m, "phi2") ? 0.5 : 1;
    part = hf_real(m, "rotary_emb_fraction", hf_real(m, "rotary_pct", part));
    part = real_of(m, "partial_rotary_factor", part);
    double n = hf_real(m, "rotary_dim", hf_is(m, "gptj") ? 64 : floor((double)m->d_head * part));
    return n >= 2 && n <= (double)m->d_head ? (int64_t)n : m->d_head;
}

static Status put_yarn(GgufWriter *w, const HfModel *m, double factor, Err *err)
{
    double longer = factor > 1 ? 1 + 0.1 * log(factor) : 1;
    double magnitude = real_of(m, "attention_factor", longer);
    double all = real_of(m, "mscale_all_dim", 0);
    if (m->kv_rank) {
        /* Latent attention sharpens scores, and turns without a magnitude. */
        if (all <= 0 || real_of(m, "mscale", 1) != all) return cannot(m, "YaRN's mscale unlike its mscale_all_dim", err);
        TRY(hf_put_f32(w, m, "rope.scaling.yarn_log_multiplier", 0.1 * all, err));
    } else if (real_of(m, "mscale", 0) > 0 || all > 0) {
        return cannot(m, "YaRN's mscale", err);
    }
    if (real_of(m, "beta_fast", 32) != 32 || real_of(m, "beta_slow", 1) != 1)
        return cannot(m, "YaRN's beta_fast or beta_slow other than 32 and 1", err);
    JsonView truncate = jsonview_get(m->rope, "truncate");
    if (jsonview_kind(truncate) == JSON_BOOL && !jsonview_true(truncate))
        TRY(hf_put_bool(w, m, "rope.scaling.yarn_truncate", false, err));
    TRY(hf_put_str(w, m, "rope.scaling.type", "yarn", err));
    TRY(hf_put_f32(w, m, "rope.scaling.factor", factor, err));
    return magnitude == longer || m->kv_rank ? OK : hf_put_f32(w, m, "rope.scaling.attn_factor", magnitude / longer, err);
}

static void add_factors(const char *name, const float *x, int64_t n, ImportTensor *t, ImportSource *s,
                          int64_t *count)
{
    s += *count, t += *count;
    *s = (ImportSource){.view = tensor_matrix(DT_F32, x, 1, n)};
    *t = (ImportTensor){.type = DT_F32, .n_dims = 1, .ne = {n, 1, 1, 1}, .sources = s, .n_sources = 1};
    snprintf(t->name, sizeof t->name, "%s.weight", name);
    ++*count;
}

//@ begin hf-llama3
/* Llama 3.1: slow pairs turn `factor` times slower, fast ones as ever, those
 * between by something between. */
static void llama3_factors(const HfModel *m, double base, int64_t n_rot,
                           float *out)
{
    double factor = real_of(m, "factor", 8), low = real_of(m, "low_freq_factor", 1);
    double high = real_of(m, "high_freq_factor", 4);
    double orig = real_of(m, "original_max_position_embeddings", 8192);
    for (int64_t j = 0; j < n_rot / 2; j++) {
        double wave = 2 * M_PI * pow(base, 2.0 * (double)j / (double)n_rot);
        double t = (orig / wave - low) / (high - low);
        double f = wave < orig / high ? 1 : factor;
        if (wave >= orig / high && wave <= orig / low) f = 1 / ((1 - t) / factor + t);
        out[j] = (float)f;
    }
}
//@ end hf-llama3

static Status read_factors(const HfModel *m, const char *name, float *out, int64_t n, Err *err)
{
    JsonView item;
    double v;
    int64_t i = 0;
    for (JsonWalk w = jsonview_walk(jsonview_get(m->rope, name)); jsonview_next(&w, NULL, &item); i++) {
        if (i == n || !jsonview_number(item, &v)) return cannot(m, "rotary factors of another number", err);
        out[i] = (float)v;
    }
    return i == n ? OK : cannot(m, "rotary factors of another number", err);
}

static Status put_longrope(GgufWriter *w, HfModel *m, int64_t n_rot, ImportTensor *t, ImportSource *s, int64_t *n,
                           Err *err)
{
    float *factors = ARENA_NEW(&m->arena, float, n_rot);
    if (!factors) return fail(err, E_MEMORY, "no memory for %lld factors", (long long)n_rot);
    TRY(read_factors(m, "long_factor", factors, n_rot / 2, err));
    TRY(read_factors(m, "short_factor", factors + n_rot / 2, n_rot / 2, err));
    add_factors("rope_factors_long", factors, n_rot / 2, t, s, n);
    add_factors("rope_factors_short", factors + n_rot / 2, n_rot / 2, t, s, n);
    double most = hf_real(m, "max_position_embeddings", 4096);
    double orig = real_of(m, "original_max_position_embeddings", most);
    double magnitude = most > orig && orig > 1 ? sqrt(1 + log(most / orig) / log(orig)) : 1;
    if (!(orig >= 1 && orig < 1 << 30)) return cannot(m, "an original length out of range", err);
    TRY(hf_put_str(w, m, "rope.scaling.type", "longrope", err));
    TRY(hf_put_u32(w, m, "rope.scaling.original_context_length", (int64_t)orig, err));
    return hf_put_f32(w, m, "rope.scaling.attn_factor", real_of(m, "attention_factor", magnitude), err);
}

/* A base that grows with the text. The container has no name for it; readers that do not know ours are right up
 * to the trained length, which is where it begins. */
static Status put_dynamic(GgufWriter *w, const HfModel *m, double factor, int64_t n_rot, Err *err)
{
    if (!(factor > 0 && factor <= 1e6)) return cannot(m, "a dynamic factor that is not from 0 to 1e6", err);
    if (n_rot <= 2) return cannot(m, "a dynamic base for a single pair", err);
    return hf_put_f32(w, m, "rope.scaling.dynamic_factor", factor, err);
}

Status hf_put_rope(GgufWriter *w, HfModel *m, ImportTensor *t, ImportSource *s, int64_t *n, Err *err)
{
    if (hf_arch(m)->block.rope == ROPE_NONE) return OK;
    find_dicts(m);
    /* 1. Angles. */
    int64_t n_rot = n_rot_of(m);
    double base = hf_real(m, "rotary_emb_base", hf_is(m, "gemma3") ? 1e6 : hf_is(m, "nomic-bert") ? 1000 : 10000), swa = 0;
    base = real_of(m, "rope_theta", base);
    if (n_rot % 2) return cannot(m, "an odd number of rotating numbers", err);
    TRY(hf_put_u32(w, m, "rope.dimension_count", n_rot, err));
    TRY(hf_put_f32(w, m, "rope.freq_base", base, err));
    if (jsonview_number(jsonview_get(m->rope_swa, "rope_theta"), &swa) ||
        (swa = hf_real(m, "rope_local_base_freq", 0)) > 0)
        TRY(hf_put_f32(w, m, "rope.freq_base_swa", swa, err));
    /* 2. Scaling. */
    JsonView type = jsonview_get(m->rope, "rope_type");
    if (!type.s) type = jsonview_get(m->rope, "type");
    double factor = real_of(m, "factor", 1), orig = real_of(m, "original_max_position_embeddings", 0);
    if (!type.s || jsonview_is(type, "default")) return OK;
    if (jsonview_is(type, "dynamic")) return put_dynamic(w, m, factor, n_rot, err);
    if (jsonview_is(type, "longrope") || jsonview_is(type, "su")) return put_longrope(w, m, n_rot, t, s, n, err);
    if (jsonview_is(type, "llama3")) {
        float *factors = ARENA_NEW(&m->arena, float, n_rot);
        if (!factors) return fail(err, E_MEMORY, "no memory for %lld factors", (long long)n_rot);
        llama3_factors(m, base, n_rot, factors);
        add_factors("rope_freqs", factors, n_rot / 2, t, s, n);
        return OK;
    }
    if (orig >= 1 && orig < 1 << 30) TRY(hf_put_u32(w, m, "rope.scaling.original_context_length", (int64_t)orig, err));
    if (jsonview_is(type, "yarn")) return put_yarn(w, m, factor, err);
    if (!jsonview_is(type, "linear")) return cannot(m, "an unknown rope_type", err);
    TRY(hf_put_str(w, m, "rope.scaling.type", "linear", err));
    return hf_put_f32(w, m, "rope.scaling.factor", factor, err);
}
