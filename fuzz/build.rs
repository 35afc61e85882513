//! Collects the tests of single rules, which programs of the generator begin with.

use std::fmt::Write;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../tests/filetests/graph/saturate");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = std::fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    // In the order of their names: the same campaign on every machine.
    files.sort();
    let mut table = String::from("&[");
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "tcc")) {
        write!(table, "include_str!({:?}), ", file.canonicalize()?)?;
    }
    table.push(']');
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("seeds.rs"), table)?;
    Ok(())
}
