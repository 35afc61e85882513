#!/usr/bin/env python3
"""Writes cases/*.json, one file for each class. README.md describes the format."""

import json
import math
from pathlib import Path

# The 48 contractions of TCCG (P. Springer and P. Bientinesi, "Design of a high-performance GEMM-like
# tensor-tensor multiplication", ACM TOMS 44, 2018; github.com/HPAC/tccg): result-left-right, in column-major
# order. Behind each group: the extent of indices that are first in a tensor, and that of all others; the
# result of a narrow group has an index of 24 where the right operand brings a free one.
TCCG = [
    ("abc-bda-dc abc-dca-bd", 264, 256, True),
    ("abcd-dbea-ec abcd-deca-be abcd-ebad-ce", 72, 64, True),
    ("abcde-efbad-cf abcde-ecbfa-fd abcde-efcad-bf", 24, 28, True),
    ("abcd-ea-ebcd abcd-eb-aecd abcd-ec-abed", 72, 64, False),
    ("ab-ac-cb", 960, 960, False),
    ("ab-acd-dbc ab-cad-dcb abc-acd-db abc-ad-bdc abc-adc-bd abc-adc-db", 216, 208, False),
    ("abc-adec-ebd", 72, 64, False),
    (
        "abcd-aebf-dfce abcd-aebf-fdec abcd-aecf-bfde abcd-aecf-fbed abcd-aedf-bfce abcd-aedf-fbec "
        "abcd-aefb-fdce abcd-aefc-fbed abcd-eafb-fdec abcd-eafc-bfde abcd-eafd-fbec",
        24, 36, False,
    ),
    (
        "abcdef-dega-gfbc abcdef-degb-gfac abcdef-degc-gfab abcdef-dfga-gebc abcdef-dfgb-geac "
        "abcdef-dfgc-geab abcdef-efga-gdbc abcdef-efgb-gdac abcdef-efgc-gdab abcdef-gdab-efgc "
        "abcdef-gdac-efgb abcdef-gdbc-efga abcdef-geab-dfgc abcdef-geac-dfgb abcdef-gebc-dfga "
        "abcdef-gfab-degc abcdef-gfac-degb abcdef-gfbc-dega",
        24, 12, False,
    ),
]

DTYPES = ("f32", "f64")


def case(kind, name, dtype, inputs, program, flops=None, out=None):
    """One case. `flops` is what its contractions take, if they have two operands each."""
    return {
        "id": f"{name}_{dtype}", "class": kind, "dtype": dtype,
        "inputs": {operand: list(shape) for operand, shape in inputs.items()},
        "prog": program, "out": out or program[-1][0], "flops": flops,
    }


def contraction(kind, name, dtype, spec, *shapes):
    """A case that is one contraction. Its operations are counted where it has two operands at most."""
    names = [f"T{at}" if len(shapes) > 14 else "ABCDEFGHIJKLMN"[at] for at in range(len(shapes))]
    sizes = {}
    for letters, shape in zip(spec.split("->")[0].split(","), shapes):
        sizes.update(zip(letters, shape))
    flops = math.prod(sizes.values()) * (2 if len(shapes) == 2 else 1) if len(shapes) <= 2 else None
    return case(kind, name, dtype, dict(zip(names, shapes)), [["O", "einsum", spec, *names]], flops)


def tccg(dtype):
    number = 0
    for specs, first, other, narrow in TCCG:
        for spec in specs.split():
            number += 1
            result, left, right = spec.split("-")
            firsts = {result[0], left[0], right[0]}
            sizes = {letter: first if letter in firsts else other for letter in set(spec) - {"-"}}
            if narrow:
                sizes.update({letter: 24 for letter in right if letter in result})
            shape = lambda letters: [sizes[letter] for letter in reversed(letters)]
            text = f"{left[::-1]},{right[::-1]}->{result[::-1]}"
            yield contraction("tccg", f"tccg{number:02}", dtype, text, shape(left), shape(right))


