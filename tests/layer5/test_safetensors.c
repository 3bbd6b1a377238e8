/* JSON that is read where it lies, and safetensors headers: what is right is found, what is wrong is refused
 * with a hint, and nothing beyond the bytes given is touched. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_bytes.h"
#include "temp_dir.h"

#include <math.h>

/* ---------------------------------------------------------------- JSON */

static JsonView parsed(const char *text)
{
    JsonView v;
    Err err = {0};
    MUST(jsonview_open(&v, text, strlen(text), &err), &err);
    return v;
}

static void members_are_found_and_walked(void **state)
{
    (void)state;
    JsonView v = parsed(" {\"a\" : [1, {\"b\": \"]}\\\"\"}, []] , \"c\":-2.5e1,\"d\":true, \"e\": null, \"c\": 3} ");
    JsonView key, value, list = jsonview_get(v, "a");
    double x = 0;
    int64_t i = 0;
    int n = 0;
    assert_int_equal(jsonview_kind(list), JSON_LIST);
    for (JsonWalk w = jsonview_walk(list); jsonview_next(&w, &key, &value); n++) {
        static const JsonKind kinds[] = {JSON_NUMBER, JSON_DICT, JSON_LIST};
        assert_int_equal(jsonview_kind(value), kinds[n]);
        assert_int_equal(jsonview_kind(key), JSON_ABSENT);
    }
    assert_int_equal(n, 3);
    n = 0;
    for (JsonWalk w = jsonview_walk(v); jsonview_next(&w, &key, NULL);) n++;
    assert_int_equal(n, 5);
    assert_true(jsonview_number(jsonview_get(v, "c"), &x) && x == -25);
    assert_true(jsonview_int(jsonview_get(v, "c"), -30, 0, &i) && i == -25);
    assert_false(jsonview_int(jsonview_get(v, "c"), -20, 0, &i));
    assert_true(jsonview_true(jsonview_get(v, "d")));
    assert_int_equal(jsonview_kind(jsonview_get(v, "e")), JSON_NULL);
    assert_int_equal(jsonview_kind(jsonview_get(v, "f")), JSON_ABSENT);
    assert_int_equal(jsonview_kind(jsonview_get(list, "a")), JSON_ABSENT);
    JsonWalk none = jsonview_walk(parsed("{}"));
    assert_false(jsonview_next(&none, NULL, NULL));
    assert_true(jsonview_int(parsed("9007199254740993"), 0, INT64_MAX, &i) && i == 9007199254740993);
    assert_true(jsonview_number(parsed("NaN"), &x) && isnan(x));
    assert_true(jsonview_number(parsed("-Infinity"), &x) && x < -1e300);
}

static void escapes_are_undone(void **state)
{
    (void)state;
    Arena a = {0};
    Str s;
    Err err = {0};
    MUST(jsonview_text(parsed("\"a\\n\\\"\\u00e9\\ud83d\\ude00\\ud800x\\/\""), &a, &s, &err), &err);
    assert_true(str_is(s, "a\n\"\xC3\xA9\xF0\x9F\x98\x80\xEF\xBF\xBDx/"));
    MUST(jsonview_text(parsed("\"plain\""), &a, &s, &err), &err);
    assert_true(str_is(s, "plain"));
    assert_int_equal(jsonview_text(parsed("12"), &a, &s, &err), E_FORMAT);
    arena_close(&a);
}

/* In memory of exactly its size, so that a sanitizer sees a step too far. */
static Status parse(const char *text, size_t n, Err *err)
{
    JsonView v;
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    Status s = jsonview_open(&v, copy, n, err);
    free(copy);
    return s;
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", " ", "{", "[", "]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "[1,]", "[,1]", "[1 2]", "{a:1}",
        "{\"a\" 1}", "{1:2}", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\t\"", "01", "1.", "1e", "-", "+1", ".5",
        "nul", "truth", "1 1", "{}{}", "[}", "{]", "[1}", "{\"a\":1]", "/*x*/1"};
    Err err = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err.text[0] = 0;
        if (parse(wrong[i], strlen(wrong[i]), &err) != E_FORMAT || !strstr(err.text, "HINT:"))
            FAILED("'%s' gives '%s'", wrong[i], err.text);
    }
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    assert_int_equal(parse(deep + 36, 128, &err), OK);
    assert_int_equal(parse(deep + 35, 130, &err), E_FORMAT);
    memset(deep, '1', 100);
    assert_int_equal(parse(deep, 63, &err), OK);
    assert_int_equal(parse(deep, 64, &err), E_FORMAT);
}

/* ---------------------------------------------------------------- safetensors */

static Buf file_of(const char *header, size_t n_data)
{
    Buf b = {0};
    gb_u64(&b, strlen(header));
    gb_bytes(&b, header, strlen(header));
    for (size_t i = 0; i < n_data; i++) gb_u8(&b, (uint8_t)i);
    return b;
}

#define A "\"a\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[4,16]}"
#define B "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}"

