/* Everything a caller can do wrong is an error, and every layout is read and written as it says. */
#include "tcc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);             \
            failures++;                                                         \
        }                                                                       \
    } while (0)

/* Frees the error of a call that has to fail with `status` and to mention `words`. */
static void expect(int line, int status, int expected, tcc_error *error, const char *words) {
    const char *message = tcc_error_message(error);
    if (status != expected || !message || !strstr(message, words)) {
        fprintf(stderr, "line %d: status %d, %s\n", line, status, message ? message : "no message");
        failures++;
    }
    tcc_error_free(error);
}

#define EXPECT(expected, words, call)                                           \
    do {                                                                        \
        tcc_error *error = NULL;                                                \
        int status = call;                                                      \
        expect(__LINE__, status, expected, error, words);                       \
    } while (0)

static const char MATMUL[] =
    "in A : f32[m, k]\nin B : f32[k, n]\nout C : f32[m, n]\nC[i,j] = sum[l] A[i,l] * B[l,j]\n";

static tcc_kernel *compiled(const char *source, const char *options) {
    tcc_error *error = NULL;
    tcc_kernel *kernel = NULL;
    if (tcc_compile(source, options, &kernel, &error) != TCC_OK) {
        fprintf(stderr, "%s\n", tcc_error_message(error));
        exit(1);
    }
    CHECK(error == NULL);
    return kernel;
}

static void compiling(void) {
    tcc_kernel *kernel = NULL;
    CHECK(tcc_abi_version() == TCC_ABI_VERSION && strlen(tcc_version()) > 0);
    EXPECT(TCC_ARGUMENT, "`source` is null", tcc_compile(NULL, NULL, &kernel, &error));
    EXPECT(TCC_ARGUMENT, "`kernel` is null", tcc_compile(MATMUL, NULL, NULL, &error));
    EXPECT(TCC_ARGUMENT, "not UTF-8", tcc_compile("\xff", NULL, &kernel, &error));
    EXPECT(TCC_REJECTED, "at 2:", tcc_compile("out y : f32[n]\ny[i] = x[i]\n", NULL, &kernel, &error));
    CHECK(kernel == NULL);
    EXPECT(TCC_ARGUMENT, "no option `--lvel`", tcc_compile(MATMUL, "--lvel 3", &kernel, &error));
    EXPECT(TCC_ARGUMENT, "needs a value", tcc_compile(MATMUL, "--memory", &kernel, &error));
    EXPECT(TCC_ARGUMENT, "the unit is", tcc_compile(MATMUL, "--memory 3parsecs", &kernel, &error));
    EXPECT(TCC_ARGUMENT, "there are strict", tcc_compile(MATMUL, "--fp loose", &kernel, &error));
    EXPECT(TCC_ARGUMENT, "no backend", tcc_compile(MATMUL, "--backend abacus", &kernel, &error));
    EXPECT(TCC_ARGUMENT, "optimisation level", tcc_compile(MATMUL, "-O9", &kernel, &error));
    EXPECT(TCC_ARGUMENT, "no size or parameter `q`", tcc_compile(MATMUL, "q=3", &kernel, &error));
    EXPECT(TCC_ARGUMENT, "NAME=NUMBER", tcc_compile(MATMUL, "A=a.npy", &kernel, &error));
    CHECK(tcc_compile(NULL, NULL, &kernel, NULL) == TCC_ARGUMENT);
    tcc_kernel_free(NULL);
    tcc_error_free(NULL);
    CHECK(tcc_error_message(NULL) == NULL && tcc_error_code(NULL) == NULL);
    tcc_error *error = NULL;
    CHECK(tcc_compile("y[i] = ", "", &kernel, &error) == TCC_REJECTED);
    CHECK(tcc_error_code(error) && tcc_error_code(error)[0] == 'E');
    tcc_error_free(error);
}

