#!/usr/bin/env python3
"""How long until the first result: `benches/peers/latency.py`, tcc beside jax.jit (and others by --peers).

Source text (for the peers: a Python function) to the first result, in processor milliseconds, in a process that
has compiled something else before. Each figure is the median of several compilations of programs that differ in a
constant, so that nothing can be taken from a cache; the time of a second call is subtracted for `compile`.
"""

import argparse
import json
import os
import time
from pathlib import Path

import run


def chain(steps, size, salt):
    """Elementwise operations with a reduction of rows now and then, each on the result of the last."""
    program, last = [], "x"
    for step in range(steps):
        now = f"a{step}"
        operation = [
            [now, "mul", last, "y"], [now, "add", last, 0.5 + salt], [now, "tanh", last],
            [now, "amax", last, -1, True], [now, "sub", "y", last],
        ][step % 5]
        program.append(operation)
        last = now
    inputs = {"x": [size, 64], "y": [size, 64]}
    return {"inputs": inputs, "prog": program, "out": last}


def products(steps, size, salt):
    """Matrix products with tanh between: two operations a step."""
    program, last = [["h", "mul", "x", 1 + salt]], "h"
    for step in range(steps // 2):
        program += [[f"z{step}", "einsum", "ij,jk->ik", last, f"W{step}"], [f"a{step}", "tanh", f"z{step}"]]
        last = f"a{step}"
    inputs = {"x": [size, 32], **{f"W{step}": [32, 32] for step in range(steps // 2)}}
    return {"inputs": inputs, "prog": program, "out": last}


def product(size, salt):
    program = [["z", "einsum", "ij,jk->ik", "A", "B"], ["O", "mul", "z", 1 + salt]]
    return {"inputs": {"A": [size, 64], "B": [64, 64]}, "prog": program, "out": "O"}


def bias_relu(size, salt):
    program = [["a", "add", "x", "b"], ["r", "relu", "a"], ["O", "mul", "r", 1 + salt]]
    return {"inputs": {"x": [size, 64], "b": [64]}, "prog": program, "out": "O"}


def softmax(size, salt):
    program = [
        ["s", "mul", "x", 1 + salt], ["mx", "amax", "s", -1, True], ["sh", "sub", "s", "mx"], ["ex", "exp", "sh"],
        ["sm", "sum", "ex", -1, True], ["O", "div", "ex", "sm"],
    ]
    return {"inputs": {"x": [size, 64]}, "prog": program, "out": "O"}


def attention(size, salt):
    from generate_cases import attention_program

    inputs = {name: [1, 2, size, 32] for name in "QKV"}
    return {"inputs": inputs, "prog": attention_program(0.25 + salt), "out": "O"}


def mlp(size, salt):
    from generate_cases import gelu

    program = [
        ["z", "einsum", "bi,ij->bj", "x", "W1"], ["h", "add", "z", "b1"], *gelu("h", "a"),
        ["y", "einsum", "bj,jk->bk", "a", "W2"], ["s", "add", "y", "b2"], ["O", "mul", "s", 1 + salt],
    ]
    inputs = {"x": [size, 64], "W1": [64, 128], "b1": [128], "W2": [128, 64], "b2": [64]}
    return {"inputs": inputs, "prog": program, "out": "O"}


def programs():
    """Name, and a function of a salt: small programs, attention and MLP, chains, at two sizes."""
    for size in (8, 4096):
        yield f"product {size}x64x64", lambda salt, size=size: product(size, salt)
        yield f"bias, relu {size}x64", lambda salt, size=size: bias_relu(size, salt)
        yield f"softmax {size}x64", lambda salt, size=size: softmax(size, salt)
        yield f"mlp {size}x64x128", lambda salt, size=size: mlp(size, salt)
    for size in (8, 512):
        yield f"attention 2x{size}x32", lambda salt, size=size: attention(size, salt)
    for steps in (16, 64, 256, 1024):
        yield f"{steps} elementwise operations, 8x64", lambda salt, steps=steps: chain(steps, 8, salt)
    yield "64 elementwise operations, 4096x64", lambda salt: chain(64, 4096, salt)
    for steps in (16, 64, 256):
        yield f"{steps} products and tanh, 8x32x32", lambda salt, steps=steps: products(steps, 8, salt)


def measure(peer, make, rounds):
    """Medians of first result and of a later call, in milliseconds of processor time."""
    firsts, calls = [], []
    for round in range(rounds):
        case = {"id": "latency", "class": "latency", "dtype": "f32", **make((round + 1) * 2.0**-12)}
        inputs = run.inputs_of(case)
        started = processor()
        function = peer.build(case, inputs)
        function()
        first = processor() - started
        started = processor()
        function()
        calls.append((processor() - started) * 1e3)
        firsts.append(first * 1e3)
        # What takes seconds is not measured often.
        if first > 5:
            break
    middle = lambda values: sorted(values)[len(values) // 2]
    return middle(firsts), middle(calls)


def processor():
    """Processor time of this process and of those it waited for: IREE compiles in another one."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=run.ROOT / "target/peers")
    parser.add_argument("--venv", type=Path, default=run.ROOT / "target/peers/venv")
    parser.add_argument("--library", type=Path)
    parser.add_argument("--peers", default="tcc,jax")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--core", type=int)
    options = parser.parse_args()
    if "TCC_PEERS_PREPARED" not in os.environ:
        run.prepare(options, Path(__file__).resolve())
    run.pin(options.core)
    import peers

    loaded = {name: peers.PEERS[name]() for name in options.peers.split(",")}
    for peer in loaded.values():
        measure(peer, lambda salt: softmax(16, salt), 2)
    options.output.mkdir(parents=True, exist_ok=True)
    rows = []
    names = list(loaded)
    lines = [
        "| program | " + " | ".join(f"{name} first ms | {name} compile ms" for name in names) + " |",
        "| --- |" + " ---: | ---: |" * len(names),
    ]
    print("\n".join(lines))
    for name, make in programs():
        cells = []
        for peer_name, peer in loaded.items():
            first, call = measure(peer, make, options.rounds if peer_name == "tcc" else 3)
            rows.append({"program": name, "peer": peer_name, "first_ms": first, "call_ms": call})
            cells.append(f"{first:.2f} | {max(first - call, 0):.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    (options.output / "latency.json").write_text(json.dumps(rows, indent=1) + "\n")
    (options.output / "latency.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