def matmul(dtype):
    for n in (4, 8, 16, 32, 64, 128, 256, 512, 1024) + ((2048,) if dtype == "f32" else ()):
        yield contraction("matmul", f"mm{n}", dtype, "ij,jk->ik", (n, n), (n, n))
    yield contraction("matmul", "mm_nt384", dtype, "ij,kj->ik", (384, 384), (384, 384))
    yield contraction("matmul", "mm_tn384", dtype, "ji,jk->ik", (384, 384), (384, 384))
    yield contraction("matmul", "mm_tt384", dtype, "ji,kj->ik", (384, 384), (384, 384))
    yield contraction("matmul", "mm_odd", dtype, "ij,jk->ik", (301, 277), (277, 513))


def skinny(dtype):
    for m, n, k in [(1, 4096, 4096), (8, 4096, 1024), (4096, 16, 4096), (4096, 4096, 8), (64, 64, 16384), (37, 1023, 511)]:
        yield contraction("skinny", f"mm_{m}x{n}x{k}", dtype, "ij,jk->ik", (m, k), (k, n))
    yield contraction("skinny", "gemv", dtype, "ij,j->i", (2048, 4096), (4096,))
    yield contraction("skinny", "gemv_t", dtype, "ij,i->j", (4096, 2048), (4096,))
    yield contraction("skinny", "gemv_small", dtype, "ij,j->i", (96, 96), (96,))
    yield contraction("skinny", "dot", dtype, "i,i->", (1 << 20,), (1 << 20,))
    yield contraction("skinny", "dot_small", dtype, "i,i->", (1000,), (1000,))


def batched(dtype):
    for batch, n in [(4096, 4), (4096, 8), (1024, 16), (512, 32), (128, 64), (32, 128)]:
        yield contraction("bmm", f"bmm{batch}x{n}", dtype, "bij,bjk->bik", (batch, n, n), (batch, n, n))
    yield contraction("bmm", "bmm_last", dtype, "ijb,jkb->ikb", (16, 16, 1024), (16, 16, 1024))
    yield contraction("bmm", "bmm_heads", dtype, "bqhd,bkhd->bhqk", (4, 128, 8, 64), (4, 128, 8, 64))
    yield contraction("bmm", "bmm_headsv", dtype, "bhqk,bkhd->bqhd", (4, 8, 128, 128), (4, 128, 8, 64))


def various(dtype):
    yield contraction("einsum", "bilinear", dtype, "bi,oij,bj->bo", (128, 64), (64, 64, 64), (128, 64))
    yield contraction("einsum", "outer", dtype, "i,j->ij", (2048,), (2048,))
    yield contraction("einsum", "outer3", dtype, "i,j,k->ijk", (128,), (128,), (128,))
    yield contraction("einsum", "diagonal", dtype, "ii->i", (2048, 2048))
    yield contraction("einsum", "batched_diagonal", dtype, "bii->bi", (4096, 32, 32))
    yield contraction("einsum", "trace", dtype, "ii->", (1024, 1024))
    yield contraction("einsum", "trace_of_product", dtype, "ij,ji->", (1024, 1024), (1024, 1024))
    yield contraction("einsum", "hadamard", dtype, "ij,ij->ij", (1024, 1024), (1024, 1024))
    yield contraction("einsum", "kronecker", dtype, "ij,kl->ikjl", (48, 48), (48, 48))


def permute(dtype):
    shapes = [
        ("transpose", "ij->ji", (2048, 2048)), ("transpose_odd", "ij->ji", (1999, 1031)),
        ("reverse4", "abcd->dcba", (32, 48, 32, 40)), ("inner_swap", "abcd->acbd", (32, 128, 8, 64)),
        ("rotate3", "abc->cab", (128, 128, 96)), ("mixed4", "abcd->dbca", (48, 32, 40, 32)),
        ("channels_last", "nchw->nhwc", (8, 64, 56, 56)),
    ]
    for name, spec, shape in shapes:
        yield contraction("permute", name, dtype, spec, shape)


