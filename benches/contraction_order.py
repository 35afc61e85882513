"""Compares contraction orders of tcc with those of opt_einsum and cotengra.

    python3 -m venv venv && venv/bin/pip install opt_einsum cotengra
    venv/bin/python benches/contraction_order.py [--seed 1] [--repeats 3]

Every tool gets the same random networks. The cost of an order is the sum over its contractions of the
product of the extents of all axes that take part, computed here for all of them. Reported: log10 of that cost minus
the one of tcc (positive: tcc's order is cheaper), and the time of the search; for tcc also log2 of the largest
intermediate.
"""

import argparse
import json
import math
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import cotengra
import opt_einsum

ROOT = Path(__file__).resolve().parent.parent


def from_edges(name, vertices, edges, extents, output=()):
    """One factor for each vertex, one axis for each edge."""
    factors = [[] for _ in range(vertices)]
    for axis, ends in enumerate(edges):
        for vertex in ends:
            factors[vertex].append(axis)
    return {"name": name, "factors": factors, "output": list(output), "extents": extents}


def regular(rng, vertices, degree):
    """A random multigraph without loops in which nearly all vertices have the degree."""
    ends = [v for v in range(vertices) for _ in range(degree)]
    rng.shuffle(ends)
    return [p for p in zip(ends[::2], ends[1::2]) if p[0] != p[1]]


def lattice(rows, columns, periodic=False):
    place = lambda r, c: (r % rows) * columns + c % columns
    edges = []
    for r in range(rows):
        for c in range(columns):
            if c + 1 < columns or periodic:
                edges.append((place(r, c), place(r, c + 1)))
            if r + 1 < rows or periodic:
                edges.append((place(r, c), place(r + 1, c)))
    return edges


def networks(seed):
    rng = random.Random(seed)
    extents = lambda edges, choices: [rng.choice(choices) for _ in edges]
    cases = []

    def add(name, vertices, edges, choices):
        cases.append(from_edges(name, vertices, edges, extents(edges, choices)))

    for degree in (3, 4):
        for vertices in (20, 40, 60):
            add(f"regular {degree}, {vertices} factors", vertices, regular(rng, vertices, degree), [2, 3, 4])
    add("lattice 4x5, extent 8", 20, lattice(4, 5), [8])
    add("lattice 6x6", 36, lattice(6, 6), [4])
    add("lattice 7x8", 56, lattice(7, 8), [2, 3, 4])
    add("torus 5x6", 30, lattice(5, 6, periodic=True), [3])
    tree = [(v, rng.randrange(v)) for v in range(1, 50)]
    add("tree, 50 factors", 50, tree, [2, 4, 8, 16])
    # Two matrix product states joined by their physical axes.
    rail = [(s * 25 + i, s * 25 + i + 1) for s in range(2) for i in range(24)]
    rungs = [(i, 25 + i) for i in range(25)]
    cases.append(from_edges("overlap of matrix product states, 50 factors", 50, rail + rungs, [16] * 48 + [2] * 25))
    # Two layers of a projected entangled pair state.
    layer = lattice(5, 5)
    two = layer + [(a + 25, b + 25) for a, b in layer] + [(v, v + 25) for v in range(25)]
    cases.append(from_edges("norm of a pair state 5x5, 50 factors", 50, two, [3] * (2 * len(layer)) + [2] * 25))
    # Axes that three factors share, and axes that stay.
    edges = [tuple(rng.sample(range(24), rng.choice([2, 2, 3]))) for _ in range(40)]
    cases.append(from_edges("hyperedges, 24 factors", 24, edges, extents(edges, [2, 3, 5]), output=[0, 7, 19]))
    return cases


def cost(case, steps):
    """The sum over contractions of the product of all extents that take part, and the largest result."""
    tensors = dict(enumerate(set(axes) for axes in case["factors"]))
    kept = set(case["output"])
    total, largest = 0, 1
    for position, (left, right) in enumerate(steps):
        a, b = tensors.pop(left), tensors.pop(right)
        total += math.prod(case["extents"][axis] for axis in a | b)
        needed = kept.union(*tensors.values()) if tensors else kept
        result = (a | b) & needed
        tensors[len(case["factors"]) + position] = result
        largest = max(largest, math.prod(case["extents"][axis] for axis in result))
    return total, largest


