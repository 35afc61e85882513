/* A C program that compiles a tensor program and calls it.
 *
 *   cargo build --release -p tcc-c
 *   cc -I compiler/c/include examples/embed.c -L target/release -ltcc -o embed
 *   LD_LIBRARY_PATH=target/release ./embed
 */
#include "tcc.h"
#include <stdio.h>

static const char PROGRAM[] =
    "in  A : f32[m, k]\n"
    "in  B : f32[k, n]\n"
    "out C : f32[m, n]\n"
    "C[i,j] = sum[l] A[i,l] * B[l,j]\n";

/* Prints an error and frees it. */
static int fail(tcc_error *error) {
    fprintf(stderr, "%s\n", tcc_error_message(error));
    tcc_error_free(error);
    return 1;
}

int main(void) {
    tcc_error *error = NULL;
    tcc_kernel *kernel = NULL;
    if (tcc_compile(PROGRAM, "-O2", &kernel, &error) != TCC_OK) return fail(error);

    float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, 0, 1, 1, 1}, c[4] = {0};
    int64_t a_shape[] = {2, 3}, b_shape[] = {3, 2}, c_shape[] = {2, 2};
    tcc_array inputs[2] = {{a, TCC_F32, 2, a_shape, NULL}, {b, TCC_F32, 2, b_shape, NULL}};

    /* What a call will write, from the shapes alone. */
    tcc_parameter result;
    int64_t shape[2];
    if (tcc_output_shape(kernel, inputs, 2, 0, &result, shape, 2, &error) != TCC_OK) return fail(error);
    printf("%s is %d x %d:", result.name, (int)shape[0], (int)shape[1]);

    tcc_array output = {c, TCC_F32, 2, c_shape, NULL};
    if (tcc_call(kernel, inputs, 2, &output, 1, &error) != TCC_OK) return fail(error);
    printf(" %g %g %g %g\n", c[0], c[1], c[2], c[3]);

    /* The same result, written column by column: strides count elements. */
    int64_t columns[] = {1, 2};
    output.strides = columns;
    if (tcc_call(kernel, inputs, 2, &output, 1, &error) != TCC_OK) return fail(error);
    printf("transposed: %g %g %g %g\n", c[0], c[1], c[2], c[3]);

    tcc_kernel_free(kernel);
    return 0;
}