def reduce(dtype):
    yield contraction("reduce", "sum_rows", dtype, "ij->i", (2048, 2048))
    yield contraction("reduce", "sum_columns", dtype, "ij->j", (2048, 2048))
    yield contraction("reduce", "sum_all", dtype, "ij->", (2048, 2048))
    yield contraction("reduce", "sum_middle", dtype, "ijk->ik", (64, 512, 64))
    yield contraction("reduce", "dot_rows", dtype, "ij,ij->i", (1024, 2048), (1024, 2048))
    yield contraction("reduce", "scale_rows", dtype, "ij,i->ij", (2048, 2048), (2048,))
    yield case("reduce", "max_rows", dtype, {"x": (2048, 2048)}, [["O", "amax", "x", -1, False]])
    yield case("reduce", "mean_rows", dtype, {"x": (2048, 2048)}, [["O", "mean", "x", -1, False]])


def chain(dtype):
    chains = [
        ("chain_vector", "ij,jk,k->i", (1024, 1024), (1024, 1024), (1024,)),
        ("chain4", "ab,bc,cd,de->ae", (512, 16), (16, 1024), (1024, 8), (8, 512)),
        ("chain_bad", "ij,jk,kl,lm->im", (400, 600), (600, 20), (20, 600), (600, 400)),
        ("chain6", "ab,bc,cd,de,ef,fg->ag", (100, 400), (400, 30), (30, 500), (500, 20), (20, 300), (300, 80)),
        ("ao2mo", "pqrs,pa,qb,rc,sd->abcd", (28, 28, 28, 28), (28, 28), (28, 28), (28, 28), (28, 28)),
        ("cp", "ir,jr,kr->ijk", (96, 32), (96, 32), (96, 32)),
        ("tucker", "abc,ia,jb,kc->ijk", (16, 16, 16), (96, 16), (96, 16), (96, 16)),
        ("mttkrp", "ijk,jr,kr->ir", (128, 128, 128), (128, 32), (128, 32)),
        ("kronecker_vector", "ai,bj,cij->cab", (256, 256), (256, 256), (8, 256, 256)),
    ]
    for name, spec, *shapes in chains:
        yield contraction("chain", name, dtype, spec, *shapes)


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def network(kind, name, dtype, count, edges, extent):
    """A closed network: one tensor for each node, one index for each edge."""
    terms = ["".join(LETTERS[at] for at, edge in enumerate(edges) if node in edge) for node in range(count)]
    return contraction(kind, name, dtype, ",".join(terms) + "->", *((extent,) * len(term) for term in terms))


def lattice(rows, columns):
    at = lambda row, column: row * columns + column
    right = [(at(r, c), at(r, c + 1)) for r in range(rows) for c in range(columns - 1)]
    down = [(at(r, c), at(r + 1, c)) for r in range(rows - 1) for c in range(columns)]
    return sorted(right + down)


def tensor_networks(dtype):
    yield contraction(
        "tn", "mps8", dtype, "ab,bicd,djef,fkgh,hl->aijklceg",
        (16, 16), (16, 4, 2, 16), (16, 4, 2, 16), (16, 4, 2, 16), (16, 4),
    )
    for rows, columns, extent in [(3, 3, 16), (4, 5, 8), (3, 6, 12), (5, 5, 6), (4, 7, 5)]:
        edges = lattice(rows, columns)
        yield network("tn", f"lattice{rows}x{columns}_{extent}", dtype, rows * columns, edges, extent)
    # A ring with chords: 3-regular, 30 tensors, 45 indices.
    ring = [(at, (at + 1) % 30) for at in range(30)] + [(at, at + 15) for at in range(15)]
    yield network("tn", "moebius30_3", dtype, 30, sorted(tuple(sorted(edge)) for edge in ring), 3)


def attention_program(scale):
    return [
        ["s0", "einsum", "bhqd,bhkd->bhqk", "Q", "K"], ["s", "mul", "s0", scale], ["mx", "amax", "s", -1, True],
        ["sh", "sub", "s", "mx"], ["ex", "exp", "sh"], ["sm", "sum", "ex", -1, True], ["P", "div", "ex", "sm"],
        ["O", "einsum", "bhqk,bhkd->bhqd", "P", "V"],
    ]


