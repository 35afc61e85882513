//! Input that means harm: each ends in a clear error with the right exit code, in bounded time and
//! memory, and leaves nothing half-written.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs tcc in a folder of its own; it must end by itself within a minute.
fn tcc(folder: &Path, arguments: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tcc"))
        .env("TCC_CACHE", "off")
        .args(arguments)
        .args(["--color", "never"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tcc starts");
    let started = Instant::now();
    // A child that stops reading early breaks the pipe; what it says then is what counts.
    let _ = child.stdin.take().expect("stdin is a pipe").write_all(input);
    let output = child.wait_with_output().expect("tcc ends");
    assert!(started.elapsed() < Duration::from_secs(60), "{arguments:?} took too long");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

fn npy(header: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(payload);
    bytes
}

fn f32_npy(shape: &str, count: usize) -> Vec<u8> {
    npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n"), &vec![0; 4 * count])
}

/// Writes a file and runs a sum over it.
fn sum_of(name: &str, bytes: &[u8], dtype: &str) -> Run {
    let folder = folder();
    std::fs::write(folder.path().join(name), bytes).expect("the file can be written");
    let program = format!("in A : {dtype}[n]\nout s : {dtype}\ns = sum[i] A[i]\n");
    let source = if name.ends_with(".npz") { format!("A={name}:A") } else { format!("A={name}") };
    tcc(folder.path(), &["run", "-", &source], program.as_bytes())
}

#[track_caller]
fn refused(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    if run.stderr.contains("tcc::E") {
        assert!(run.stderr.contains("help: "), "no fix in: {}", run.stderr);
    }
    for word in words {
        assert!(run.stderr.contains(word), "`{word}` is not in: {}", run.stderr);
    }
}

#[test]
fn npy_files_that_lie() {
    let huge = f32_npy("(1000000000000,)", 2);
    refused(&sum_of("a.npy", &huge, "f32"), 1, &["E0602", "8 are there"]);
    let overflow = f32_npy("(4294967296, 4294967296, 4294967296)", 2);
    refused(&sum_of("a.npy", &overflow, "f32"), 1, &["E0602"]);
    refused(&sum_of("a.npy", &f32_npy("(2,)", 2)[..50], "f32"), 1, &["E0602"]);
    refused(&sum_of("a.npy", b"not an array", "f32"), 1, &["E0602"]);
    let object = npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n", &[0; 16]);
    refused(&sum_of("a.npy", &object, "f32"), 1, &["E0603"]);
    let text = npy("{'descr': '<U4', 'fortran_order': False, 'shape': (2,), }\n", &[0; 32]);
    refused(&sum_of("a.npy", &text, "f32"), 1, &["E0603"]);
}

#[test]
fn big_endian_and_fortran_order_are_read() {
    let folder = folder();
    let payload: Vec<u8> = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let bytes = npy("{'descr': '>f4', 'fortran_order': True, 'shape': (2, 3), }\n", &payload);
    std::fs::write(folder.path().join("a.npy"), bytes).expect("the file can be written");
    let program = b"in A : f32[n, m]\nout s : f32[n]\ns[i] = sum[j] A[i,j]*j\n";
    let run = tcc(folder.path(), &["run", "-", "A=a.npy", "--print", "full"], program);
    // Rows are 1 3 5 and 2 4 6.
    assert!(run.stdout.contains("13 16"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn bf16_members_are_read() {
    let folder = folder();
    // 1.0 and -2.0 in the upper halves of their f32 bits.
    let payload = [0x80, 0x3f, 0x00, 0xc0];
    let bytes = npy("{'descr': '<V2', 'fortran_order': False, 'shape': (2,), }\n", &payload);
    std::fs::write(folder.path().join("a.npy"), bytes).expect("the file can be written");
    let program = b"in A : bf16[n]\nout s : f32\ns = sum[i] f32(A[i])\n";
    let run = tcc(folder.path(), &["run", "-", "A=a.npy"], program);
    assert!(run.stdout.contains("-1 "), "{}{}", run.stdout, run.stderr);
}

/// A `.npz` with one deflated member of zeros.
fn deflated(elements: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(&mut bytes));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    archive.start_file("A.npy", options).expect("a member can be started");
    let header = npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({elements},), }}\n"), &[]);
    archive.write_all(&header).expect("memory can be written");
    let block = vec![0u8; 1 << 20];
    let mut left = elements * 4;
    while left > 0 {
        let now = left.min(block.len());
        archive.write_all(&block[..now]).expect("memory can be written");
        left -= now;
    }
    archive.finish().expect("the archive can be finished");
    bytes
}

/// The checksum of zip archives.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

/// A `.npz` with members of three zeros, written as they are given; each with the number of its compression.
fn stored(members: &[(&str, u16)]) -> Vec<u8> {
    let data = f32_npy("(3,)", 3);
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, method) in members {
        let file = format!("{name}.npy");
        let mut header = vec![20, 0, 0, 0];
        header.extend(method.to_le_bytes());
        header.extend([0; 4]);
        header.extend(crc(&data).to_le_bytes());
        header.extend([(data.len() as u32).to_le_bytes(); 2].as_flattened());
        header.extend((file.len() as u16).to_le_bytes());
        header.extend([0; 2]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&header);
        directory.extend([0; 10]);
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(file.as_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&header);
        bytes.extend(file.as_bytes());
        bytes.extend(&data);
    }
    let start = bytes.len() as u32;
    let count = (members.len() as u16).to_le_bytes();
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
    bytes.extend([count, count].as_flattened());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

#[test]
fn npz_members_that_cannot_be_what_they_claim() {
    refused(&sum_of("p.npz", &stored(&[("A", 12)]), "f32"), 1, &["E0602", "Bzip2", "np.savez"]);
    refused(&sum_of("p.npz", &stored(&[("A", 14)]), "f32"), 1, &["E0602", "Lzma"]);
    refused(
        &sum_of("p.npz", &stored(&[("A", 0), ("B", 0), ("A", 0)]), "f32"),
        1,
        &["E0602", "two members `A`"],
    );
    let fine = sum_of("p.npz", &stored(&[("A", 0), ("B", 0)]), "f32");
    assert_eq!(fine.code, Some(0), "{}", fine.stderr);
}

#[test]
fn names_do_not_command_the_terminal() {
    let run = sum_of("p.npz", &stored(&[("A\u{1b}[31m", 0), ("C\u{202e}", 0)]), "f32");
    refused(&run, 1, &["E0604", "A\\u{1b}[31m", "C\\u{202e}"]);
    let folder = folder();
    let program = b"in A : f32[n]\nout s : f32\ns = sum[i] A[i]\n";
    let run = tcc(folder.path(), &["run", "-", "A=no\u{1b}[2J.npy"], program);
    refused(&run, 1, &["E0601", "no\\u{1b}[2J.npy"]);
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
}

#[test]
fn standard_input_is_read_once() {
    let folder = folder();
    let program = b"in A, B : f32[n]\nout s : f32\ns = sum[i] A[i]*B[i]\n";
    std::fs::write(folder.path().join("s.ein"), program).expect("the file can be written");
    refused(&tcc(folder.path(), &["run", "-", "A=-", "B=ones:3"], program), 1, &["E0606", "gives one thing"]);
    let twice = tcc(folder.path(), &["run", "s.ein", "A=-", "B=-"], &f32_npy("(3,)", 3));
    refused(&twice, 1, &["E0606", "second operand from standard input"]);
    let once = tcc(folder.path(), &["run", "s.ein", "A=-", "B=ones"], &f32_npy("(3,)", 3));
    assert_eq!(once.code, Some(0), "{}", once.stderr);
}

#[cfg(unix)]
#[test]
fn arguments_that_are_no_text_are_named() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"A=no\xff.npy");
    let output = Command::new(env!("CARGO_BIN_EXE_tcc")).args(["run", "s.ein"]).arg(word).output();
    let output = output.expect("tcc runs");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("A=no\\xFF.npy") && text.contains("UTF-8"), "{text}");
}

