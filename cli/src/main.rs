//! `vouch`: parses the command line, runs the command, ends with its exit code.

use std::process::ExitCode;

use clap::Parser;
use cli::args::Cli;
use cli::outcome::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli::commands::run(cli) {
        Ok(exit) => exit.into(),
        // The reader of a pipe may leave early (`vouch speaker list | head`); that is its right.
        Err(error) if cli::outcome::is_broken_pipe(&error) => Exit::Success.into(),
        Err(error) => {
            eprintln!("vouch: {error:#}");
            Exit::of_error(&error).into()
        }
    }
}
