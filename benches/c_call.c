/* What a call through the C interface costs beside the kernel:
 *
 *   cargo build --release --workspace --all-features
 *   cc -O2 -I compiler/c/include benches/c_call.c -L target/release -ltcc -o target/c_call
 *   LD_LIBRARY_PATH=target/release target/c_call
 */
#define _POSIX_C_SOURCE 199309L
#include "tcc.h"
#include <stdio.h>
#include <time.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Compiles, calls often, and prints the best time of a call in nanoseconds. */
static int measure(const char *what, const char *program, tcc_array *inputs, size_t count, tcc_array *output) {
    tcc_error *error = NULL;
    tcc_kernel *kernel = NULL;
    enum { CALLS = 100000, RUNS = 9 };
    double best = 1e9;
    int status = tcc_compile(program, NULL, &kernel, &error);
    if (status == TCC_OK) status = tcc_call(kernel, inputs, count, output, 1, &error);
    for (int run = 0; run < RUNS && status == TCC_OK; run++) {
        double start = seconds();
        for (int call = 0; call < CALLS && status == TCC_OK; call++)
            status = tcc_call(kernel, inputs, count, output, 1, &error);
        double spent = (seconds() - start) / CALLS;
        if (spent < best) best = spent;
    }
    if (status != TCC_OK) {
        fprintf(stderr, "%s\n", tcc_error_message(error));
        tcc_error_free(error);
        return 1;
    }
    printf("%s: %.0f ns\n", what, best * 1e9);
    tcc_kernel_free(kernel);
    return 0;
}

int main(void) {
    float a[4] = {1, 2, 3, 4}, b[4] = {1, 0, 0, 1}, c[4];
    int64_t vector[] = {4}, matrix[] = {2, 2}, columns[] = {1, 2};
    tcc_array x = {a, TCC_F32, 1, vector, NULL}, y = {c, TCC_F32, 1, vector, NULL};
    tcc_array operands[2] = {{a, TCC_F32, 2, matrix, NULL}, {b, TCC_F32, 2, matrix, NULL}};
    tcc_array result = {c, TCC_F32, 2, matrix, NULL};
    const char *product = "in A : f32[m,k]\nin B : f32[k,n]\nout C : f32[m,n]\nC[i,j] = sum[l] A[i,l]*B[l,j]\n";
    int failed = measure("y[i] = x[i] + 1, 4 elements", "in x : f32[n]\nout y : f32[n]\ny[i] = x[i] + 1\n", &x, 1, &y);
    failed |= measure("2x2 matrix product", product, operands, 2, &result);
    operands[0].strides = columns;
    failed |= measure("2x2 matrix product, one operand transposed", product, operands, 2, &result);
    return failed;
}
