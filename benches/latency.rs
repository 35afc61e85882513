//! How long users wait before anything is computed: from source to first result for the shared kernels and
//! for chains of equations, and the overhead of a call: `cargo bench --bench latency`. Figures and machine:
//! docs/performance.md.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;
use tcc::cache::Key;
use tcc::cache::folder::Folder;
use tcc::operand::Limits;
use tcc::operand::npz::Pack;
use tcc::{Array, Cache, Compiler, Kernel, Source};

const LIMITS: Limits = Limits { memory: 1 << 30 };

fn main() -> Result<(), Box<dyn Error>> {
    time_kernels(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/seed_kernels"))?;
    time_chains()?;
    time_cache()?;
    time_call_overhead()
}

/// Source to first result of every shared kernel on its data, and one call alone.
fn time_kernels(folder: &Path) -> Result<(), Box<dyn Error>> {
    println!("{:<22} {:>9} {:>14} {:>9}", "program", "equations", "first result ms", "call ms");
    let manifest: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("manifest.json"))?)?;
    let mut worst: (f64, String) = Default::default();
    for row in manifest["kernels"].as_array().into_iter().flatten() {
        let name = row["name"].as_str().unwrap_or_default();
        let source = std::fs::read_to_string(folder.join(format!("ein/{name}.ein")))?;
        let equations = tcc_frontend::parse(&source).0.equations().count();
        let mut pack = Pack::open(&folder.join(format!("{name}.npz"))).map_err(|d| d.message)?;
        let compile = || -> tcc::Result<Kernel> {
            let mut kernel = Compiler::new().cache(Cache::Off).compile(&source)?;
            for (param, value) in row["params"].as_object().into_iter().flatten() {
                kernel = match value.as_i64() {
                    Some(value) => kernel.with(param, value)?,
                    None => kernel.with(param, value.as_f64().unwrap_or_default())?,
                };
            }
            Ok(kernel)
        };
        let kernel = compile()?;
        let mut arrays = Vec::new();
        for operand in kernel.operands() {
            arrays.push(pack.read(&format!("in_{operand}"), &LIMITS).map_err(|d| d.message)?);
        }
        let arguments: Vec<_> = arrays.iter().map(Into::into).collect();
        let first = best_of(20, || compile()?.call_dynamic(&arguments).map(drop))?;
        let call = best_of(20, || kernel.call_dynamic(&arguments).map(drop))?;
        println!("{name:<22} {equations:>9} {first:>14.2} {call:>9.2}");
        if equations <= 10 && first - call > worst.0 {
            worst = (first - call, name.to_owned());
        }
    }
    println!("longest compilation of at most 10 equations: {:.2} ms ({})\n", worst.0, worst.1);
    Ok(())
}

/// Chains of equations, whose time should grow linearly.
fn time_chains() -> Result<(), Box<dyn Error>> {
    let compiler = Compiler::new().cache(Cache::Off);
    for (kind, source) in [("chain", chain as fn(usize) -> String), ("independent outputs", outputs)] {
        let mut points = Vec::new();
        for equations in [10usize, 30, 100, 300, 1000] {
            let source = source(equations);
            let x = Array::zeros(tcc::Dtype::F32, &[64]).ok_or("no memory")?;
            let time = best_of(5, || compiler.compile(&source)?.call_named(&[("x", (&x).into())]).map(drop))?;
            println!("{kind} of {equations} equations: {time:.2} ms");
            points.push(((equations as f64).ln(), time.ln()));
        }
        println!(
            "fit exponent over all: {:.3}, from 100 equations on: {:.3}\n",
            slope(&points),
            slope(&points[2..])
        );
    }
    Ok(())
}

/// Each equation needs the one before.
fn chain(equations: usize) -> String {
    let mut source = String::from("in x : f32[n]\nout y : f32[n]\nt0[i] = x[i]\n");
    for k in 1..equations {
        let before = k - 1;
        let right = match k % 3 {
            0 => format!("t{before}[i] * 0.5 + x[i]"),
            1 => format!("t{before}[i] - mean[j] t{before}[j]"),
            _ => format!("tanh(t{before}[i])"),
        };
        let _ = writeln!(source, "t{k}[i] = {right}");
    }
    source + &format!("y[i] = t{}[i]\n", equations - 1)
}

/// No equation needs another.
fn outputs(equations: usize) -> String {
    let mut source = String::from("in x : f32[n]\n");
    for k in 0..equations {
        let _ = writeln!(source, "out y{k} : f32[n]\ny{k}[i] = x[i] + {k}");
    }
    source
}

/// The slope of the least-squares line through points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let covariance: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    covariance / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>()
}

/// What a program that is in the cache takes beside the frontend: to name it, and to read and load its code.
fn time_cache() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let folder = Folder::open(&folder.path().join("cache"))?;
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kron_attention3.ein"))?;
    let (compiler, source) =
        (Compiler::new(), Source { name: "kron_attention3".into(), text, expression: false });
    let program = compiler.check(&source, &[], &[])?;
    let bindings = [("n".into(), 64), ("d".into(), 16), ("e".into(), 16)].into();
    let images = compiler.target()?.images.ok_or("it keeps no code")?;
    let key = || Key::new(&compiler, &program, &bindings)?.ok_or(tcc::Error::Bug("no key".into()));
    let func = compiler.lower(&program.graph, &bindings, &mut tcc_passes::Quiet)?;
    let image = (images.compile)(&func)?;
    folder.store(&key()?, &image)?;
    let named = best_of(200, || key().map(drop))?;
    let known = key()?;
    let read = best_of(200, || folder.load(&known).map(drop).map_err(tcc::Error::Bug))?;
    let loaded = best_of(200, || Ok((images.load)(&image).map(drop)?))?;
    let (named, read, loaded) = (named * 1e3, read * 1e3, loaded * 1e3);
    println!(
        "from the cache: {named:.1} us to name a program, {read:.1} us to read, {loaded:.1} us to load\n"
    );
    Ok(())
}

/// A kernel so small that the call itself is what takes time.
fn time_call_overhead() -> Result<(), Box<dyn Error>> {
    let kernel = tcc::jit("y[i] = x[i] + 1")?;
    let x = ndarray::array![1f32, 2.0, 3.0, 4.0];
    let mut y = ndarray::Array1::<f32>::zeros(4);
    let calls = 100_000;
    let time = best_of(5, || (0..calls).try_for_each(|_| kernel.call_into((&x,), (&mut y,))))?;
    println!("call_into, 4 elements: {:.3} us", time * 1e3 / f64::from(calls));
    Ok(())
}

/// Best time in milliseconds.
fn best_of(runs: u32, mut run: impl FnMut() -> tcc::Result<()>) -> tcc::Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(best)
}
