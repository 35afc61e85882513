//! `tcc fuzz` and its companions when something goes wrong around them: signals, silence, folders that cannot be
//! written, few open files.

use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcc"));
    command.args(words).current_dir(folder).env("TCC_CACHE", "off").env("TMPDIR", folder.join("tmp"));
    command
}

fn tcc(folder: &Path, words: &[&str]) -> Output {
    command(folder, words).output().expect("tcc runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder for the command, with one for temporary files in it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tmp")).expect("a folder");
    folder
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Loops that take long whatever runs them.
const SLOW: &str = "test fuzz = \"| simplify, fuse\"\ncontract = strict\n\nfunc @f() {\n  output y: f32[1]\n  y[0] = 0.0f32\n  \
    for i in 0..700 {\n    for j in 0..700 {\n      y[0] += 1.0f32\n    }\n  }\n}\n";

#[test]
fn a_hang_is_shown_reduced_and_bisected() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("slow.tcc"), SLOW).expect("written");
    let replayed = tcc(folder, &["replay", "slow.tcc", "--timeout", "0.005"]);
    let said = text(&replayed.stdout);
    assert_eq!(replayed.status.code(), Some(3), "{said}{}", text(&replayed.stderr));
    assert!(
        said.starts_with("slow.tcc: execution: process: hang (stage 0)\nhang: no answer in 0.005 s"),
        "{said}"
    );
    let reduced = tcc(
        folder,
        &["reduce", "slow.tcc", "--timeout", "0.005", "--tries", "12", "-o", "small.tcc", "--format", "json"],
    );
    assert_eq!(reduced.status.code(), Some(0), "{}", text(&reduced.stderr));
    let object: Value = serde_json::from_slice(&reduced.stdout).expect("JSON");
    assert_eq!(object["fingerprint"], "execution: process: hang");
    let small = std::fs::read_to_string(folder.join("small.tcc")).expect("a case");
    assert!(small.starts_with("test fuzz = \"|\"\n"), "{small}");
    let bisected = tcc(folder, &["bisect", "slow.tcc", "--timeout", "0.005"]);
    let said = text(&bisected.stdout);
    // It is slow before any pass.
    assert!(bisected.status.code() == Some(3) && said.contains("input"), "{said}");
}

#[test]
fn what_is_not_judged_is_not_fine() {
    let folder = folder();
    let folder = folder.path();
    let refused = "test fuzz = \"|\"\n\nout y : f32[n]\ny[i] = q[i]\n";
    std::fs::write(folder.join("refused.tcc"), refused).expect("written");
    for words in [
        &["replay", "refused.tcc"][..],
        &["bisect", "refused.tcc"],
        &["reduce", "refused.tcc"],
        &["fuzz", "accept", "refused.tcc", "--into", "tests"],
    ] {
        let output = tcc(folder, words);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        // The code of the error and its sentence, for people.
        assert!(said.starts_with("refused.tcc: not judged: E") && !said.contains("Diagnostic"), "{said}");
    }
    assert!(!folder.join("tests").exists());
}

#[test]
fn what_cannot_be_written_is_said_first() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("file"), "").expect("written");
    for option in [["--corpus", "file"], ["--findings", "file/below"], ["--report", "missing/report"]] {
        let begin = Instant::now();
        let output = tcc(folder, &[&["fuzz", "--time", "600"][..], &option].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{option:?}: {said}");
        assert!(said.contains(option[1].split('/').next().unwrap_or_default()), "{said}");
        assert!(output.stdout.is_empty() && begin.elapsed() < Duration::from_secs(300));
    }
    assert!(!folder.join("findings").exists());
}

#[test]
fn fewer_cases_than_required_are_no_success() {
    let folder = folder();
    let words = ["fuzz", "--iterations", "100000000", "--time", "0.5"];
    assert_eq!(tcc(folder.path(), &words).status.code(), Some(0));
    let begin = Instant::now();
    let output = tcc(folder.path(), &[&words[..], &["--require-iterations"]].concat());
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    // On a machine that is busy with other tests.
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[cfg(unix)]
#[test]
fn few_open_files_are_enough_for_a_corpus() {
    let folder = folder();
    let words = "exec \"$0\" fuzz --iterations 1500 --time 600 --corpus corpus --report report";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("ulimit -n 100; {words}"), env!("CARGO_BIN_EXE_tcc")])
        .current_dir(folder.path());
    let output = shell.env("TCC_CACHE", "off").output().expect("sh runs");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    let kept = count(&folder.path().join("corpus"));
    assert!(kept > 100, "{kept}");
    for ending in ["md", "html"] {
        let report =
            std::fs::read_to_string(folder.path().join(format!("report.{ending}"))).expect("a report");
        assert!(report.contains("1500"), "{report}");
    }
}