def attention(dtype):
    for b, h, n, d in [(1, 8, 512, 64), (1, 1, 1024, 64), (1, 4, 256, 128), (8, 8, 32, 32)]:
        operands = {name: (b, h, n, d) for name in "QKV"}
        yield case("attention", f"attention_b{b}h{h}n{n}d{d}", dtype, operands, attention_program(d**-0.5), 4 * b * h * n * n * d)


def simplicial(dtype):
    for n, d in [(64, 32), (128, 32)]:
        yield contraction("simplicial", f"trilinear{n}", dtype, "id,jd,kd->ijk", *((n, d),) * 3)
    program = [
        ["s", "einsum", "id,jd,kd->ijk", "Q", "K", "L"], ["mx1", "amax", "s", 2, True], ["mx", "amax", "mx1", 1, True],
        ["sh", "sub", "s", "mx"], ["ex", "exp", "sh"], ["sm1", "sum", "ex", 2, True], ["sm", "sum", "sm1", 1, True],
        ["P", "div", "ex", "sm"], ["O", "einsum", "ijk,jd,kd->id", "P", "V", "W"],
    ]
    for n in (64, 128, 256):
        yield case("simplicial", f"attention3_{n}", dtype, {name: (n, 16) for name in "QKLVW"}, program, 4 * n**3 * 16)


def norm(dtype):
    center = [["m", "mean", "x", -1, True], ["c", "sub", "x", "m"], ["q", "mul", "c", "c"], ["v", "mean", "q", -1, True]]
    scale = [["ve", "add", "v", 1e-5], ["r", "rsqrt", "ve"]]
    layer = [*center, *scale, ["n", "mul", "c", "r"], ["ng", "mul", "n", "g"], ["O", "add", "ng", "b"]]
    root = [["q", "mul", "x", "x"], ["v", "mean", "q", -1, True], *scale, ["n", "mul", "x", "r"], ["O", "mul", "n", "g"]]
    softmax = [
        ["mx", "amax", "x", -1, True], ["sh", "sub", "x", "mx"], ["ex", "exp", "sh"], ["sm", "sum", "ex", -1, True],
        ["O", "div", "ex", "sm"],
    ]
    instance = [
        ["m", "mean", "x", 1, True], ["c", "sub", "x", "m"], ["q", "mul", "c", "c"], ["va", "mean", "q", 1, True],
        ["ve", "add", "va", 1e-5], ["r", "rsqrt", "ve"], ["n", "mul", "c", "r"], ["ng", "mul", "n", "g"], ["O", "add", "ng", "b"],
    ]
    evonorm = [
        ["vx", "mul", "x", "v"], ["sg", "sigmoid", "vx"], ["nu", "mul", "x", "sg"], *instance[:6],
        ["n", "mul", "nu", "r"], ["ng", "mul", "n", "g"], ["O", "add", "ng", "b"],
    ]
    for rows, width in [(1024, 1024), (4096, 128), (64, 8192)]:
        vectors = {"x": (rows, width), "g": (width,), "b": (width,)}
        yield case("norm", f"layernorm_{rows}x{width}", dtype, vectors, layer)
        yield case("norm", f"rmsnorm_{rows}x{width}", dtype, {"x": (rows, width), "g": (width,)}, root)
        yield case("softmax", f"softmax_{rows}x{width}", dtype, {"x": (rows, width)}, softmax)
    vectors = {"x": (16, 1024, 32), "g": (32,), "b": (32,)}
    yield case("norm", "instancenorm", dtype, vectors, instance)
    yield case("norm", "evonorm_s0", dtype, {"x": (16, 1024, 32), "v": (32,), "g": (32,), "b": (32,)}, evonorm)


def gelu(h, out):
    return [
        ["e0", "mul", h, 0.7071067811865476], ["e1", "erf", "e0"], ["e2", "add", "e1", 1.0], ["e3", "mul", h, 0.5],
        [out, "mul", "e3", "e2"],
    ]


