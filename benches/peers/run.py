#!/usr/bin/env python3
"""Runs tcc beside its peers on one core: `benches/peers/run.py`.

The first run makes a virtual environment and installs the peers from the package index. Then libtcc is
built, every case is computed by every peer in one process, in turn, and compared with a reference in
double precision; times are processor time, minimum and median. See README.md for cases and results.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# One thread everywhere, 64-bit numbers in jax, and freed memory kept by the allocator: fresh pages for every
# result would cost some peers a factor of two.
ENVIRONMENT = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "TBLIS", "BLIS")},
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_ENABLE_X64": "1",
    "JAX_PLATFORMS": "cpu",
    "MALLOC_MMAP_THRESHOLD_": "8589934592",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
# These choose kernels of OpenBLAS that are slower than what it finds itself.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", type=Path, help="case files; default: all of cases/")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "target/peers", help="folder for results")
    parser.add_argument("--venv", type=Path, default=ROOT / "target/peers/venv", help="where the peers are, or go")
    parser.add_argument("--library", type=Path, help="a libtcc.so to measure instead of building one")
    parser.add_argument("--peers", help="names, separated by commas; default: all that are installed")
    parser.add_argument("--class", dest="classes", help="classes, separated by commas")
    parser.add_argument("--dtype", choices=["f32", "f64"])
    parser.add_argument("--match", help="a regular expression for the ids of cases")
    parser.add_argument("--budget", type=float, default=0.25, help="seconds for each peer and case")
    parser.add_argument("--limit", type=float, default=20, help="seconds after which a peer has lost a case")
    parser.add_argument("--core", type=int, help="the processor to run on; default: the last one")
    parser.add_argument("--repeat", type=int, default=1, help="whole runs; ratios are the median of theirs")
    parser.add_argument("--probe", help=argparse.SUPPRESS)
    return parser.parse_args()


def prepare(options, program=Path(__file__).resolve()):
    """Installs the peers, builds tcc, and starts this program again inside."""
    python = options.venv / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", options.venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-r", HERE / "requirements.txt"], check=True)
    library = options.library or ROOT / "target/release/libtcc.so"
    if not options.library:
        build = ["cargo", "build", "--release", "--workspace", "--all-features", "--locked"]
        subprocess.run(build, cwd=ROOT, check=True)
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    environment = {**kept, **ENVIRONMENT, "TCC_LIBRARY": str(library.resolve()), "TCC_PEERS_PREPARED": "1"}
    os.execve(python, [str(python), str(program), *sys.argv[1:]], environment)


def pin(core):
    """Keeps this process, and what it starts, on one processor."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core if core is not None else max(allowed)})


def load_cases(options):
    files = options.cases or sorted((HERE / "cases").glob("*.json"))
    cases = [case for file in files for case in json.loads(file.read_text())]
    wanted = lambda case: (
        (not options.classes or case["class"] in options.classes.split(","))
        and (not options.dtype or case["dtype"] == options.dtype)
        and (not options.match or re.search(options.match, case["id"]))
    )
    return [case for case in cases if wanted(case)]


def inputs_of(case):
    """The operands of a case: uniform numbers around 0, the same in every run."""
    import numpy as np

    dtype = {"f32": np.float32, "f64": np.float64}[case["dtype"]]
    random = np.random.default_rng(1)
    return {name: random.random(shape, dtype) - dtype(0.5) for name, shape in case["inputs"].items()}


def reference(case, inputs):
    """The result in double precision, by numpy along a good path."""
    import numpy as np
    import peers

    wide = {name: array.astype(np.float64) for name, array in inputs.items()}
    try:
        build = peers.OptEinsum().build
        return build(case, wide)()
    except peers.Unsupported:
        return peers.Numpy().build(case, wide)()


# Largest error, relative to the largest element of the result.
BOUND = {"f32": 1e-4, "f64": 1e-11}


def error_of(result, expected):
    import numpy as np

    if result.shape != expected.shape:
        return float("inf")
    if not result.size:
        return 0.0
    difference = np.abs(result.astype(np.float64) - expected).max()
    return float(difference / max(np.abs(expected).max(), 1e-300))