#[test]
fn a_pack_without_the_operand_says_what_it_has() {
    let folder = folder();
    std::fs::write(folder.path().join("p.npz"), stored(&[("zeta", 0), ("in_weigth", 0)])).expect("written");
    let program = b"in weight : f32[n]\nout s : f32\ns = sum[i] weight[i]\n";
    let run = tcc(folder.path(), &["run", "-", "p.npz"], program);
    refused(&run, 1, &["E0501", "`p.npz` has in_weigth, zeta"]);
    std::fs::write(folder.path().join("p.npz"), stored(&[("weight", 0), ("in_weight", 0)])).expect("written");
    let run = tcc(folder.path(), &["run", "-", "p.npz"], program);
    refused(&run, 1, &["E0607", "say which: weight=p.npz:weight"]);
}

#[test]
fn expected_members_are_compared_or_named() {
    let folder = folder();
    let members = [("x", 0), ("in_w", 0), ("out_C", 0), ("D", 0), ("out_foo", 0)];
    std::fs::write(folder.path().join("p.npz"), stored(&members)).expect("written");
    std::fs::write(folder.path().join("q.npz"), stored(&[("C", 0)])).expect("written");
    let program = b"in x, w : f32[n]\nout C : f32[n]\nC[i] = x[i]*w[i]\n";
    let run = tcc(folder.path(), &["run", "-", "p.npz", "--expect", "p.npz"], program);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("does not produce: D, out_foo\n"), "{}", run.stderr);
    let json = tcc(folder.path(), &["run", "-", "p.npz", "--expect", "p.npz", "--format", "json"], program);
    assert!(json.stdout.contains(r#""not_compared":["D","out_foo"]"#), "{}", json.stdout);
    let shape = tcc(folder.path(), &["run", "-", "x=ones:2", "w=ones", "--expect", "q.npz"], program);
    assert_eq!(shape.code, Some(3), "{}", shape.stderr);
    assert!(
        shape.stdout.contains("C : another shape than in q.npz: f32[2], expected f32[3]"),
        "{}",
        shape.stdout
    );
    let integers = b"in x, w : i32[n]\nout C : i32[n]\nC[i] = x[i]*w[i]\n";
    let kind = tcc(folder.path(), &["run", "-", "x=ones:3", "w=ones", "--expect", "q.npz"], integers);
    assert_eq!(kind.code, Some(3), "{}", kind.stderr);
    assert!(kind.stdout.contains("i32[3], expected f32[3]"), "{}", kind.stdout);
}

#[test]
fn npz_files_that_are_cut_or_explode() {
    let whole = deflated(1000);
    refused(&sum_of("p.npz", &whole[..whole.len() / 2], "f32"), 1, &["E0602"]);
    refused(&sum_of("p.npz", &whole[..10], "f32"), 1, &["E0602"]);
    let folder = folder();
    let bomb = deflated(64 << 20);
    assert!(bomb.len() < 1 << 20);
    std::fs::write(folder.path().join("p.npz"), bomb).expect("the file can be written");
    let program = b"in A : f32[n]\nout s : f32\ns = sum[i] A[i]\n";
    let run = tcc(folder.path(), &["run", "-", "A=p.npz:A", "--memory", "64MiB"], program);
    refused(&run, 4, &["E0301", "64.0 MiB"]);
}

#[test]
fn wrong_data_and_missing_data() {
    let one = f32_npy("(2,)", 2);
    refused(&sum_of("a.npy", &one, "f64x"), 1, &["f64x"]);
    refused(&sum_of("a.npy", &one, "i64"), 1, &["E0505", "f32"]);
    refused(&sum_of("a.npy", &f32_npy("(1, 2)", 2), "f32"), 1, &["E0503"]);
    let folder = folder();
    let program = b"in A : f32[n]\nout s : f32\ns = sum[i] A[i]\n";
    refused(&tcc(folder.path(), &["run", "-"], program), 1, &["E0501", "`A`"]);
    refused(&tcc(folder.path(), &["run", "-", "A=no.npy"], program), 1, &["E0601", "no such file"]);
    refused(&tcc(folder.path(), &["run", "-", "A=ones:2", "B=ones:2"], program), 1, &["E0502", "`B`"]);
    refused(&tcc(folder.path(), &["run", "-", "A=ones:2", "--nonsense"], program), 2, &["--nonsense"]);
}

#[test]
fn outputs_appear_whole_or_not_at_all() {
    let folder = folder();
    let program = b"in A : f32[n]\nout s, t : f32\ns = sum[i] A[i]\nt = 2*s\n";
    let run = tcc(folder.path(), &["run", "-", "A=ones:2", "-o", "s=s.npy", "-o", "t=no/t.npy"], program);
    refused(&run, 5, &["E0605", "no/t.npy"]);
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder is there").count(), 0);
    let run = tcc(folder.path(), &["run", "-", "A=ones:2", "-o", "s=s.npy", "-o", "all.npz"], program);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .expect("the folder is there")
        .map(|e| e.expect("an entry").path())
        .collect();
    names.sort();
    assert_eq!(names, [folder.path().join("all.npz"), folder.path().join("s.npy")]);
}

#[test]
fn sizes_that_overflow_or_are_negative() {
    let folder = folder();
    let program = b"in A : f32[n, n, n]\nout B : f32[n, n, n]\nB[i,j,k] = A[i,j,k]\n";
    let big = "A=ones:2000000x2000000x2000000";
    let run = tcc(folder.path(), &["run", "-", big], program);
    refused(&run, 4, &["E0301"]);
    let program = b"param n : int\nout B : f32[n, n, n, n]\nB[i,j,k,l] = i\n";
    let run = tcc(folder.path(), &["run", "-", "n=3000000000"], program);
    assert!(matches!(run.code, Some(1 | 4)), "{:?} {}", run.code, run.stderr);
    let program = b"param n : int\nout B : f32[n]\nB[i] = i\n";
    refused(&tcc(folder.path(), &["run", "-", "n=-3"], program), 1, &["-3"]);
}

#[test]
fn source_text_of_any_kind() {
    let folder = folder();
    let parentheses = "(".repeat(1 << 20);
    let run = tcc(folder.path(), &["check", "-"], parentheses.as_bytes());
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.len() < 20_000, "{} bytes of message", run.stderr.len());
    let nested = format!("out y : f64\ny = {}1{}\n", "(".repeat(1 << 20), ")".repeat(1 << 20));
    assert!(matches!(tcc(folder.path(), &["check", "-"], nested.as_bytes()).code, Some(1 | 4)));
    for bytes in [&[0xff, 0xfe, 0, 1][..], &[0; 1000], "y = \u{1F600}\n".as_bytes(), b"\n\n\n", b"out"] {
        let run = tcc(folder.path(), &["check", "-"], bytes);
        assert!(matches!(run.code, Some(0 | 1)), "{:?}: {:?} {}", bytes.get(..8), run.code, run.stderr);
    }
    let cyclic = b"out a : f64\na = b + 1\nb = a\n";
    refused(&tcc(folder.path(), &["check", "-"], cyclic), 1, &["tcc::E0"]);
}

