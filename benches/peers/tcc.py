"""tcc from Python: libtcc through ctypes, numpy arrays in and out.

    import tcc, numpy
    kernel = tcc.compile("in A : f32[m,k]\\nin B : f32[k,n]\\nout C : f32[m,n]\\nC[i,j] = sum[l] A[i,l]*B[l,j]")
    (c,) = kernel(a, b)                 # fresh results
    kernel.bind([a, b], [c])()          # the same call again, with nothing to look up

The library is the file that TCC_LIBRARY names, else target/release/libtcc.so of this repository.
"""

import ctypes
import os
from pathlib import Path

import numpy

ABI = 1

# The numbers of the dtypes in tcc.h.
DTYPES = {
    1: numpy.bool_, 2: numpy.uint8, 3: numpy.uint32, 4: numpy.int32, 5: numpy.int64, 6: numpy.float16,
    8: numpy.float32, 9: numpy.float64, 10: numpy.complex64, 11: numpy.complex128,
}
NUMBERS = {numpy.dtype(dtype): number for number, dtype in DTYPES.items()}


class Array(ctypes.Structure):
    """tcc_array"""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
    ]


class Parameter(ctypes.Structure):
    """tcc_parameter"""

    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32)]


class Error(Exception):
    """What tcc says is wrong; `code` is its short name."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


_library = None


def library():
    """The loaded library, with the types of its functions."""
    global _library
    if _library is not None:
        return _library
    default = Path(__file__).resolve().parents[2] / "target/release/libtcc.so"
    loaded = ctypes.CDLL(os.environ.get("TCC_LIBRARY", str(default)))
    pointer, size, status = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int32
    arrays, places = ctypes.POINTER(Array), ctypes.POINTER(pointer)
    signatures = {
        "tcc_version": (ctypes.c_char_p, []),
        "tcc_abi_version": (status, []),
        "tcc_compile": (status, [ctypes.c_char_p, ctypes.c_char_p, places, places]),
        "tcc_kernel_free": (None, [pointer]),
        "tcc_kernel_warnings": (ctypes.c_char_p, [pointer]),
        "tcc_input_count": (size, [pointer]),
        "tcc_output_count": (size, [pointer]),
        "tcc_input": (status, [pointer, size, ctypes.POINTER(Parameter)]),
        "tcc_output": (status, [pointer, size, ctypes.POINTER(Parameter)]),
        "tcc_output_shape": (
            status,
            [pointer, arrays, size, size, ctypes.POINTER(Parameter), ctypes.POINTER(ctypes.c_int64), size, places],
        ),
        "tcc_call": (status, [pointer, arrays, size, arrays, size, places]),
        "tcc_error_code": (ctypes.c_char_p, [pointer]),
        "tcc_error_message": (ctypes.c_char_p, [pointer]),
        "tcc_error_free": (None, [pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    if loaded.tcc_abi_version() != ABI:
        raise ImportError(f"libtcc has ABI {loaded.tcc_abi_version()}, this module is written for {ABI}")
    _library = loaded
    return loaded


def check(status, error):
    """Raises what a function reported."""
    if status == 0:
        return
    loaded = library()
    code, message = loaded.tcc_error_code(error), loaded.tcc_error_message(error)
    loaded.tcc_error_free(error)
    raise Error(status, (code or b"").decode(), (message or b"").decode())


def describe(array):
    """An ndarray as a tcc_array. It refers to the memory of `array`, which has to outlive it."""
    dtype = NUMBERS.get(array.dtype)
    if dtype is None:
        raise TypeError(f"tcc has no dtype {array.dtype}")
    if any(stride % array.itemsize for stride in array.strides):
        array = numpy.ascontiguousarray(array)
    numbers = ctypes.c_int64 * max(array.ndim, 1)
    described = Array(array.ctypes.data, dtype, array.ndim, numbers(*array.shape), None)
    if not array.flags.c_contiguous:
        described.strides = numbers(*(stride // array.itemsize for stride in array.strides))
    described.array = array
    return described


def compile(source, options=""):
    """Compiles the text of a program; `options` are words as on the command line."""
    return Kernel(source, options)


class Kernel:
    """A compiled program."""

    def __init__(self, source, options):
        self.handle = ctypes.c_void_p()
        error = ctypes.c_void_p()
        status = library().tcc_compile(
            source.encode(), options.encode(), ctypes.byref(self.handle), ctypes.byref(error)
        )
        check(status, error)

    def __del__(self):
        if self.handle and library is not None:
            library().tcc_kernel_free(self.handle)

    def names(self, count, function):
        """Names of inputs or outputs."""
        found, parameter = [], Parameter()
        for index in range(count(self.handle)):
            function(self.handle, index, ctypes.byref(parameter))
            found.append(parameter.name.decode())
        return found

    @property
    def inputs(self):
        """Names of the inputs, in the order of calls."""
        return self.names(library().tcc_input_count, library().tcc_input)

    @property
    def outputs(self):
        """Names of the outputs, in the order of results."""
        return self.names(library().tcc_output_count, library().tcc_output)

    def allocate(self, inputs):
        """Results for inputs of these types and shapes."""
        described = [describe(array) for array in inputs]
        arrays = (Array * len(described))(*described)
        results = []
        for index in range(library().tcc_output_count(self.handle)):
            parameter, shape, error = Parameter(), (ctypes.c_int64 * 64)(), ctypes.c_void_p()
            status = library().tcc_output_shape(
                self.handle, arrays, len(arrays), index, ctypes.byref(parameter), shape, 64, ctypes.byref(error)
            )
            check(status, error)
            results.append(numpy.empty(tuple(shape[: parameter.rank]), DTYPES[parameter.dtype]))
        return results

    def bind(self, inputs, outputs):
        """A function without arguments that reads these inputs and writes these outputs."""
        kept = [describe(array) for array in inputs], [describe(array) for array in outputs]
        ins, outs = ((Array * len(part))(*part) for part in kept)
        call, handle, error = library().tcc_call, self.handle, ctypes.c_void_p()
        place, n_ins, n_outs = ctypes.byref(error), len(ins), len(outs)

        def bound():
            status = call(handle, ins, n_ins, outs, n_outs, place)
            if status:
                check(status, error)

        bound.kept = (self, kept, inputs, outputs)
        return bound

    def __call__(self, *inputs):
        outputs = self.allocate(inputs)
        self.bind(inputs, outputs)()
        return outputs
