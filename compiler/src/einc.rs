//! The program `einc`: `tcc` under a name that no other compiler has.

use std::process::ExitCode;

fn main() -> ExitCode {
    tcc::command::main()
}