#[test]
fn many_equations_pass_check() {
    let folder = folder();
    let mut program = String::from("in x0 : f32[n]\nout x20000 : f32[n]\n");
    for at in 1..=20_000 {
        program.push_str(&format!("x{at}[i] = x{}[i] + {at}\n", at - 1));
    }
    let run = tcc(folder.path(), &["check", "-"], program.as_bytes());
    assert_eq!(run.code, Some(0), "{}", &run.stderr.chars().take(2000).collect::<String>());
}

#[test]
fn every_command_checks_the_words_it_is_given() {
    let folder = folder();
    let program = b"in A : f32[m, n]\nin B : f32[n, k]\nparam scale : f64 = 1\nout C : f32[m, k]\n\
                    C[a,b] = sum[c] scale*A[a,c]*B[c,b]\n";
    let (big, shapes) = ("n=99999999999999999999", ["A=rand:3x4", "B=rand:5x2"]);
    for verb in ["check", "compile", "show", "explain", "opt", "run", "verify"] {
        let with = |words: &[&str]| tcc(folder.path(), &[&[verb, "-"], words].concat(), program);
        refused(&with(&shapes), 1, &["E0504", "axis 1 of `B` is 5, but `n` is 4"]);
        refused(&with(&["scal=3"]), 1, &["E0502", "`scal`", "did you mean `scale`?"]);
        refused(&with(&["A=rand:3x4", "B=rand:4x2", "n=5"]), 1, &["E0504"]);
        refused(&with(&["n=2.5", "A=rand", "B=rand"]), 1, &["an integer, but 2.5"]);
        refused(&with(&[big, "A=rand", "B=rand"]), 1, &["an integer"]);
        let negative = with(&["n=-1", "m=1", "k=1", "A=rand", "B=rand"]);
        refused(&negative, 1, &["E0232", "-1"]);
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let show = tcc(folder.path(), &["show", "-", "A=rand:3x4", "scale=2"], program);
    assert!(show.stdout.contains("%B: f32[c:4, b:k]"), "{}", show.stdout);
    assert!(show.stderr.contains("stays an argument of the kernel: scale"), "{}", show.stderr);
    let sizes = tcc(folder.path(), &["check", "-", "--sizes", "m=3"], program);
    assert!(sizes.stdout.contains(" 3 "), "{}", sizes.stdout);
    let loops = tcc(folder.path(), &["show", "-", "--stage", "loops", "-O0"], program).stdout;
    refused(&tcc(folder.path(), &["opt", "-", "n=-1"], loops.as_bytes()), 2, &["-1"]);
    refused(&tcc(folder.path(), &["opt", "-", "q=1"], loops.as_bytes()), 2, &["`q`"]);
}

#[test]
fn limits_hold_where_sizes_are_known() {
    let folder = folder();
    let program =
        b"in x : f32[n]\nout y : f32[n]\n@max(peak=64)\nh[t] = h[t-1 | 0] + x[t]\ny[i] = h[n-1-i]\n";
    let all = ["compile", "-", "n=1000"];
    refused(&tcc(folder.path(), &all, program), 3, &["E0404", "@max allows 64"]);
    let run = tcc(
        folder.path(),
        &[&all[..], &["--memory", "10"]].concat(),
        b"in x : f32[n]\nout y : f32[n]\ny[i] = x[i]\n",
    );
    refused(&run, 4, &["E0301", "needs 7.8 KiB", "--memory 8KiB"]);
    // The advice is right when it is followed.
    let program = b"in x : f32[n]\nout y : f32[n]\ny[i] = sum[j] x[j]*x[i]\n";
    let run = |memory| tcc(folder.path(), &["run", "-", "x=ones:1000", "--memory", memory], program);
    let refusal = run("5000");
    refused(&refusal, 4, &["E0301", "the largest: `x` 3.9 KiB, `y` 3.9 KiB"]);
    let (_, advice) = refusal.stderr.split_once("--memory ").expect("an advice");
    let advice = advice.split(';').next().expect("a size").to_owned();
    assert_eq!(run(&advice).code, Some(0));
    let long = vec![b'#'; (32 << 20) + 1];
    let run = tcc(folder.path(), &["check", "-"], &long);
    refused(&run, 4, &["32.0 MiB"]);
    assert!(!run.stderr.contains("--memory"), "{}", run.stderr);
}

/// Every element is printed once, in linear time, and no faster than it is read.
#[test]
fn printing_streams() {
    let folder = folder();
    let run = tcc(folder.path(), &["run", "-e", "y[i] = x[i]", "x=ones:500000", "--print", "full"], b"");
    assert_eq!(run.stdout.split_whitespace().filter(|word| *word == "1").count(), 500_000 + 3);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tcc"))
        .env("TCC_CACHE", "off")
        .args(["run", "-e", "y[i] = x[i]", "x=ones:3000000", "--print", "full"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tcc starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("tcc ends");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported() {
    let folder = folder();
    std::fs::write(folder.path().join("x.ein"), "in x : f32[n]\nout y : f32[n]\ny[i] = x[i]\n")
        .expect("written");
    for words in [
        &["run", "x.ein", "x=ones:3"][..],
        &["run", "x.ein", "x=ones:3", "--format", "json"],
        &["show", "x.ein"],
        &["check", "--sizes", "x.ein"],
        &["compile", "x.ein"],
        &["verify", "x.ein"],
        &["doctor"],
        &["--help"],
        &["run", "--help"],
        &["--version"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tcc"));
        let output = command.args(words).current_dir(folder.path()).stdout(full).output().expect("tcc ends");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{words:?}: {text}");
        assert!(text.contains("cannot write to standard output"), "{words:?}: {text}");
    }
}

#[test]
fn no_result_is_written_over_another() {
    let folder = folder();
    let program = b"in x : f32[n]\nout y : f32[n]\nout z : f32[n]\ny[i] = x[i]\nz[i] = 2*x[i]\n";
    let with = |words: &[&str]| tcc(folder.path(), &[&["run", "-", "x=ones:3"], words].concat(), program);
    refused(&with(&["-o", "y=d.npy", "-o", "z=./d.npy"]), 2, &["more than one result"]);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let run = with(&["-o", "y=a.npy", "-o", "y=b.npy"]);
    assert!(run.stdout.contains("-> a.npy") && run.stdout.contains("-> b.npy"), "{}", run.stdout);
}

#[test]
fn demos_of_many_sizes_stay_small() {
    let folder = folder();
    let axes = "abcdefghijkl".chars().map(|c| format!("s{c}")).collect::<Vec<_>>();
    let program = format!(
        "in x : f32[{}]\nout y : f32\ny = sum[{}] x[{}]\n",
        axes.join(", "),
        axes.join(", ").to_uppercase(),
        axes.join(", ").to_uppercase()
    );
    let run = tcc(folder.path(), &["run", "-", "--demo"], program.as_bytes());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}