def terms(case):
    """Steps of the loop nest that the longest equation of a case literally is."""
    longest = 1
    for _, op, *rest in case["prog"]:
        if op == "einsum":
            sizes = {}
            for letters, operand in zip(rest[0].split("->")[0].split(","), rest[1:]):
                sizes.update(zip(letters, case["inputs"].get(operand, [])))
            product = 1
            for size in sizes.values():
                product *= size
            longest = max(longest, product)
    return longest


def finishes(case, limit):
    """Whether tcc computes a case that is long as it is written: tried in another process."""
    if terms(case) < 1e9:
        return True
    command = [sys.executable, str(Path(__file__).resolve()), "--probe", json.dumps(case)]
    try:
        return subprocess.run(command, timeout=limit, capture_output=True).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def measure(functions, budget):
    """Processor time of each function, called in turn: lists of samples."""
    samples, used = {name: [] for name in functions}, dict.fromkeys(functions, 0.0)
    repeats, live = dict.fromkeys(functions, 1), list(functions)
    while live:
        for name in list(live):
            function, count = functions[name], repeats[name]
            started = time.process_time()
            for _ in range(count):
                function()
            spent = time.process_time() - started
            if spent < 2e-4 and count < 4096:
                repeats[name] *= 4
                continue
            samples[name].append(spent / count)
            used[name] += spent
            if len(samples[name]) >= 200 or used[name] >= budget and len(samples[name]) >= 3 or used[name] > 6 * budget:
                live.remove(name)
    return samples


def run_case(case, loaded, options):
    """The rows of one case: one for each peer."""
    import peers

    inputs = inputs_of(case)
    expected = reference(case, inputs)
    rows, functions = {}, {}
    for name, peer in loaded.items():
        row = {"id": case["id"], "class": case["class"], "dtype": case["dtype"], "peer": name}
        if name == "tcc" and not finishes(case, options.limit):
            rows[name] = {**row, "status": "timeout"}
            continue
        cpu, wall = os.times(), time.time()
        try:
            function = peer.build(case, inputs)
            value = function()
            after = os.times()
            row["first_s"] = sum(after[:4]) - sum(cpu[:4])
            row["first_wall_s"] = time.time() - wall
            row["error"] = error_of(peer.result(value), expected)
        except peers.Unsupported:
            continue
        except Exception as error:  # noqa: BLE001: whatever a peer raises, it has no result
            rows[name] = {**row, "status": "failed", "why": repr(error)[:200]}
            continue
        row["status"] = "ok" if row["error"] <= BOUND[case["dtype"]] else "wrong"
        if row["first_wall_s"] > options.limit:
            row["status"] = "timeout"
        rows[name] = row
        if row["status"] == "ok":
            functions[name] = function
    for name, samples in measure(functions, options.budget).items():
        ordered = sorted(samples)
        rows[name].update(min_s=ordered[0], med_s=ordered[len(ordered) // 2], samples=len(ordered))
        if case.get("flops"):
            rows[name]["gflops"] = case["flops"] / ordered[0] * 1e-9
    return list(rows.values())


def main():
    options = arguments()
    if "TCC_PEERS_PREPARED" not in os.environ:
        prepare(options)
    pin(options.core)
    import peers

    if options.probe:
        case = json.loads(options.probe)
        peers.Tcc().build(case, inputs_of(case))()
        return
    loaded = {}
    for name in options.peers.split(",") if options.peers else peers.PEERS:
        try:
            loaded[name] = peers.PEERS[name]()
        except ImportError as error:
            print(f"{name} is not installed: {error}", file=sys.stderr)
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "results.jsonl"
    with path.open("w") as file:
        for run in range(options.repeat):
            for case in load_cases(options):
                rows = run_case(case, loaded, options)
                for row in rows:
                    file.write(json.dumps({**row, "run": run}) + "\n")
                file.flush()
                print(case["id"], " ".join(shown(row) for row in rows), flush=True)
    import report

    report.write(path, options.output)


def shown(row):
    if "min_s" not in row:
        return f"{row['peer']}:{row['status']}"
    return f"{row['peer']}={row['min_s'] * 1e6:.1f}us"


if __name__ == "__main__":
    main()