static void describing(void) {
    tcc_parameter parameter;
    tcc_kernel *kernel = compiled(MATMUL, "-O3 --fp=strict --memory 1GiB");
    CHECK(tcc_input_count(kernel) == 2 && tcc_output_count(kernel) == 1);
    CHECK(tcc_input_count(NULL) == 0 && tcc_output_count(NULL) == 0 && tcc_kernel_warnings(NULL) == NULL);
    CHECK(strcmp(tcc_kernel_warnings(kernel), "") == 0);
    CHECK(tcc_input(kernel, 1, &parameter) == TCC_OK && strcmp(parameter.name, "B") == 0);
    CHECK(parameter.dtype == TCC_F32 && parameter.rank == 2);
    CHECK(tcc_output(kernel, 0, &parameter) == TCC_OK && strcmp(parameter.name, "C") == 0);
    CHECK(tcc_input(kernel, 2, &parameter) == TCC_ARGUMENT && tcc_output(kernel, 1, &parameter) == TCC_ARGUMENT);
    CHECK(tcc_input(NULL, 0, &parameter) == TCC_ARGUMENT && tcc_input(kernel, 0, NULL) == TCC_ARGUMENT);
    int64_t a[] = {4, 5}, b[] = {5, 6}, other[] = {7, 6}, shape[2] = {0, 0};
    tcc_array inputs[] = {{NULL, TCC_F32, 2, a, NULL}, {NULL, TCC_F32, 2, b, NULL}};
    tcc_error *error = NULL;
    CHECK(tcc_output_shape(kernel, inputs, 2, 0, &parameter, shape, 2, &error) == TCC_OK);
    CHECK(shape[0] == 4 && shape[1] == 6 && parameter.rank == 2 && parameter.dtype == TCC_F32);
    shape[0] = shape[1] = 0;
    CHECK(tcc_output_shape(kernel, inputs, 2, 0, &parameter, shape, 1, &error) == TCC_OK);
    CHECK(shape[0] == 4 && shape[1] == 0);
    CHECK(tcc_output_shape(kernel, inputs, 2, 0, &parameter, NULL, 0, &error) == TCC_OK);
#define SHAPE(count, index, shape, capacity) \
    tcc_output_shape(kernel, inputs, count, index, &parameter, shape, capacity, &error)
    EXPECT(TCC_ARGUMENT, "no output 1", SHAPE(2, 1, shape, 2));
    EXPECT(TCC_ARGUMENT, "1 operands given", SHAPE(1, 0, shape, 2));
    EXPECT(TCC_ARGUMENT, "`shape` is null", SHAPE(2, 0, NULL, 2));
    inputs[1].shape = other;
    EXPECT(TCC_REJECTED, "7", SHAPE(2, 0, shape, 2));
    tcc_kernel_free(kernel);

    /* An expression takes its types from the arguments; sizes can be fixed. */
    kernel = compiled("ij,jk->ik", "--expression");
    CHECK(tcc_input_count(kernel) == 2 && tcc_output_count(kernel) == 1);
    CHECK(tcc_input(kernel, 0, &parameter) == TCC_OK && parameter.dtype == TCC_UNKNOWN && parameter.rank == -1);
    tcc_kernel_free(kernel);
    kernel = compiled("in x : f64[n]\nout y : f64[n, m]\ny[i,j] = x[i]\n", "m=3");
    int64_t n[] = {2};
    tcc_array x = {NULL, TCC_F64, 1, n, NULL};
    CHECK(tcc_output_shape(kernel, &x, 1, 0, &parameter, shape, 2, &error) == TCC_OK);
    CHECK(shape[0] == 2 && shape[1] == 3);
    tcc_kernel_free(kernel);
}

static void calling(void) {
    tcc_kernel *kernel = compiled(MATMUL, NULL);
    float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, 0, 1, 1, 1}, c[16];
    int64_t a_shape[] = {2, 3}, b_shape[] = {3, 2}, c_shape[] = {2, 2}, wrong_shape[] = {2, 3};
    int64_t negative[] = {-2, 3}, huge[] = {INT64_MAX, INT64_MAX}, empty[] = {0, 3}, none[] = {0, 2};
    tcc_array inputs[] = {{a, TCC_F32, 2, a_shape, NULL}, {b, TCC_F32, 2, b_shape, NULL}};
    tcc_array output = {c, TCC_F32, 2, c_shape, NULL};
    const tcc_array good[] = {inputs[0], inputs[1]}, good_output = output;
    tcc_error *error = NULL;