#[test]
fn a_case_that_ended_a_process_is_not_begun_with_again() {
    let folder = folder();
    let folder = folder.path();
    let case = format!("{}\n----\nholds\n", SLOW.replace("3000", "3").trim_end());
    std::fs::create_dir(folder.join("corpus")).expect("a folder");
    std::fs::write(folder.join("corpus/one.tcc"), &case).expect("written");
    let corpus = || {
        let words =
            ["fuzz", "--worker", "running.tcc", "--iterations", "0", "--corpus", "corpus", "--time", "100"];
        // The worker ends when its standard input does.
        let mut child = command(folder, &words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the worker starts");
        let input = child.stdin.take();
        let output = child.wait_with_output().expect("the worker ends");
        drop(input);
        let said = text(&output.stdout);
        let last: Value = serde_json::from_str(said.lines().last().unwrap_or_default()).expect("JSON");
        last["end"]["corpus"].as_u64().expect("a number")
    };
    assert_eq!(corpus(), 1);
    // As it is printed, which is how it is known when it runs.
    let kept =
        std::fs::read_dir(folder.join("corpus")).expect("a folder").flatten().map(|entry| entry.path());
    let kept = kept.filter(|path| !path.ends_with("one.tcc")).collect::<Vec<_>>();
    assert_eq!(kept.len(), 1);
    std::fs::copy(&kept[0], folder.join("skip-0.tcc")).expect("copied");
    assert_eq!(corpus(), 0);
}

/// The process that a process started, once it runs.
#[cfg(target_os = "linux")]
fn child_of(parent: u32) -> libc::pid_t {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            // After the name in parentheses: the state, and the parent.
            let after = stat.rsplit_once(") ").map_or("", |parts| parts.1);
            if after.split(' ').nth(1) == Some(&parent.to_string())
                && let Ok(child) = entry.file_name().to_string_lossy().parse()
            {
                return child;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no child");
}

#[cfg(target_os = "linux")]
fn send(process: libc::pid_t, signal: libc::c_int) {
    // SAFETY: `kill` has no conditions; the process was started by this test and is waited for after this.
    unsafe { libc::kill(process, signal) };
}

/// Starts a campaign, and waits until cases ran.
#[cfg(target_os = "linux")]
fn campaign(folder: &Path, time: &str) -> (Child, libc::pid_t) {
    let words = ["fuzz", "--time", time, "--report", "report", "--corpus", "corpus", "--format", "json"];
    let child =
        command(folder, &words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("tcc starts");
    let worker = child_of(child.id());
    let runs = || {
        let folders = std::fs::read_dir(folder.join("tmp")).into_iter().flatten().flatten();
        let mut cases = folders.filter_map(|entry| std::fs::metadata(entry.path().join("running.tcc")).ok());
        cases.any(|case| case.len() > 0)
    };
    let begin = Instant::now();
    while !runs() && begin.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(20));
    }
    (child, worker)
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_is_a_finding_and_the_campaign_goes_on() {
    let folder = folder();
    let (child, worker) = campaign(folder.path(), "15");
    // The standard library lets a process outlive the first SIGSEGV that is no access of its own.
    send(worker, libc::SIGABRT);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let object: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&object["deaths"], &object["findings"][0]["fingerprint"]),
        (&Value::from(1), &Value::from("execution: process: ended by SIGABRT"))
    );
    let file = object["findings"][0]["file"].as_str().expect("a file");
    let case = std::fs::read_to_string(folder.path().join(file)).expect("a case");
    assert!(case.starts_with("test fuzz = "), "{case}");
    for ending in ["md", "html"] {
        let report =
            std::fs::read_to_string(folder.path().join(format!("report.{ending}"))).expect("a report");
        assert!(report.contains("Processes that died: 1") && report.contains("test fuzz = "), "{report}");
    }
    assert_eq!(count(&folder.path().join("tmp")), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_request_to_end_keeps_what_there_is() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let folder = folder();
        let (child, worker) = campaign(folder.path(), "600");
        let begin = Instant::now();
        // To the parent alone: the worker is told by it.
        send(child.id() as libc::pid_t, signal);
        let output = child.wait_with_output().expect("it ends");
        assert!(begin.elapsed() < Duration::from_secs(60));
        assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
        let object: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(object["executions"].as_u64().is_some_and(|count| count > 0), "{object}");
        assert_eq!(object["findings"].as_array().map(Vec::len), Some(0));
        assert!(folder.path().join("report.html").exists());
        assert_eq!(count(&folder.path().join("tmp")), 0);
        assert!(!Path::new(&format!("/proc/{worker}")).exists(), "the worker is still there");
    }
}
