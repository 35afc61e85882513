//! Compiles the kernel library to `libtcc_runtime.a`, which `tcc compile` writes beside objects that call it.
//! It is built without the standard library, so that C programs link it as it is.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What objects call. The first member of the archive defines all of it; see also `runtime.rs`.
const SYMBOLS: &[&str] = &["tcc_contract", "tcc_permute"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for file in ["build.rs", "runtime/src", "runtime/archive.rs"] {
        println!("cargo::rerun-if-changed={file}");
    }
    let library = out.join("libtcc_runtime.rlib");
    // The archive is optimised as a whole, so that nothing else of it is left to link.
    let bitcode = ["--crate-type", "rlib", "--crate-name", "tcc_runtime", "-C", "linker-plugin-lto"];
    rustc(&here, &here.join("runtime/src/lib.rs"), &library, &bitcode)?;
    let archive = out.join("libtcc_runtime.a");
    let library = format!("tcc_runtime={}", library.display());
    let whole = [
        "--crate-type",
        "staticlib",
        "--crate-name",
        "tcc_runtime_archive",
        "-C",
        "lto=fat",
        "--extern",
        &library,
    ];
    rustc(&here, &here.join("runtime/archive.rs"), &archive, &whole)?;
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        let small = only_first_member(&fs::read(&archive)?).ok_or("the archive has no members")?;
        fs::write(&archive, small)?;
    }
    Ok(())
}

/// Compiles one file. Flags that cargo was given for the whole build do not apply: objects run elsewhere.
fn rustc(here: &Path, source: &Path, output: &Path, flags: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(env::var("RUSTC")?);
    command.args(["--edition", "2024", "--target", &env::var("TARGET")?, "--cap-lints", "allow"]);
    command.args(["-C", "opt-level=3", "-C", "codegen-units=1", "-C", "panic=abort", "-C", "debuginfo=0"]);
    // No path of the machine that builds goes into the artefact.
    command.arg(format!("--remap-path-prefix={}=tcc", here.display()));
    command.args(flags).arg("-o").arg(output).arg(source);
    let done = command.output()?;
    if !done.status.success() {
        return Err(format!("rustc {}: {}", source.display(), String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(())
}

/// The archive with its first object alone: the others are the compiler's helper functions, which C
/// compilers bring themselves. The format is that of System V `ar`.
fn only_first_member(archive: &[u8]) -> Option<Vec<u8>> {
    const MAGIC: &[u8] = b"!<arch>\n";
    let mut rest = archive.strip_prefix(MAGIC)?;
    let object = loop {
        let (header, behind) = rest.split_at_checked(60)?;
        let size: usize = std::str::from_utf8(&header[48..58]).ok()?.trim().parse().ok()?;
        let (contents, behind) = behind.split_at_checked(size)?;
        // `/` is the table of symbols, `//` that of long names; contents end at an even offset.
        if !header.starts_with(b"/ ") && !header.starts_with(b"//") {
            break contents;
        }
        rest = behind.get(size % 2..)?;
    };
    let names: Vec<u8> = SYMBOLS.iter().flat_map(|name| name.bytes().chain([0])).collect();
    let table = (4 + 4 * SYMBOLS.len() + names.len()).next_multiple_of(2);
    let offset = u32::try_from(MAGIC.len() + 60 + table).ok()?;
    let mut small = MAGIC.to_vec();
    small.extend(member("/", table));
    let begin = small.len();
    small.extend(u32::try_from(SYMBOLS.len()).ok()?.to_be_bytes());
    SYMBOLS.iter().for_each(|_| small.extend(offset.to_be_bytes()));
    small.extend(names);
    small.resize(begin + table, 0);
    small.extend(member("tcc_runtime.o/", object.len()));
    small.extend(object);
    if object.len() % 2 == 1 {
        small.push(b'\n');
    }
    Some(small)
}

/// The header of a member: name, time, owner, group, mode, size.
fn member(name: &str, size: usize) -> Vec<u8> {
    format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644).into_bytes()
}