def elementwise(dtype):
    large, square = {"x": (2048, 2048), "y": (2048, 2048)}, {"x": (1024, 1024)}
    yield case("elementwise", "gelu_erf", dtype, square, gelu("x", "O"))
    tanh = [
        ["h2", "mul", "x", "x"], ["h3", "mul", "h2", "x"], ["u1", "mul", "h3", 0.044715], ["u2", "add", "x", "u1"],
        ["u3", "mul", "u2", 0.7978845608], ["t", "tanh", "u3"], ["t1", "add", "t", 1.0], ["hh", "mul", "x", 0.5],
        ["O", "mul", "hh", "t1"],
    ]
    yield case("elementwise", "gelu_tanh", dtype, square, tanh)
    for name in ("sigmoid", "exp", "tanh", "erf"):
        yield case("elementwise", name, dtype, square, [["O", name, "x"]])
    yield case("elementwise", "silu", dtype, square, [["s", "sigmoid", "x"], ["O", "mul", "x", "s"]])
    moons = [
        ["a", "mul", "x", 1.5], ["b", "mul", "y", -0.5], ["c", "add", "a", "b"], ["d", "mul", "c", "c"],
        ["e", "add", "d", 1.0], ["f", "sqrt", "e"], ["O", "div", "c", "f"],
    ]
    yield case("memory", "axpby_chain", dtype, large, moons)
    yield case("memory", "bias_relu", dtype, {"x": (2048, 2048), "b": (2048,)}, [["a", "add", "x", "b"], ["O", "relu", "a"]])
    yield case("memory", "add", dtype, large, [["O", "add", "x", "y"]])
    distance = [
        ["xy", "einsum", "id,jd->ij", "x", "y"], ["q", "mul", "xy", -2.0], ["r", "exp", "q"], ["O", "einsum", "ij->i", "r"],
    ]
    yield case("elementwise", "kernel_sum", dtype, {"x": (512, 3), "y": (512, 3)}, distance)


def mlp(dtype):
    layers = [["z", "einsum", "bi,ij->bj", "x", "W1"], ["h", "add", "z", "b1"], *gelu("h", "a")]
    whole = [*layers, ["y", "einsum", "bj,jk->bk", "a", "W2"], ["O", "add", "y", "b2"]]
    for batch, width, hidden in [(64, 256, 1024), (8, 64, 64), (256, 128, 512)]:
        operands = {"x": (batch, width), "W1": (width, hidden), "b1": (hidden,), "W2": (hidden, width), "b2": (width,)}
        yield case("mlp", f"mlp_gelu_{batch}x{width}x{hidden}", dtype, operands, whole, 4 * batch * width * hidden)
    swiglu = [
        ["g", "einsum", "bi,ij->bj", "x", "W"], ["u", "einsum", "bi,ij->bj", "x", "U"], ["s", "sigmoid", "g"],
        ["gs", "mul", "g", "s"], ["gu", "mul", "gs", "u"], ["O", "einsum", "bj,jk->bk", "gu", "D"],
    ]
    for batch, width, hidden in [(128, 512, 1024), (16, 256, 512)]:
        operands = {"x": (batch, width), "W": (width, hidden), "U": (width, hidden), "D": (hidden, width)}
        yield case("mlp", f"swiglu_{batch}x{width}x{hidden}", dtype, operands, swiglu, 6 * batch * width * hidden)


FILES = {
    "tccg": tccg, "matmul": matmul, "skinny": skinny, "batched": batched, "einsum": various, "permute": permute,
    "reduce": reduce, "chain": chain, "network": tensor_networks, "attention": attention, "simplicial": simplicial,
    "norm": norm, "elementwise": elementwise, "mlp": mlp,
}


def main():
    folder = Path(__file__).resolve().parent / "cases"
    for name, generate in FILES.items():
        cases = [made for dtype in DTYPES for made in generate(dtype)]
        lines = ",\n".join(json.dumps(made) for made in cases)
        (folder / f"{name}.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
