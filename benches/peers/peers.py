"""The peers: each builds a function without arguments that computes a case once.

`build(case, inputs)` returns the function; it raises `Unsupported` for what a peer cannot express.
`result(value)` turns what the function returns into an ndarray.
"""

import numpy as np

import translate


class Unsupported(Exception):
    """The peer has no way to say this."""


FLOATS = {"f32": np.float32, "f64": np.float64}

# Contractions of more operands need a path that numpy's own search does not find in reasonable time.
FEW = 8


def evaluate(case, inputs, functions):
    """Runs the operations of a case one by one."""
    values = dict(inputs)
    for name, op, *rest in case["prog"]:
        if op == "einsum":
            values[name] = functions["einsum"](rest[0], *(values[operand] for operand in rest[1:]))
        elif op in ("sum", "mean", "amax"):
            values[name] = functions[op](values[rest[0]], rest[1], rest[2])
        elif op in ("add", "sub", "mul", "div"):
            left, right = (values[operand] if isinstance(operand, str) else operand for operand in rest)
            values[name] = ARITHMETIC[op](left, right)
        else:
            values[name] = functions[op](values[rest[0]])
    return values[case["out"]]


ARITHMETIC = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}


def einsums(case):
    """The contractions of a case: strings and operands."""
    return [(rest[0], rest[1:]) for _, op, *rest in case["prog"] if op == "einsum"]


class Peer:
    """What peers have in common."""

    def result(self, value):
        return np.asarray(value)


class Numpy(Peer):
    """numpy with OpenBLAS; contractions of several operands along the optimal path."""

    def __init__(self):
        from scipy.special import erf

        self.paths = {}
        self.functions = {
            "einsum": self.einsum, "exp": np.exp, "tanh": np.tanh, "erf": erf, "sqrt": np.sqrt, "log": np.log,
            "rsqrt": lambda x: (1 / np.sqrt(x)).astype(x.dtype),
            "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "relu": lambda x: np.maximum(x, 0), "neg": np.negative,
            "sum": lambda x, axis, keep: x.sum(axis, keepdims=keep),
            "mean": lambda x, axis, keep: x.mean(axis, keepdims=keep),
            "amax": lambda x, axis, keep: x.max(axis, keepdims=keep),
        }

    def einsum(self, spec, *operands):
        if len(operands) == 1:
            return np.asarray(np.einsum(spec, *operands), order="C")
        key = spec, tuple(operand.shape for operand in operands)
        if key not in self.paths:
            self.paths[key] = np.einsum_path(spec, *operands, optimize="optimal" if len(operands) <= 5 else "greedy")[0]
        return np.asarray(np.einsum(spec, *operands, optimize=self.paths[key]), order="C")

    def build(self, case, inputs):
        if any(len(operands) > FEW for _, operands in einsums(case)):
            raise Unsupported
        return lambda: evaluate(case, inputs, self.functions)


class OptEinsum(Numpy):
    """numpy along a path of opt_einsum; only where there is a path to find."""

    def __init__(self):
        super().__init__()
        import opt_einsum

        self.search = lambda spec, shapes: opt_einsum.contract_expression(spec, *shapes)
        self.found = {}

    def einsum(self, spec, *operands):
        key = spec, tuple(operand.shape for operand in operands)
        if key not in self.found:
            self.found[key] = self.search(spec, [operand.shape for operand in operands])
        return np.asarray(self.found[key](*operands), order="C")

    def build(self, case, inputs):
        if all(len(operands) < 3 for _, operands in einsums(case)):
            raise Unsupported
        return lambda: evaluate(case, inputs, self.functions)


class Cotengra(OptEinsum):
    """numpy along a path of cotengra; only where there is a path to find."""

    def __init__(self):
        super().__init__()
        import cotengra

        # Its processes would be forked from one that runs threads of other peers.
        optimizer = cotengra.AutoHQOptimizer(parallel=False)
        self.search = lambda spec, shapes: cotengra.einsum_expression(
            spec, *shapes, optimize=optimizer if len(shapes) > 4 else "auto"
        )


class Torch(Peer):
    """torch, operation by operation, with MKL and oneDNN."""

    def __init__(self):
        import torch

        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        self.torch = torch
        self.functions = {
            "einsum": lambda spec, *operands: torch.einsum(spec, *operands).contiguous(),
            "exp": torch.exp, "tanh": torch.tanh, "erf": torch.erf, "sqrt": torch.sqrt, "log": torch.log,
            "rsqrt": torch.rsqrt, "sigmoid": torch.sigmoid, "relu": torch.relu, "neg": torch.neg,
            "sum": lambda x, axis, keep: x.sum(axis, keepdim=keep),
            "mean": lambda x, axis, keep: x.mean(axis, keepdim=keep),
            "amax": lambda x, axis, keep: x.amax(axis, keepdim=keep),
        }

    def build(self, case, inputs):
        tensors = {name: self.torch.from_numpy(array) for name, array in inputs.items()}
        return lambda: evaluate(case, tensors, self.functions)

    def result(self, value):
        return value.numpy()


class Jax(Peer):
    """jax.jit: XLA for this processor."""

    def __init__(self):
        import jax

        self.jax, numpy = jax, jax.numpy
        self.functions = {
            "einsum": lambda spec, *operands: numpy.einsum(
                spec, *operands, precision="highest", optimize="optimal" if len(operands) <= 5 else "greedy"
            ),
            "exp": numpy.exp, "tanh": numpy.tanh, "erf": jax.scipy.special.erf, "sqrt": numpy.sqrt,
            "log": numpy.log, "rsqrt": jax.lax.rsqrt, "sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu,
            "neg": numpy.negative,
            "sum": lambda x, axis, keep: numpy.sum(x, axis, keepdims=keep),
            "mean": lambda x, axis, keep: numpy.mean(x, axis, keepdims=keep),
            "amax": lambda x, axis, keep: numpy.max(x, axis, keepdims=keep),
        }

    def function(self, case, names):
        return lambda *arrays: evaluate(case, dict(zip(names, arrays)), self.functions)

    def build(self, case, inputs):
        compiled = self.jax.jit(self.function(case, list(inputs)))
        arrays = [self.jax.numpy.asarray(array) for array in inputs.values()]
        return lambda: compiled(*arrays).block_until_ready()


