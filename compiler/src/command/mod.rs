//! The command line: one file for each command. Only this folder prints.
//!
//! Standard output carries the product that was asked for and nothing else; diagnostics, notes and
//! hints go to standard error. The exit codes are [`Exit`].

mod check;
mod compile;
mod completions;
mod cost;
mod doctor;
mod examples;
mod explain;
mod fmt;
mod header;
mod opt;
mod passes;
mod program;
mod render;
mod run;
mod schema;
mod session;
mod show;
mod summary;
mod table;
mod verify;

use clap::{Parser, Subcommand};
use session::{Exit, Failure, Session};
use std::process::ExitCode;

/// Stack of the thread that does the work: deep enough for any program that the frontend accepts.
const STACK: usize = 256 << 20;

/// What `tcc` alone prints.
const SHORT_HELP: &str = "\
tcc: a tensor-IR compiler (not the Tiny C Compiler)

usage: tcc <command> FILE.ein [NAME=VALUE...] [options]

  tcc run -e 'C[i,k] += A[i,j]*B[j,k]' A=rand:64x128 B=rand:128x32
  tcc run attention.ein pack.npz -o O=o.npy

commands: run check fmt compile · explain show · verify opt passes ·
          doctor schema completions examples

help: tcc help COMMAND, or tcc COMMAND --help
";

#[derive(Parser)]
#[command(
    name = "tcc",
    version,
    about = "A tensor-IR compiler: tensor equations in, checked kernels out (not the Tiny C Compiler)",
    after_help = "\
Everyday    run, check, fmt, compile
Understand  explain, show
Trust       verify, opt, passes
Tools       doctor, schema, completions, examples

Exit codes: 0 fine · 1 input rejected · 2 wrong command line · 3 the check says no · 4 a limit ·
            5 the environment · 70 a bug of tcc · 130 interrupted",
    disable_help_subcommand = false,
    max_term_width = 110
)]
struct Cli {
    #[command(flatten)]
    global: session::Global,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Check(check::Arguments),
    Fmt(fmt::Arguments),
    Compile(compile::Arguments),
    Explain(explain::Arguments),
    Show(show::Arguments),
    Verify(verify::Arguments),
    Opt(opt::Arguments),
    Passes(passes::Arguments),
    Doctor(doctor::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    Examples(examples::Arguments),
}

/// Runs the command line of the process.
pub fn main() -> ExitCode {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    if let Some(file) = c_source(&words) {
        eprintln!("tcc: `{file}` is C, and this tcc compiles tensor programs (.ein)");
        eprintln!(
            "hint: the Tiny C Compiler is another program of this name; this one is also called `einc`"
        );
        return ExitCode::from(Exit::Usage as u8);
    }
    if let Some(word) = words.iter().find(|word| word.to_str().is_none()) {
        eprintln!("tcc: the argument {word:?} is not UTF-8");
        eprintln!("hint: rename the file, or give it on standard input: NAME=- < FILE");
        return ExitCode::from(Exit::Usage as u8);
    }
    session::interrupt_exits();
    std::panic::set_hook(Box::new(session::report_panic));
    let work = move || on_this_stack(words);
    let worker = std::thread::Builder::new().name("tcc".into()).stack_size(STACK).spawn(work);
    let exit = match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit,
        Ok(Err(_)) => Exit::Bug,
        Err(error) => {
            eprintln!("tcc: cannot start a thread: {error}");
            Exit::Environment
        }
    };
    ExitCode::from(exit as u8)
}

/// The first argument, if it names a C source and no command is given.
fn c_source(words: &[std::ffi::OsString]) -> Option<String> {
    let first = words.get(1)?.to_string_lossy();
    let is_c = |word: &str| word.ends_with(".c") || word.ends_with(".h");
    if is_c(&first) {
        return Some(first.into_owned());
    }
    // `tcc -o prog prog.c`, `tcc -run prog.c`
    let flag = first.starts_with('-') && !first.starts_with("--");
    let file = words.iter().skip(2).map(|word| word.to_string_lossy()).find(|word| is_c(word))?;
    flag.then(|| file.into_owned())
}

fn on_this_stack(words: Vec<std::ffi::OsString>) -> Exit {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are products; everything else is a wrong command line.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Fine };
            let _ = error.print();
            return exit;
        }
    };
    let session = Session::new(&cli.global);
    let Some(command) = cli.command else {
        session.out(SHORT_HELP);
        return Exit::Fine;
    };
    let result: Result<Exit, Failure> = match command {
        Command::Run(arguments) => run::run(&session, arguments),
        Command::Check(arguments) => check::run(&session, arguments),
        Command::Fmt(arguments) => fmt::run(&session, arguments),
        Command::Compile(arguments) => compile::run(&session, arguments),
        Command::Explain(arguments) => explain::run(&session, arguments),
        Command::Show(arguments) => show::run(&session, arguments),
        Command::Verify(arguments) => verify::run(&session, arguments),
        Command::Opt(arguments) => opt::run(&session, arguments),
        Command::Passes(arguments) => passes::run(&session, arguments),
        Command::Doctor(arguments) => doctor::run(&session, arguments),
        Command::Schema(arguments) => schema::run(&session, arguments),
        Command::Completions(arguments) => completions::run::<Cli>(&session, &arguments),
        Command::Examples(arguments) => examples::run(&session, arguments),
    };
    result.unwrap_or_else(|failure| session.fail(&failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn c_sources_are_recognised() {
        let words = |text: &str| text.split(' ').map(Into::into).collect::<Vec<_>>();
        assert_eq!(c_source(&words("tcc foo.c")).as_deref(), Some("foo.c"));
        assert_eq!(c_source(&words("tcc -o foo foo.c")).as_deref(), Some("foo.c"));
        assert_eq!(c_source(&words("tcc run foo.ein")), None);
    }
}
