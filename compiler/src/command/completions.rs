//! `tcc completions`: completion scripts for shells.

use super::session::{Exit, Failure, Session};
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a completion script for a shell
#[derive(clap::Args)]
#[command(after_help = "bash: tcc completions bash > ~/.local/share/bash-completion/completions/tcc")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub fn run<C: CommandFactory>(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    if session.json() {
        return Err(Failure::Usage("a completion script has no JSON form".into()));
    }
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut C::command(), "tcc", &mut script);
    session.out_with(|out| out.write_all(&script));
    Ok(Exit::Fine)
}