class Iree(Jax):
    """IREE for this processor, from what jax lowers a case to."""

    FLAGS = ["--iree-llvmcpu-target-cpu=host", "--iree-input-demote-f64-to-f32=false", "--iree-opt-data-tiling"]

    def __init__(self):
        super().__init__()
        import iree.compiler
        import iree.runtime

        self.compiler, self.runtime = iree.compiler, iree.runtime

    def build(self, case, inputs):
        shapes = [self.jax.ShapeDtypeStruct(array.shape, array.dtype) for array in inputs.values()]
        module = self.jax.jit(self.function(case, list(inputs))).lower(*shapes).compiler_ir("stablehlo")
        code = self.compiler.compile_str(
            str(module), input_type="stablehlo", target_backends=["llvm-cpu"], extra_args=self.FLAGS
        )
        config = self.runtime.Config("local-sync")
        context = self.runtime.SystemContext(config=config)
        loaded = self.runtime.VmModule.copy_buffer(context.instance, code)
        context.add_vm_module(loaded)
        main = context.modules[loaded.name]["main"]
        arrays = [self.runtime.asdevicearray(config.device, array) for array in inputs.values()]
        return lambda: main(*arrays)

    def result(self, value):
        return np.asarray(value.to_host() if hasattr(value, "to_host") else value)


class Tblis(Peer):
    """TBLIS: one contraction of two tensors."""

    def __init__(self):
        import pytblis

        pytblis.set_num_threads(1)
        self.einsum = pytblis.einsum

    def build(self, case, inputs):
        if len(case["prog"]) != 1 or case["prog"][0][1] != "einsum" or len(case["prog"][0]) != 5:
            raise Unsupported
        _, _, spec, left, right = case["prog"][0]
        return lambda: self.einsum(spec, inputs[left], inputs[right])


def to_onnx(case, inputs):
    """A case as an ONNX model."""
    from onnx import TensorProto, helper

    float_type = TensorProto.FLOAT if case["dtype"] == "f32" else TensorProto.DOUBLE
    nodes, constants = [], []

    def constant(values, dtype, shape):
        constants.append(helper.make_tensor(f"constant{len(constants)}", dtype, shape, values))
        return constants[-1].name

    def node(kind, operands, result, **attributes):
        nodes.append(helper.make_node(kind, operands, [result], **attributes))

    reductions = {"sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax"}
    unary = {name: name.capitalize() for name in ("exp", "tanh", "erf", "sqrt", "sigmoid", "relu", "neg", "log")}
    for name, op, *rest in case["prog"]:
        if op == "einsum":
            node("Einsum", rest[1:], name, equation=rest[0])
        elif op in ARITHMETIC:
            operands = [o if isinstance(o, str) else constant([float(o)], float_type, ()) for o in rest]
            node(op.capitalize(), operands, name)
        elif op in reductions:
            axes = constant([rest[1]], TensorProto.INT64, (1,))
            node(reductions[op], [rest[0], axes], name, keepdims=int(rest[2]))
        elif op == "rsqrt":
            node("Sqrt", [rest[0]], f"{name}_root")
            node("Reciprocal", [f"{name}_root"], name)
        else:
            node(unary[op], [rest[0]], name)
    described = [helper.make_tensor_value_info(name, float_type, array.shape) for name, array in inputs.items()]
    result = helper.make_tensor_value_info(case["out"], float_type, None)
    graph = helper.make_graph(nodes, "case", described, [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    return model.SerializeToString()


class OnnxRuntime(Peer):
    """onnxruntime on one thread."""

    def __init__(self):
        import onnxruntime

        self.runtime = onnxruntime

    def build(self, case, inputs):
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = self.runtime.InferenceSession(to_onnx(case, inputs), options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, inputs)[0]


class OpenVino(Peer):
    """OpenVINO on one thread, in the precision of the case."""

    def __init__(self):
        import openvino

        self.openvino, self.core = openvino, openvino.Core()

    def build(self, case, inputs):
        model = self.core.read_model(to_onnx(case, inputs), b"")
        options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1}
        request = self.core.compile_model(model, "CPU", options).create_infer_request()
        for index, array in enumerate(inputs.values()):
            request.set_input_tensor(index, self.openvino.Tensor(array))

        def run():
            request.infer()
            return request.get_output_tensor(0)

        return run

    def result(self, value):
        return np.array(value.data)


class Tcc(Peer):
    """tcc through its C interface, at the default level; results go to an array that exists."""

    options = ""

    def __init__(self):
        import tcc

        self.tcc = tcc
        tcc.library()

    def build(self, case, inputs):
        kernel = self.tcc.compile(translate.program(case), self.options)
        arrays = [inputs[name] for name in case["inputs"]]
        results = kernel.allocate(arrays)
        bound = kernel.bind(arrays, results)

        def run():
            bound()
            return results[0]

        return run


# Every peer by the name under which it is asked for.
PEERS = {
    "numpy": Numpy, "torch": Torch, "jax": Jax, "tblis": Tblis, "onnxruntime": OnnxRuntime,
    "openvino": OpenVino, "iree": Iree, "opt_einsum": OptEinsum, "cotengra": Cotengra, "tcc": Tcc,
}
