//! Every program of the repository runs and verifies on data and sizes that are made up.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Sizes for programs whose made-up ones take long.
const SIZES: &[(&str, &[&str])] = &[
    ("cheb_tucker", &["n=5", "r=3", "m=4"]),
    ("evonorm", &["G=2", "n=3", "h=4", "w=5", "c=4"]),
    ("fno2d", &["m1=2", "m2=2", "b=2", "ci=3", "nx=6", "ny=7", "co=2"]),
    ("simplicial_det", &["n=5", "m=4", "e=3"]),
    ("spen_layer", &["n=3", "c=4", "s=3", "k=4", "o=2"]),
    ("tfno_tucker", &["b=2", "ci=2", "nx=6", "ny=6", "p=2", "q=2", "r=2", "s=2", "co=2", "m1=2", "m2=2"]),
];

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut trials = Vec::new();
    for folder in ["examples", "tests/data/seed_kernels/ein"] {
        let mut files: Vec<PathBuf> = std::fs::read_dir(root.join(folder))
            .expect("the folder is there")
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "ein"))
            .collect();
        files.sort();
        for path in files {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            trials.push(Trial::test(format!("{folder}/{name}"), move || runs_and_verifies(&path, &name)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn runs_and_verifies(path: &Path, name: &str) -> Result<(), Failed> {
    let sizes = SIZES.iter().find(|row| row.0 == name).map_or(&[][..], |row| row.1);
    for (command, option) in [("run", &["--demo"][..]), ("verify", &[])] {
        let run = Command::new(env!("CARGO_BIN_EXE_tcc"))
            .args(["--color", "never", command])
            .arg(path)
            .args(sizes)
            .args(option)
            .output()?;
        if !run.status.success() {
            let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
            return Err(format!("{command}: {}\n{out}{err}", run.status).into());
        }
    }
    Ok(())
}
