//! The program `tcc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tcc::command::main()
}
