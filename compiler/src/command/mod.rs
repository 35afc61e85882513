//! The command line: one file for each command. Only this folder prints.
//!
//! Standard output carries the product that was asked for and nothing else; diagnostics, notes and
//! hints go to standard error. The exit codes are [`Exit`].

mod bench;
mod bisect;
mod cache;
mod campaign;
mod case;
mod check;
mod child;
mod compile;
mod completions;
mod corpus;
mod doctor;
mod examples;
mod explain;
mod fault;
mod fmt;
mod fuzz;
mod graph;
mod header;
mod layout;
mod opt;
mod passes;
mod program;
mod reduce;
mod render;
mod replay;
mod roofline;
mod run;
mod schema;
mod session;
mod show;
mod summary;
mod svg;
mod table;
mod timing;
mod tune;
mod verify;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use session::{Exit, Failure, Session};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;
use tcc_frontend::diagnostic::nearest;

/// Stack of the thread that does the work: deep enough for any program that the frontend accepts.
const STACK: usize = 256 << 20;

/// What `tcc` alone prints.
const SHORT_HELP: &str = "\
tcc: a tensor-IR compiler (not the Tiny C Compiler)

usage: tcc <command> FILE.ein [NAME=VALUE...] [options]

  tcc run -e 'C[i,k] += A[i,j]*B[j,k]' A=rand:64x128 B=rand:128x32
  tcc run attention.ein pack.npz -o O=o.npy

commands: run check fmt compile · explain show graph bench tune ·
          verify bisect reduce replay fuzz · opt passes · cache doctor schema completions examples

help: tcc help COMMAND, or tcc COMMAND --help
";

/// The commands under their headings, as the help shows them.
const GROUPS: &[(&str, &[&str])] = &[
    ("Everyday", &["run", "check", "fmt", "compile"]),
    ("Understand", &["explain", "show", "graph", "bench", "tune"]),
    ("Trust", &["verify", "bisect", "reduce", "replay", "fuzz", "opt", "passes"]),
    ("Tools", &["cache", "doctor", "schema", "completions", "examples", "help"]),
];

#[derive(Parser)]
#[command(
    name = "tcc",
    version,
    about = "A tensor-IR compiler: tensor equations in, checked kernels out (not the Tiny C Compiler)",
    after_help = "\
Exit codes: 0 fine · 1 input rejected · 2 wrong command line · 3 the check says no · 4 a limit ·
            5 the environment · 70 a bug of tcc · 130 interrupted",
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
    Graph(graph::Arguments),
    Bench(bench::Arguments),
    Tune(tune::Arguments),
    Verify(verify::Arguments),
    Bisect(bisect::Arguments),
    Reduce(reduce::Arguments),
    Replay(replay::Arguments),
    Fuzz(fuzz::Arguments),
    Opt(opt::Arguments),
    Passes(passes::Arguments),
    Cache(cache::Arguments),
    Doctor(doctor::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    Examples(examples::Arguments),
}

/// Runs the command line of the process.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
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
fn c_source(words: &[OsString]) -> Option<String> {
    let first = words.get(1)?.to_string_lossy();
    let is_c = |word: &str| word.ends_with(".c") || word.ends_with(".h");
    if is_c(&first) {
        return Some(first.into_owned());
    }
    // `tcc run prog.c`
    if let Some(second) = words.get(2).map(|word| word.to_string_lossy())
        && !first.starts_with('-')
        && is_c(&second)
    {
        return Some(second.into_owned());
    }
    // `tcc -o prog prog.c`, `tcc -run prog.c`
    let flag = first.starts_with('-') && !first.starts_with("--");
    let file = words.iter().skip(2).map(|word| word.to_string_lossy()).find(|word| is_c(word))?;
    flag.then(|| file.into_owned())
}

/// The command line with its commands under headings: clap would list them all under one.
fn grouped() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    let mut groups = String::new();
    for (heading, names) in GROUPS {
        groups.push_str(&format!("{heading}:\n"));
        for name in *names {
            let about = command.find_subcommand(name).and_then(clap::Command::get_about);
            groups
                .push_str(&format!("  {name:<12} {}\n", about.map(ToString::to_string).unwrap_or_default()));
        }
        groups.push('\n');
    }
    Cli::command().help_template(format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{groups}Options:\n{{options}}{{after-help}}"
    ))
}

/// Says what is wrong with a command line, or prints the help that it asks for.
fn unparsed(words: &[OsString], error: &clap::Error) -> Exit {
    let session = Session::of_words(words);
    // Help and version are products; everything else is a wrong command line.
    if !error.use_stderr() {
        let styled = error.render();
        let color = session::colored(session::Color::Auto, std::io::stdout().is_terminal());
        session.out(&if color { styled.ansi().to_string() } else { styled.to_string() });
        return Exit::Fine;
    }
    let message = match wrong_command(words, error) {
        Some(message) => message,
        None if session.json() => {
            error.render().to_string().trim_start_matches("error: ").trim_end().to_owned()
        }
        None => {
            // A closed standard error cannot be reported anywhere.
            let _ = error.print();
            return Exit::Usage;
        }
    };
    session.fail(&Failure::Usage(message))
}

/// What to say about a word that stands where a command should.
fn wrong_command(words: &[OsString], error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let is_option = |word: &&OsString| word.to_string_lossy().starts_with('-');
    let first = words.iter().skip(1).find(|word| !is_option(word) && *word != "help")?;
    if **first != **word {
        return None;
    }
    if word.ends_with(".ein") {
        return Some(format!("`{word}` is a program, not a command; did you mean `tcc run {word}`?"));
    }
    let names = GROUPS.iter().flat_map(|(_, names)| names.iter().copied());
    Some(match nearest(word, names) {
        Some(near) => format!("no command `{word}`; did you mean `tcc {near}`?"),
        None => format!("no command `{word}`; `tcc --help` lists them"),
    })
}

fn on_this_stack(words: Vec<OsString>) -> Exit {
    let parsed = grouped()
        .try_get_matches_from(words.iter())
        .and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return unparsed(&words, &error),
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
        Command::Graph(arguments) => graph::run(&session, arguments),
        Command::Bench(arguments) => bench::run(&session, arguments),
        Command::Tune(arguments) => tune::run(&session, arguments),
        Command::Verify(arguments) => verify::run(&session, arguments),
        Command::Bisect(arguments) => bisect::run(&session, arguments),
        Command::Reduce(arguments) => reduce::run(&session, arguments),
        Command::Replay(arguments) => replay::run(&session, arguments),
        Command::Fuzz(arguments) => fuzz::run(&session, arguments),
        Command::Opt(arguments) => opt::run(&session, arguments),
        Command::Passes(arguments) => passes::run(&session, arguments),
        Command::Cache(arguments) => cache::run(&session, arguments),
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
        grouped().debug_assert();
        let mut listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let mut command = Cli::command();
        command.build();
        let mut known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
    }

    #[test]
    fn c_sources_are_recognised() {
        let words = |text: &str| text.split(' ').map(Into::into).collect::<Vec<_>>();
        assert_eq!(c_source(&words("tcc foo.c")).as_deref(), Some("foo.c"));
        assert_eq!(c_source(&words("tcc -o foo foo.c")).as_deref(), Some("foo.c"));
        assert_eq!(c_source(&words("tcc run foo.c")).as_deref(), Some("foo.c"));
        assert_eq!(c_source(&words("tcc run foo.ein")), None);
    }
}