#define CALL tcc_call(kernel, inputs, 2, &output, 1, &error)
#define RESET inputs[0] = good[0], inputs[1] = good[1], output = good_output
    CHECK(CALL == TCC_OK && c[0] == 4 && c[1] == 5 && c[2] == 10 && c[3] == 11);
    CHECK(tcc_call(kernel, inputs, 2, &output, 1, NULL) == TCC_OK);

    EXPECT(TCC_ARGUMENT, "`kernel` is null", tcc_call(NULL, inputs, 2, &output, 1, &error));
    EXPECT(TCC_ARGUMENT, "`inputs` is null", tcc_call(kernel, NULL, 2, &output, 1, &error));
    EXPECT(TCC_ARGUMENT, "`outputs` is null", tcc_call(kernel, inputs, 2, NULL, 1, &error));
    EXPECT(TCC_ARGUMENT, "1 operands given", tcc_call(kernel, inputs, 1, &output, 1, &error));
    EXPECT(TCC_ARGUMENT, "0 results given", tcc_call(kernel, inputs, 2, NULL, 0, &error));
#define WRONG(status, words, change)     \
    do {                                 \
        RESET;                           \
        change;                          \
        EXPECT(status, words, CALL);     \
        RESET;                           \
    } while (0)
    WRONG(TCC_ARGUMENT, "`A`: `data` is null", inputs[0].data = NULL);
    WRONG(TCC_ARGUMENT, "`C`: `data` is null", output.data = NULL);
    WRONG(TCC_ARGUMENT, "is no dtype", inputs[0].dtype = 0);
    WRONG(TCC_ARGUMENT, "is no dtype", inputs[0].dtype = -1);
    WRONG(TCC_ARGUMENT, "is no dtype", inputs[0].dtype = 12);
    WRONG(TCC_REJECTED, "`A` has dtype f64", inputs[0].dtype = TCC_F64);
    WRONG(TCC_ARGUMENT, "result `C` is f32", output.dtype = TCC_I32);
    WRONG(TCC_ARGUMENT, "result `C` is f32", output.shape = wrong_shape);
    WRONG(TCC_REJECTED, "2", inputs[1].shape = a_shape);
    WRONG(TCC_REJECTED, "`A`", inputs[0].rank = 1);
    WRONG(TCC_ARGUMENT, "rank -1", inputs[0].rank = -1);
    WRONG(TCC_ARGUMENT, "rank 65", inputs[0].rank = 65);
    WRONG(TCC_ARGUMENT, "`shape` is null", inputs[0].shape = NULL);
    WRONG(TCC_ARGUMENT, "extent -2", inputs[0].shape = negative);
    WRONG(TCC_ARGUMENT, "address space", inputs[0].shape = huge);
    WRONG(TCC_ARGUMENT, "not aligned", inputs[0].data = (char *)a + 1);
    WRONG(TCC_ARGUMENT, "not aligned", output.data = (char *)c + 2);
    WRONG(TCC_ARGUMENT, "overlaps", output.data = a);
    WRONG(TCC_ARGUMENT, "overlaps", output.data = b + 5);

    /* Strides of inputs: a transposed, a reversed and a repeated array. */
    int64_t transposed[] = {1, 2}, reversed[] = {-3, -1}, repeated[] = {0, 1}, far[] = {INT64_MAX, 1};
    float a_columns[] = {1, 4, 2, 5, 3, 6};
    inputs[0].data = a_columns, inputs[0].strides = transposed;
    CHECK(CALL == TCC_OK && c[0] == 4 && c[1] == 5 && c[2] == 10 && c[3] == 11);
    RESET, inputs[0].data = a + 5, inputs[0].strides = reversed;
    CHECK(CALL == TCC_OK && c[0] == 10 && c[1] == 9 && c[2] == 4 && c[3] == 3);
    RESET, inputs[0].strides = repeated;
    CHECK(CALL == TCC_OK && c[0] == 4 && c[1] == 5 && c[2] == 4 && c[3] == 5);
    WRONG(TCC_ARGUMENT, "address space", inputs[0].strides = far);

    /* Strides of outputs: gaps stay as they are, and elements may not share memory. */
    int64_t gaps[] = {8, -2}, shared[] = {0, 1}, meeting[] = {1, 1};
    for (int i = 0; i < 16; i++) c[i] = -1;
    RESET, output.data = c + 2, output.strides = gaps;
    CHECK(CALL == TCC_OK);
    float expected[16] = {5, -1, 4, -1, -1, -1, -1, -1, 11, -1, 10, -1, -1, -1, -1, -1};
    CHECK(memcmp(c, expected, sizeof c) == 0);
    WRONG(TCC_ARGUMENT, "share memory", output.strides = shared);
    WRONG(TCC_ARGUMENT, "share memory", output.strides = meeting);

    /* Nothing to compute. */
    RESET, inputs[0].shape = empty, inputs[0].data = NULL, output.shape = none, output.data = NULL;
    CHECK(CALL == TCC_OK);
    tcc_kernel_free(kernel);
}

