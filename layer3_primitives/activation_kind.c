/* activation_kind.c: activations by value, for layers above that read the kind from a model file.
 *
 * One table turns the kind into the address of a dispatch pointer, so that a later choice of another
 * variant is seen here too. */
#include "layer3.h"

static const struct { const char *name; act_fn **fn; } acts[] = {
    [ACT_SILU] = {"silu", &silu},           [ACT_GELU_TANH] = {"gelu_tanh", &gelu_tanh},
    [ACT_GELU_ERF] = {"gelu_erf", &gelu_erf}, [ACT_GELU_QUICK] = {"gelu_quick", &gelu_quick},
    [ACT_RELU] = {"relu", &relu},           [ACT_RELU2] = {"relu2", &relu2},
    [ACT_SWIGLU_CLAMPED] = {"swiglu_clamped", NULL},
};

static void check_kind(ActKind kind)
{
    CHECK((unsigned)kind < sizeof acts / sizeof *acts, "activation kind %d", (int)kind);
}

void act_apply(ActKind kind, float *x, int64_t n)
{
    check_kind(kind);
    CHECK(acts[kind].fn, "%s without a gate", acts[kind].name);
    (*acts[kind].fn)(x, n);
}

/* The common case has one kernel; the others are the activation, then a product. */
void act_gated(ActKind kind, float *gate, const float *up, int64_t n)
{
    check_kind(kind);
    if (kind == ACT_SILU) {
        swiglu(gate, up, n);
    } else if (kind == ACT_SWIGLU_CLAMPED) {
        swiglu_clamped(gate, up, n);
    } else {
        (*acts[kind].fn)(gate, n);
        vec_mul(gate, up, n);
    }
}

const char *act_name(ActKind kind)
{
    check_kind(kind);
    return acts[kind].name;
}
