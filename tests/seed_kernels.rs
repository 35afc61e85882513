//! The 36 shared kernels, each on every backend, in declared types and in f64, within the tolerances
//! of the manifest. Everything runs through the command line, as a user would run it.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::Command;
use tcc_backends::BACKENDS;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/seed_kernels");

fn main() {
    let arguments = Arguments::from_args();
    let manifest =
        std::fs::read_to_string(Path::new(DATA).join("manifest.json")).expect("the manifest is there");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("the manifest is JSON");
    let mut trials = Vec::new();
    for kernel in manifest["kernels"].as_array().into_iter().flatten() {
        for backend in BACKENDS.iter().map(|backend| backend.name) {
            for dtype in ["f32", "f64"] {
                let name = kernel["name"].as_str().unwrap_or_default().to_owned();
                let params: Vec<String> = kernel["params"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(param, value)| format!("{param}={value}"))
                    .collect();
                let tolerance = kernel[format!("tol_{dtype}")].to_string();
                let title = format!("{name}::{backend}::{dtype}");
                trials.push(Trial::test(title, move || run(&name, &params, backend, dtype, &tolerance)));
            }
        }
    }
    assert_eq!(trials.len(), 36 * BACKENDS.len() * 2, "the manifest lists 36 kernels");
    libtest_mimic::run(&arguments, trials).exit();
}

fn run(name: &str, params: &[String], backend: &str, dtype: &str, tolerance: &str) -> Result<(), Failed> {
    let pack = format!("{DATA}/{name}.npz");
    let output = Command::new(env!("CARGO_BIN_EXE_tcc"))
        .args(["run", &format!("{DATA}/ein/{name}.ein"), &pack])
        .args(params)
        .args(["--expect", &pack, "--tol", tolerance, "--backend", backend, "--type", dtype, "--quiet"])
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(3000).collect::<String>();
    Err(format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)).into())
}
