/* hf_encoder.c: what encoders have besides: every token sees all others, and the vectors of all tokens become one.
 *
 * How they do is not said in config.json but beside it, by the library that the model was published for:
 *
 *   modules.json             a list of steps: the transformer, pooling, normalising, perhaps more
 *   1_Pooling/config.json    which pooling
 *
 * A step that changes the vector afterwards has no place in our file and is refused. Source: sentence-transformers,
 * the format of its directories. */
#include "hf_impl.h"

#include <stdio.h>
#include <string.h>

enum { POOL_NONE, POOL_MEAN, POOL_FIRST, POOL_LAST, POOL_RANK }; /* <arch>.pooling_type */

static bool ends_with(JsonView text, const char *end)
{
    size_t n = strlen(end);
    return jsonview_kind(text) == JSON_TEXT && (size_t)(text.end - text.s) > n + 1 &&
           memcmp(text.end - 1 - n, end, n) == 0;
}

/* Where the pooling is described; "" if there is none. A path goes into the directory, not beyond it. */
static Status find_pooling(const HfModel *m, char path[64], Err *err)
{
    HfJson modules;
    JsonView item;
    TRY(hf_open_json(&modules, m->dir, "modules.json", false, HF_MAX_CONFIG, err));
    snprintf(path, 64, modules.root.s ? "" : "1_Pooling");
    Status s = OK;
    for (JsonWalk w = jsonview_walk(modules.root); s == OK && jsonview_next(&w, NULL, &item);) {
        JsonView type = jsonview_get(item, "type"), where = jsonview_get(item, "path");
        int n = where.s ? (int)(where.end - where.s) - 2 : 0;
        if (ends_with(type, ".Transformer") || ends_with(type, ".Normalize")) continue;
        if (!ends_with(type, ".Pooling")) {
            s = fail(err, E_UNSUPPORTED, "modules.json has a step %.*s, which has no GGUF form. HINT: known are Transformer, "
                     "Pooling and Normalize", type.s ? (int)(type.end - type.s > 60 ? 60 : type.end - type.s) : 6,
                     type.s ? type.s : "(none)");
        } else if (jsonview_kind(where) != JSON_TEXT || n < 1 || n > 40 || memchr(where.s, '/', (size_t)n + 1) ||
                   memchr(where.s, '\\', (size_t)n + 1) || where.s[1] == '.') {
            s = fail(err, E_FORMAT, "modules.json says that the pooling is in %.*s. HINT: expected is the name of a "
                     "directory beside it", n > 40 ? 40 : n + 2, where.s ? where.s : "  ");
        } else {
            snprintf(path, 64, "%.*s", n, where.s + 1);
        }
    }
    map_close(&modules.file);
    return s;
}

/* Older files have a switch for each kind, newer ones its name. */
static Status pooling_of(JsonView root, int *pooling, Err *err)
{
    static const struct { const char *flag, *name; int type; } kinds[] = {
        {"pooling_mode_mean_tokens", "mean", POOL_MEAN}, {"pooling_mode_cls_token", "cls", POOL_FIRST},
        {"pooling_mode_lasttoken", "lasttoken", POOL_LAST}, {"pooling_mode_max_tokens", "max", -1},
        {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", -1},
        {"pooling_mode_weightedmean_tokens", "weightedmean", -1}};
    JsonView name = jsonview_get(root, "pooling_mode");
    int n = 0;
    *pooling = -1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!jsonview_true(jsonview_get(root, kinds[i].flag)) && !jsonview_is(name, kinds[i].name)) continue;
        *pooling = kinds[i].type;
        n++;
    }
    if (n == 1 && *pooling >= 0) return OK;
    return fail(err, E_UNSUPPORTED, "the pooling of the directory is %s. HINT: known are mean, cls and lasttoken, one of them",
                n == 1 ? "of a kind that has no GGUF form" : n ? "a mixture of several kinds" : "of an unknown kind");
}

static Status put_pooling(GgufWriter *w, HfModel *m, Err *err)
{
    char dir[64], path[96];
    HfJson config;
    int pooling;
    if (safetensors_find(&m->weights, "classifier.weight") || safetensors_find(&m->weights, "classifier.out_proj.weight"))
        return hf_put_u32(w, m, "pooling_type", POOL_RANK, err);
    TRY(find_pooling(m, dir, err));
    if (!dir[0]) return OK;
    snprintf(path, sizeof path, "%s/config.json", dir);
    TRY(hf_open_json(&config, m->dir, path, false, HF_MAX_CONFIG, err));
    Status s = config.root.s ? pooling_of(config.root, &pooling, err) : OK;
    if (s == OK && config.root.s) s = hf_put_u32(w, m, "pooling_type", pooling, err);
    map_close(&config.file);
    return s;
}

Status hf_put_encoder(GgufWriter *w, HfModel *m, Err *err)
{
    JsonView positions = hf_value(m, "position_embedding_type");
    if (positions.s && !jsonview_is(positions, "absolute") && hf_is(m, "bert"))
        return hf_cannot(m, "a position_embedding_type other than absolute", err);
    if (hf_bool(m, "is_decoder", false)) return hf_cannot(m, "is_decoder", err);
    if (hf_bool(m, "prenorm", false)) return hf_cannot(m, "prenorm", err);
    if (m->n_expert) return hf_cannot(m, "experts", err);
    TRY(hf_put_bool(w, m, "attention.causal", false, err));
    int64_t types = HF_INT(m, "type_vocab_size", 2);
    if (types > 0 && types <= 1 << 16) TRY(gguf_put_u32(w, "tokenizer.ggml.token_type_count", (uint32_t)types, err));
    return put_pooling(w, m, err);
}