def to_steps(count, path):
    """Positions in a shrinking list, as the other tools give them, as numbers of operands."""
    live, steps = list(range(count)), []
    for pair in path:
        pair = sorted(pair, reverse=True)
        operands = [live.pop(position) for position in pair]
        if len(operands) == 2:
            steps.append(operands)
            live.append(count + len(steps) - 1)
        else:
            live.extend(operands)
    while len(live) > 1:
        steps.append([live.pop(), live.pop()])
        live.append(count + len(steps) - 1)
    return steps


def peers():
    def of_opt_einsum(optimizer):
        # A random optimizer serves one network only.
        def run(inputs, output, sizes):
            return optimizer()([frozenset(i) for i in inputs], frozenset(output), sizes)

        return run

    return {
        "opt_einsum auto": of_opt_einsum(lambda: opt_einsum.paths.auto),
        "opt_einsum auto-hq": of_opt_einsum(lambda: opt_einsum.paths.auto_hq),
        "opt_einsum greedy": of_opt_einsum(lambda: opt_einsum.paths.greedy),
        "opt_einsum random-greedy-32": of_opt_einsum(lambda: opt_einsum.RandomGreedy(max_repeats=32)),
        "cotengra greedy": lambda i, o, s: cotengra.array_contract_path(i, o, size_dict=s, optimize="greedy", canonicalize=False),
        "cotengra auto-hq": lambda i, o, s: cotengra.array_contract_path(i, o, size_dict=s, optimize="auto-hq", canonicalize=False, cache=False),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3, help="sets of networks")
    parser.add_argument("--binary", help="the built benchmark instead of cargo bench")
    arguments = parser.parse_args()
    cases = []
    for repeat in range(arguments.repeats):
        for case in networks(arguments.seed + repeat):
            cases.append(case | {"name": f"{case['name']} #{repeat}"})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "networks.json"
        file.write_text(json.dumps(cases))
        command = ["cargo", "bench", "--quiet", "--bench", "contraction_order", "--", str(file)]
        if arguments.binary:
            command = [arguments.binary, str(file)]
        lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    ours = {row["name"]: row for row in map(json.loads, lines)}
    tools = peers()
    rows = {}
    for case in cases:
        own = ours[case["name"]]
        base, largest = cost(case, own["steps"])
        name = case["name"].rsplit(" #", 1)[0]
        row = rows.setdefault(name, {"tcc": [], "tcc ms": [], "largest": []} | {tool: [] for tool in tools} | {f"{tool} ms": [] for tool in tools})
        row["tcc"].append(math.log10(base))
        row["tcc ms"].append(own["milliseconds"])
        row["largest"].append(math.log2(largest))
        sizes = {cotengra.get_symbol(axis): extent for axis, extent in enumerate(case["extents"])}
        symbol = cotengra.get_symbol
        inputs = tuple(tuple(map(symbol, axes)) for axes in case["factors"])
        for tool, run in tools.items():
            start = time.perf_counter()
            path = run(inputs, tuple(map(symbol, case["output"])), sizes)
            row[f"{tool} ms"].append((time.perf_counter() - start) * 1e3)
            row[tool].append(math.log10(cost(case, to_steps(len(inputs), path))[0]) - math.log10(base))
    print("| network | tcc log10 | log2 largest | tcc ms |" + "".join(f" {tool} |" for tool in tools))
    print("| --- | ---: | ---: | ---: |" + " ---: |" * len(tools))
    mean = statistics.mean
    for name, row in rows.items():
        cells = [f"{mean(row[tool]):+.2f} ({mean(row[f'{tool} ms']):.0f} ms)" for tool in tools]
        print(f"| {name} | {mean(row['tcc']):.2f} | {mean(row['largest']):.1f} | {mean(row['tcc ms']):.1f} | " + " | ".join(cells) + " |")
    cells = [f"{mean([x for row in rows.values() for x in row[tool]]):+.2f}" for tool in tools]
    print("| mean | | | | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