static void several_results(void) {
    tcc_kernel *kernel = compiled("in x : f64[n]\nout y, z : f64[n]\ny[i] = 2*x[i]\nz[i] = x[i] + 1\n", NULL);
    double x[] = {1, 2}, y[4];
    int64_t n[] = {2}, two[] = {2};
    tcc_array input = {x, TCC_F64, 1, n, NULL};
    tcc_array outputs[] = {{y, TCC_F64, 1, n, NULL}, {y + 2, TCC_F64, 1, n, NULL}};
    tcc_error *error = NULL;
    CHECK(tcc_call(kernel, &input, 1, outputs, 2, &error) == TCC_OK);
    CHECK(y[0] == 2 && y[1] == 4 && y[2] == 2 && y[3] == 3);
    outputs[1].data = y + 1;
    EXPECT(TCC_ARGUMENT, "`y` and `z` overlap", tcc_call(kernel, &input, 1, outputs, 2, &error));
    outputs[1].strides = two;
    EXPECT(TCC_ARGUMENT, "`y` and `z` overlap", tcc_call(kernel, &input, 1, outputs, 2, &error));
    tcc_kernel_free(kernel);

    /* Promises about the data, and checks while running. */
    kernel = compiled("in x : f64[n] in [0, 1]\nout y : f64[n]\ny[i] = x[i]\n", NULL);
    outputs[0].data = y;
    EXPECT(TCC_REJECTED, "outside the declared interval", tcc_call(kernel, &input, 1, outputs, 1, &error));
    tcc_kernel_free(kernel);
    kernel = compiled("in x : f64[n]\nin j : i64[n]\nout y : f64[n]\ny[i] = x[j[i]]\n", NULL);
    int64_t place[] = {1, 7};
    tcc_array gathered[] = {input, {place, TCC_I64, 1, n, NULL}};
    EXPECT(TCC_REJECTED, "7", tcc_call(kernel, gathered, 2, outputs, 1, &error));
    place[1] = 0;
    CHECK(tcc_call(kernel, gathered, 2, outputs, 1, &error) == TCC_OK && y[0] == 2 && y[1] == 1);
    tcc_kernel_free(kernel);
}

/* Programs as deep as the frontend accepts are compiled whatever stack the caller has. */
static void deep_programs(void) {
    enum { DEPTH = 100000 };
    char *source = malloc(2 * DEPTH + 64), *end = source;
    end += sprintf(end, "in x : f64[n]\nout y : f64[n]\ny[i] = ");
    memset(end, '(', DEPTH);
    end += DEPTH;
    end += sprintf(end, "x[i]");
    memset(end, ')', DEPTH);
    strcpy(end + DEPTH, "\n");
    tcc_kernel *kernel = NULL;
    tcc_error *error = NULL;
    int status = tcc_compile(source, NULL, &kernel, &error);
    CHECK(status == TCC_OK || status == TCC_REJECTED || status == TCC_LIMIT);
    tcc_kernel_free(kernel);
    tcc_error_free(error);
    free(source);
}

int main(void) {
    compiling();
    describing();
    calling();
    several_results();
    deep_programs();
    if (failures == 0) printf("all checks passed\n");
    return failures != 0;
}