static void tensors_are_views_of_the_bytes(void **state)
{
    (void)state;
    SafeTensors st;
    Err err = {0};
    Buf file = file_of("{\"__metadata__\":{\"format\":\"pt\"}," A "," B ",\"c\":{\"dtype\":\"U8\",\"shape\":[0],"
                       "\"data_offsets\":[4,4]}}  ", 16);
    MUST(safetensors_open_memory(&st, file.data, file.len, &err), &err);
    assert_int_equal(st.n, 3);
    const SafeTensor *a = safetensors_find(&st, "a");
    assert_non_null(a);
    Tensor v = safetensors_view(a);
    assert_int_equal(v.type, DT_BF16);
    assert_int_equal(v.ne[0], 3);
    assert_int_equal(v.ne[1], 2);
    assert_ptr_equal(v.data, file.data + file.len - 12);
    assert_int_equal(safetensors_find(&st, "b")->n_dims, 0);
    assert_int_equal(safetensors_find(&st, "c")->type, -1);
    assert_null(safetensors_find(&st, "d"));
    safetensors_close(&st);
    buf_close(&file);
}

static void refused(const char *header, size_t n_data, const char *text)
{
    SafeTensors st;
    Err err = {0};
    Buf file = file_of(header, n_data);
    Status s = safetensors_open_memory(&st, file.data, file.len, &err);
    if (s == OK || !strstr(err.text, text) || !strstr(err.text, "HINT:"))
        FAILED("'%s' gives %s '%s', not '%s'", header, status_name(s), err.text, text);
    assert_null(st.arena.chunks);
    buf_close(&file);
}

static void wrong_headers_are_refused(void **state)
{
    (void)state;
    refused("{" A "," B "}", 17, "follow after the last tensor");
    refused("{" A "," B "}", 15, "may be incomplete");
    refused("{" A "}", 16, "begins after a hole");
    refused("{" B "," B "}", 4, "");
    refused("{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 16, "lies over another");
    refused("{" B ",\"a\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[4,15]}}", 15, "needs 12 bytes and has 11");
    refused("{" B ",\"a\":{\"dtype\":\"Q9\",\"shape\":[2,3],\"data_offsets\":[4,16]}}", 16, "unknown dtype Q9");
    refused("{" B ",\"a\":{\"shape\":[2,3],\"data_offsets\":[4,16]}}", 16, "has no dtype");
    refused("{" B ",\"a\":{\"dtype\":\"F32\",\"data_offsets\":[4,16]}}", 16, "has no shape");
    refused("{" B ",\"a\":{\"dtype\":\"F32\",\"shape\":[3]}}", 16, "has no data_offsets");
    refused("{" B ",\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[4,16,20]}}", 16, "wrong data_offsets");
    refused("{" B ",\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[4,16]}}", 16, "dimension");
    refused("{" B ",\"a\":{\"dtype\":\"F32\",\"shape\":[1e12,1e12],\"data_offsets\":[4,16]}}", 16, "dimension");
    refused("{" B ",\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,3],\"data_offsets\":[4,16]}}", 16, "8 dimensions");
    refused("{" B ",\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[16,4]}}", 16, "bytes 16 to 4");
    refused("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__");
    refused("{\"__metadata__\":3}", 0, "__metadata__");
    refused("{\"a\":3}", 0, "has no dtype");
    refused(" {}", 0, "no '{'");
    refused("{", 0, "bytes");
    /* The length says more than there is. */
    Buf file = file_of("{}", 0);
    Err err = {0};
    SafeTensors st;
    for (size_t n = 0; n < 10; n++) assert_int_equal(safetensors_open_memory(&st, file.data, n, &err), E_FORMAT);
    file.data[6] = 1;
    assert_int_equal(safetensors_open_memory(&st, file.data, file.len, &err), E_FORMAT);
    buf_close(&file);
}

static void an_index_leads_to_plain_names_only(void **state)
{
    (void)state;
    SafeTensors st;
    Err err = {0};
    Buf one = file_of("{" B "}", 4), two = file_of("{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4);
    temp_write("one.safetensors", one.data, one.len);
    temp_write("two.safetensors", two.data, two.len);
    static const struct { const char *map; Status want; } cases[] = {
        {"{\"b\":\"one.safetensors\",\"a\":\"two.safetensors\",\"c\":\"one.safetensors\"}", OK},
        {"{\"b\":\"../one.safetensors\"}", E_FORMAT}, {"{\"b\":\"/etc/passwd\"}", E_FORMAT}, {"{\"b\":\".\"}", E_FORMAT},
        {"{\"b\":\"\"}", E_FORMAT}, {"{\"b\":3}", E_FORMAT}, {"[]", E_FORMAT}, {"{\"b\":\"absent\"}", E_IO},
        {"{\"b\":\"one.safetensors\",\"a\":\"two.safetensors\",\"c\":\"one.safetensors\",\"d\":\"two.safetensors\"}", OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        int n = snprintf(text, sizeof text, "{\"metadata\":{},\"weight_map\":%s}", cases[i].map);
        temp_write("model.safetensors.index.json", text, (size_t)n);
        assert_int_equal(safetensors_open(&st, temp_dir, MAP_AUTO, &err), cases[i].want);
        assert_int_equal(st.n, cases[i].want == OK ? 2 : 0);
        assert_int_equal(st.n_files, cases[i].want == OK ? 2 : 0);
        safetensors_close(&st);
    }
    buf_close(&one);
    buf_close(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_and_walked),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(tensors_are_views_of_the_bytes),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(an_index_leads_to_plain_names_only),
    };
    return cmocka_run_group_tests(tests, temp_dir_setup, temp_dir_teardown);
}
