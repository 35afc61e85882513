/* libtcc: compile tensor programs and call them from C. Documentation: docs/c-api.md.
 *
 * This file is generated from compiler/c/src/lib.rs; its test writes it.
 * (The Tiny C Compiler has a library of the same name, whose header is libtcc.h.) */

#ifndef TCC_H
#define TCC_H

#include <stddef.h>
#include <stdint.h>

// The version of this interface: programs built for one version run with every library of the same.
#define TCC_ABI_VERSION 1

// Done.
#define TCC_OK 0

// The program, or data given to it, has a mistake.
#define TCC_REJECTED 1

// An argument of the function does not fit: null, another type, another shape, memory that overlaps.
#define TCC_ARGUMENT 2

// More memory would be needed than is allowed.
#define TCC_LIMIT 4

// The backend, or this machine, does not support it.
#define TCC_UNSUPPORTED 5

// The compiler failed: a bug.
#define TCC_BUG 70

// The type of elements that is only known once there are arguments.
#define TCC_UNKNOWN 0

// One byte, 0 or 1.
#define TCC_BOOL 1

// uint8_t
#define TCC_U8 2

// uint32_t
#define TCC_U32 3

// int32_t
#define TCC_I32 4

// int64_t
#define TCC_I64 5

// IEEE binary16, two bytes.
#define TCC_F16 6

// The upper half of a float, two bytes.
#define TCC_BF16 7

// float
#define TCC_F32 8

// double
#define TCC_F64 9

// Two floats: real and imaginary part.
#define TCC_C64 10

// Two doubles: real and imaginary part.
#define TCC_C128 11

// Most axes of an array.
#define TCC_MAX_RANK 64

// Why a function failed.
typedef struct tcc_error tcc_error;

// A compiled program. Any number of threads may use one at the same time.
typedef struct tcc_kernel tcc_kernel;

// An input or an output of a program.
typedef struct tcc_parameter {
  // The name in the program, UTF-8; lives as long as the kernel.
  const char *name;
  // TCC_F32 and the like; TCC_UNKNOWN if it depends on the arguments.
  int32_t dtype;
  // Number of axes; -1 if it depends on the arguments.
  int32_t rank;
} tcc_parameter;

// A borrowed array. The element with indices i, j, .. lies at
// `data + (i*strides[0] + j*strides[1] + ..)` elements.
typedef struct tcc_array {
  // The element whose indices are all 0; aligned to its type. May be null if there are no elements,
  // and where only shapes are asked for.
  void *data;
  // TCC_F32 and the like.
  int32_t dtype;
  // Number of axes, 0 to TCC_MAX_RANK.
  int32_t rank;
  // Extents, outermost axis first; may be null if rank is 0.
  const int64_t *shape;
  // Distance of neighbours along each axis, in elements (not bytes); null: row-major without gaps.
  const int64_t *strides;
} tcc_array;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the library, such as "0.1.0".
const char *tcc_version(void);

// The TCC_ABI_VERSION that the library was built with.
int32_t tcc_abi_version(void);

// Compiles a program, the text of an .ein file, to a handle.
//
// `options` (may be null) are words as on the command line: "-O3 --fp strict --memory 1GiB n=64", or
// "--expression" for an expression or an einsum string. `kernel` receives the handle, or null.
// `error` (may be null) receives null, or an error that the caller frees.
//
// # Safety
// Texts end with a zero byte; pointers are null or valid.
int32_t tcc_compile(const char *source,
                    const char *options,
                    struct tcc_kernel **kernel,
                    struct tcc_error **error);

// Frees a kernel; null is allowed. Nobody may be using it.
//
// # Safety
// The handle came from tcc_compile and was not freed.
void tcc_kernel_free(struct tcc_kernel *kernel);

// What the compiler warns about, one message after the other; "" if nothing, null for a null kernel.
//
// # Safety
// The kernel is null or a handle.
const char *tcc_kernel_warnings(const struct tcc_kernel *kernel);

// Number of inputs: the operands of the program, in the order in which calls take them. 0 for null.
//
// # Safety
// The kernel is null or a handle.
size_t tcc_input_count(const struct tcc_kernel *kernel);

// Number of outputs, in the order in which calls write them. 0 for null.
//
// # Safety
// The kernel is null or a handle.
size_t tcc_output_count(const struct tcc_kernel *kernel);

// Name, type and rank of an input. TCC_ARGUMENT if there is none with this index.
//
// # Safety
// Pointers are null or valid.
int32_t tcc_input(const struct tcc_kernel *kernel, size_t index, struct tcc_parameter *parameter);

// Name, type and rank of an output. TCC_ARGUMENT if there is none with this index.
//
// # Safety
// Pointers are null or valid.
int32_t tcc_output(const struct tcc_kernel *kernel, size_t index, struct tcc_parameter *parameter);

// Name, type, rank and shape of an output for inputs of these types and shapes, whose data is not
// read. `shape` receives `capacity` extents at most. Makes the code that tcc_call runs.
//
// # Safety
// Pointers are null or valid; arrays are as tcc_array says.
int32_t tcc_output_shape(const struct tcc_kernel *kernel,
                         const struct tcc_array *inputs,
                         size_t input_count,
                         size_t index,
                         struct tcc_parameter *parameter,
                         int64_t *shape,
                         size_t capacity,
                         struct tcc_error **error);

// Runs the kernel. Row-major inputs are read and row-major outputs written in place; others are packed
// once, or computed beside and copied. Outputs may overlap nothing else; their contents are unspecified
// after an error. The first call with other types or shapes makes code for them.
//
// # Safety
// Pointers are null or valid; arrays are as tcc_array says, and nobody else writes inputs or touches
// outputs meanwhile.
int32_t tcc_call(const struct tcc_kernel *kernel,
                 const struct tcc_array *inputs,
                 size_t input_count,
                 const struct tcc_array *outputs,
                 size_t output_count,
                 struct tcc_error **error);

// The short stable name of an error, such as "E0203"; null for null. Lives as long as the error.
//
// # Safety
// The error is null or came from a function of this library.
const char *tcc_error_code(const struct tcc_error *error);

// What is wrong, where, and what helps: UTF-8, several lines; null for null. Lives as long as the error.
//
// # Safety
// The error is null or came from a function of this library.
const char *tcc_error_message(const struct tcc_error *error);

// Frees an error; null is allowed.
//
// # Safety
// The error came from a function of this library and was not freed.
void tcc_error_free(struct tcc_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TCC_H */
