//! The cache of compiled code: a second run compiles nothing, and nothing that somebody else could have
//! written is ever loaded.

use ndarray::{Array1, array};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tcc::{Cache, Compiler};

const PROGRAM: &str = "in x : f32[n]\nout y : f32[n]\ny[i] = exp(x[i]) + sum[j] x[j]\n";

/// Programs that were compiled by this process.
fn compiled() -> u64 {
    let images = tcc_backends::backend("cranelift").and_then(|backend| backend.images);
    (images.expect("it keeps code").compiled)()
}

/// One test, so that the count is its own.
#[test]
fn one_process_compiles_a_program_once() {
    let call = |compiler: &Compiler, x: &Array1<f32>| -> Array1<f32> {
        compiler.compile(PROGRAM).expect("a program").call((x,)).expect("a result")
    };
    let (three, four) = (array![0f32, 1.0, 2.0], array![0f32, 1.0, 2.0, 3.0]);
    let compiler = Compiler::new();
    let before = compiled();
    let first = call(&compiler, &three);
    assert_eq!(compiled(), before + 1);
    assert_eq!(call(&compiler, &three), first);
    assert_eq!(compiled(), before + 1, "the same program with the same sizes");
    // Passes are told how much memory there is.
    assert_eq!(call(&Compiler::new().memory_limit(1 << 20), &three), first);
    assert_eq!(compiled(), before + 2, "another limit");
    call(&compiler, &four);
    assert_eq!(compiled(), before + 3, "other sizes");
    call(&compiler.clone().level("1").expect("a level"), &four);
    assert_eq!(compiled(), before + 4, "other passes");
    call(&compiler.clone().cache(Cache::Off), &four);
    assert_eq!(compiled(), before + 5, "no cache");
    // Memory is limited whether or not code is there.
    let small = compiler.memory_limit(8).compile(PROGRAM).expect("a program");
    assert_eq!(small.call::<Array1<f32>>((&three,)).expect_err("too much").code(), "E0301");
}

/// Runs the program in a process of its own; gives what it reports, and what it says beside.
fn run(folder: &Path, cache: &str, more: &[&str]) -> (Value, String) {
    let words = ["run", "f.ein", "x=rand:40", "--format", "json", "-v"];
    let output = Command::new(env!("CARGO_BIN_EXE_tcc"))
        .args(words.iter().chain(more))
        .current_dir(folder)
        .env("TCC_CACHE", cache)
        .output()
        .expect("tcc runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (serde_json::from_slice(&output.stdout).expect("JSON"), text(&output.stderr))
}

fn tcc_cache(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcc"));
    let output = command.arg("cache").args(words).current_dir(folder).env("TCC_CACHE", "cache").output();
    let output = output.expect("tcc runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn folder_with_program() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("f.ein"), PROGRAM).expect("written");
    folder
}

#[test]
fn a_second_process_compiles_nothing() {
    let folder = folder_with_program();
    let (first, _) = run(folder.path(), "cache", &[]);
    assert_eq!((first["compiled"].as_u64(), first["code_from"].as_str()), (Some(1), Some("compiled")));
    let (second, _) = run(folder.path(), "cache", &[]);
    assert_eq!((second["compiled"].as_u64(), second["code_from"].as_str()), (Some(0), Some("folder")));
    assert_eq!(first["outputs"], second["outputs"]);
    for (more, count) in
        [(&["--no-cache"][..], 1), (&["-O1"], 1), (&["-O1"], 0), (&["--backend", "interp"], 0)]
    {
        let (other, _) = run(folder.path(), "cache", more);
        assert_eq!(other["compiled"].as_u64(), Some(count), "{more:?}");
    }
    let (off, _) = run(folder.path(), "off", &[]);
    assert_eq!(off["compiled"].as_u64(), Some(1));
    let (code, text) = tcc_cache(folder.path(), &["stats"]);
    assert!(code == Some(0) && text.contains("entries    2\n"), "{text}");
    assert_eq!(tcc_cache(folder.path(), &["verify"]).1, "2 entries checked, 0 damaged\n");
    let (_, text) = tcc_cache(folder.path(), &["explain", "f.ein", "x=rand:40"]);
    assert!(text.starts_with("in the cache: "), "{text}");
    let (_, text) = tcc_cache(folder.path(), &["explain", "f.ein", "x=rand:41"]);
    assert!(text.contains("-sizes = n=40\n+sizes = n=41\n"), "{text}");
    assert_eq!(tcc_cache(folder.path(), &["clear"]).1, "2 entries removed from cache\n");
    assert_eq!(run(folder.path(), "cache", &[]).0["compiled"].as_u64(), Some(1));
}

#[cfg(unix)]
#[test]
fn what_others_could_have_written_is_not_loaded() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder_with_program();
    let cache = folder.path().join("cache");
    let mode = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    let entry = || {
        let entries = std::fs::read_dir(&cache).expect("a folder").flatten().map(|entry| entry.path());
        entries.max().expect("an entry")
    };
    // Runs, compiles, and says why.
    let refused = |why: &str| {
        let (report, notes) = run(folder.path(), "cache", &[]);
        assert_eq!(report["compiled"].as_u64(), Some(1), "{why}");
        assert!(notes.contains(why), "{why}: {notes}");
    };
    run(folder.path(), "cache", &[]);
    let whole = std::fs::read(entry()).expect("read");
    mode(&cache, 0o777);
    refused("others can write to it");
    assert_eq!(tcc_cache(folder.path(), &["stats"]).0, Some(5));
    mode(&cache, 0o700);
    mode(&entry(), 0o622);
    refused("others can write to it");
    for (at, bit) in [(0, 0), (12, 3), (whole.len() / 2, 5), (whole.len() - 1, 7)] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << bit;
        std::fs::write(entry(), flipped).expect("written");
        assert_eq!(tcc_cache(folder.path(), &["verify"]).0, Some(3));
        refused("it is damaged");
        // It was replaced.
        assert_eq!(run(folder.path(), "cache", &[]).0["compiled"].as_u64(), Some(0));
    }
    std::fs::write(entry(), &whole[..whole.len() - 1]).expect("written");
    refused("it is damaged");
    // Another version of the layout.
    let mut other = whole.clone();
    other[10] += 1;
    std::fs::write(entry(), other).expect("written");
    refused("it is damaged");
    let (path, elsewhere) = (entry(), folder.path().join("elsewhere"));
    std::fs::rename(&path, &elsewhere).expect("moved");
    symlink(&elsewhere, &path).expect("linked");
    refused("is ignored");
    std::fs::rename(&cache, folder.path().join("real")).expect("moved");
    symlink("real", &cache).expect("linked");
    refused("it is no folder");
}

#[test]
fn processes_at_the_same_time_share_a_folder() {
    let folder = folder_with_program();
    let outputs: Vec<Value> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..6).map(|_| scope.spawn(|| run(folder.path(), "cache", &[]).0["outputs"].clone())).collect();
        runs.into_iter().map(|run| run.join().expect("it ran")).collect()
    });
    assert!(outputs.iter().all(|output| *output == outputs[0]));
    assert_eq!(run(folder.path(), "cache", &[]).0["compiled"].as_u64(), Some(0));
}
