//! The example kernels: every program compiles to a graph that verifies, and the meaning of the graph is
//! what independent code computed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use tcc_frontend::{Options, compile};
use tcc_ir::array::Array;
use tcc_ir::{Bindings, Dtype, Ir, Reference, Tensor, Value};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/seed_kernels")
}

/// Reads a little-endian `.npy` text and its elements.
fn npy(bytes: &[u8]) -> Array {
    let header_length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + header_length]).expect("the header is text");
    let after = |key: &str| header.split(key).nth(1).expect("the header has this key");
    let code = after("'descr':").split('\'').nth(1).expect("a dtype");
    let shape = after("'shape':").split(['(', ')']).nth(1).expect("a shape");
    let shape: Vec<usize> = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    assert!(header.contains("'fortran_order': False"), "{header}");
    let dtype = match code {
        "|b1" => Dtype::Bool,
        "|u1" => Dtype::U8,
        "<u4" => Dtype::U32,
        "<i4" => Dtype::I32,
        "<i8" => Dtype::I64,
        "<f4" => Dtype::F32,
        "<f8" => Dtype::F64,
        "<c8" => Dtype::C64,
        "<c16" => Dtype::C128,
        other => panic!("dtype {other}"),
    };
    Array::from_bytes(dtype, &shape, &bytes[10 + header_length..]).expect("the data fit the header")
}

fn npz(path: &Path) -> BTreeMap<String, Array> {
    let mut archive = zip::ZipArchive::new(File::open(path).expect("the data exist")).expect("a zip archive");
    (0..archive.len())
        .map(|position| {
            let mut member = archive.by_index(position).expect("a member");
            let name = member.name().expect("a name").into_owned();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).expect("a readable member");
            (name.trim_end_matches(".npy").to_owned(), npy(&bytes))
        })
        .collect()
}

fn parts(value: Value<Reference>) -> (f64, f64) {
    match value {
        Value::Bool(b) => (f64::from(u8::from(b)), 0.0),
        Value::Int(i) => (i as f64, 0.0),
        Value::Real(r) => (r, 0.0),
        Value::Complex(re, im) => (re, im),
    }
}

/// The largest difference relative to the largest number.
fn error(got: &Tensor<Reference>, want: &Array) -> f64 {
    let want = Tensor::<Reference>::from_array(want);
    assert_eq!(got.shape, want.shape);
    let mut difference = 0.0f64;
    let mut scale = 1e-30f64;
    for (got, want) in got.data.iter().zip(&want.data) {
        let (a, b) = (parts(*got), parts(*want));
        if a.0.is_nan() != b.0.is_nan() || a.1.is_nan() != b.1.is_nan() {
            return f64::INFINITY;
        }
        if a.0.is_nan() || a == b {
            continue;
        }
        difference = difference.max((a.0 - b.0).hypot(a.1 - b.1));
        scale = scale.max(b.0.hypot(b.1));
    }
    difference / scale
}

fn run(name: &str, params: &serde_json::Value) -> Result<(), String> {
    let path = folder().join("ein").join(format!("{name}.ein"));
    let source = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let program = compile(&source, &Options::default()).map_err(|list| {
        list.iter()
            .map(|d| format!("{} {} {:?}", d.code, d.message, d.labels))
            .collect::<Vec<_>>()
            .join("\n  ")
    })?;
    let graph = program.graph;
    graph.verify().map_err(|errors| format!("{errors}"))?;
    let data = npz(&folder().join(format!("{name}.npz")));
    let mut bindings = Bindings::new();
    for symbol in graph.symbols.iter().filter(|symbol| symbol.param) {
        let value = params[&*symbol.name].as_i64().ok_or("an int param is missing")?;
        bindings.insert(symbol.name.clone(), value);
    }
    let mut inputs = Vec::new();
    for input in &graph.inputs {
        if input.param.is_some() {
            let value = params[&*input.name].as_f64().ok_or("a float param is missing")?;
            inputs.push(Tensor::scalar(Dtype::F64, Value::Real(value)));
        } else {
            let array = data.get(&format!("in_{}", input.name)).ok_or("an operand is missing")?;
            inputs.push(Tensor::from_array(array));
        }
    }
    let outputs = graph.eval::<Reference>(&inputs, &bindings).map_err(|e| format!("eval: {e}\n{graph}"))?;
    for (output, got) in graph.outputs.iter().zip(&outputs) {
        let want = data.get(&format!("out_{}", output.name)).ok_or("an expected output is missing")?;
        let error = error(got, want);
        let exact = graph.ty(output.value).dtype.is_int();
        if error > if exact { 0.0 } else { 1e-8 } {
            return Err(format!("{}: relative error {error:e}", output.name));
        }
    }
    Ok(())
}

#[test]
fn every_kernel_means_what_the_data_say() {
    let manifest = std::fs::read_to_string(folder().join("manifest.json")).expect("the manifest exists");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("the manifest is JSON");
    let only = std::option_env!("KERNEL");
    let mut wrong = Vec::new();
    let kernels = manifest["kernels"].as_array().expect("a list of kernels");
    assert_eq!(kernels.len(), 36);
    for kernel in kernels {
        let name = kernel["name"].as_str().expect("a name");
        if only.is_some_and(|only| only != name) {
            continue;
        }
        if let Err(reason) = run(name, &kernel["params"]) {
            wrong.push(format!("{name}: {reason}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), kernels.len(), wrong.join("\n"));
}
