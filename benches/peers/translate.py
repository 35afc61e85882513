"""Cases of the benchmark as programs of tcc.

A case is a straight-line program of whole-array operations (README.md). Every operation becomes one
equation, spelled as a user of the language would; what belongs together is for the optimiser to find.
"""

import string

LETTERS = string.ascii_lowercase + string.ascii_uppercase


class Writer:
    """Equations of one case, with the shape of every name.

    Axes of length 1 that a reduction keeps are not written (a user would leave them out): they stand in
    `dropped`, by name, until the result needs them.
    """

    def __init__(self, case):
        self.shapes = {name: list(shape) for name, shape in case["inputs"].items()}
        self.dropped = {name: set() for name in self.shapes}
        self.names, self.lines = {}, []

    def name(self, name):
        """The name in the program."""
        return self.names.setdefault(name, f"{name}_" if name in RESERVED else name)

    def at(self, name, indices):
        """A read or a left side, without the axes that are dropped."""
        kept = [index for axis, index in enumerate(indices) if axis not in self.dropped[name]]
        return f"{self.name(name)}[{','.join(kept)}]" if kept else self.name(name)

    def broadcast(self, operand, axes, shape):
        """An operand of an elementwise operation, aligned at the right with `axes`; length 1 broadcasts."""
        if not isinstance(operand, str):
            return repr(float(operand))
        skip = len(axes) - len(self.shapes[operand])
        pairs = zip(self.shapes[operand], axes[skip:], shape[skip:])
        return self.at(operand, [index if extent == whole else "0" for extent, index, whole in pairs])

    def equation(self, name, indices, shape, right, dropped=()):
        """`name[indices] = right`; an axis that nothing on the right mentions gets its length stated."""
        self.shapes[name], self.dropped[name] = list(shape), set(dropped)
        mentioned = set(split_names(right))
        left = [index if index in mentioned else f"{index}:{extent}" for index, extent in zip(indices, shape)]
        self.lines.append(f"{self.at(name, left)} = {right}")

    def whole(self, name):
        """A name with all of its axes: an equation that adds those that were dropped, if any."""
        if not self.dropped[name]:
            return name
        axes, shape = axis_names(len(self.shapes[name])), self.shapes[name]
        self.equation(f"{name}_kept", axes, shape, self.at(name, axes))
        return f"{name}_kept"


# Words that mean something of their own where a name is expected.
RESERVED = {"in", "out", "var", "param", "fn", "sum", "prod", "max", "min", "mean", "exp", "tanh", "erf", "pi", "int", "if", "re", "im"}

UNARY = {
    "exp": "exp({})", "tanh": "tanh({})", "erf": "erf({})", "sqrt": "sqrt({})", "sigmoid": "sigmoid({})",
    "relu": "relu({})", "neg": "-{}", "rsqrt": "1/sqrt({})", "log": "log({})",
}
BINARY = {"add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}"}
REDUCTIONS = {"sum": "sum", "mean": "mean", "amax": "max"}


def split_names(text):
    """The words of an expression."""
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()


def einsum(writer, name, spec, operands):
    """One contraction. Letters become index names; upper case letters get a prefix to stay apart."""
    inputs, output = spec.split("->")
    terms, operands = inputs.split(","), [writer.whole(operand) for operand in operands]
    taken = {writer.name(known) for known in writer.shapes}
    index = {}
    for letter in dict.fromkeys(inputs.replace(",", "")):
        plain = letter if letter.islower() else f"u{letter.lower()}"
        index[letter] = plain if plain not in taken and plain not in RESERVED else f"{plain}_i"
    sizes = {}
    for term, operand in zip(terms, operands):
        sizes.update(zip(term, writer.shapes[operand]))
    summed = [index[letter] for letter in index if letter not in output]
    product = " * ".join(writer.at(operand, [index[l] for l in term]) for term, operand in zip(terms, operands))
    right = f"sum[{','.join(summed)}] {product}" if summed else product
    writer.equation(name, [index[l] for l in output], [sizes[l] for l in output], right)


def elementwise(writer, name, form, operands):
    """A map over broadcast operands. An axis is left out where every operand leaves it out."""
    named = [operand for operand in operands if isinstance(operand, str)]
    rank = max(len(writer.shapes[operand]) for operand in named)
    shape, dropped = [1] * rank, set(range(rank))
    for operand in named:
        skip = rank - len(writer.shapes[operand])
        for axis, extent in enumerate(writer.shapes[operand]):
            shape[skip + axis] = max(shape[skip + axis], extent)
        dropped -= {skip + axis for axis in range(rank - skip) if axis not in writer.dropped[operand]}
    axes = axis_names(rank)
    right = form.format(*(writer.broadcast(operand, axes, shape) for operand in operands))
    writer.equation(name, axes, shape, right, dropped)


def reduction(writer, name, word, operand, axis, keep):
    """A reduction along one axis; `keep` leaves it with length 1."""
    shape, dropped = list(writer.shapes[operand]), writer.dropped[operand]
    axis %= len(shape)
    axes = axis_names(len(shape))
    right = f"{word}[{axes[axis]}] {writer.at(operand, axes)}"
    if axis in dropped:
        right = writer.at(operand, axes)
    shape[axis] = 1
    dropped = dropped | {axis}
    if keep:
        writer.equation(name, axes, shape, right, dropped)
        return
    left = [at for at in range(len(axes)) if at != axis]
    moved = {left.index(at) for at in dropped if at != axis}
    writer.equation(name, [axes[at] for at in left], [shape[at] for at in left], right, moved)


def axis_names(rank):
    return [f"i{axis}" for axis in range(rank)]


def program(case):
    """The text of the program, and the names of its inputs in the order in which it takes them."""
    writer = Writer(case)
    for name, op, *rest in case["prog"]:
        if op == "einsum":
            einsum(writer, name, rest[0], rest[1:])
        elif op in REDUCTIONS:
            reduction(writer, name, REDUCTIONS[op], *rest)
        elif op in BINARY:
            elementwise(writer, name, BINARY[op], rest)
        else:
            elementwise(writer, name, UNARY[op], rest)
    dtype, out = case["dtype"], writer.whole(case["out"])
    declared = [(case["inputs"][name], f"in {writer.name(name)}") for name in case["inputs"]]
    declared.append((writer.shapes[out], f"out {writer.name(out)}"))
    brackets = lambda shape: f"[{', '.join(map(str, shape))}]" if shape else ""
    lines = [f"{words} : {dtype}{brackets(shape)}" for shape, words in declared]
    return "\n".join(lines + writer.lines) + "\n"


def main():
    import json
    import sys

    file, wanted = sys.argv[1:]
    with open(file) as cases:
        print(next(program(case) for case in json.load(cases) if case["id"] == wanted), end="")


if __name__ == "__main__":
    main()
