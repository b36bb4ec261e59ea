//! One file per command. Each returns how it ended; errors carry the file and the reason.

mod audit;
mod batch;
mod calibrate;
mod call;
mod compare;
mod contact;
mod demo;
mod domain;
mod embed;
mod ended;
mod enroll;
mod eval;
mod eval_redaction;
mod flow;
mod fraudster;
mod identify;
mod inspect;
#[cfg(feature = "mic")]
mod listen;
mod model;
mod policy;
mod privacy;
mod redact;
mod rights;
mod rules;
mod secure;
mod session;
mod shell;
mod speaker;
mod user;
mod verify;
mod watchlist;
mod watchlist_rate;

use anyhow::Result;

use crate::args::{Cli, Command};
use crate::outcome::{Exit, Output};

/// Runs one command line.
///
/// # Errors
/// Whatever kept the command from doing what it was asked.
pub fn run(cli: Cli) -> Result<Exit> {
    let Cli { command, global } = cli;
    let out = Output::new(global.json);
    rights::check(&global, &command)?;
    match command {
        Command::Demo { keep } => demo::run(&global, keep),
        Command::Domain(command) => domain::run(&global, out, command),
        Command::Enroll(args) => enroll::run(&global, out, &args),
        Command::Verify(args) => verify::run(&global, out, &args),
        Command::Identify { file, top, input } => identify::run(&global, out, &file, usize::from(top), &input),
        Command::Compare { a, b, threshold, input } => compare::run(&global, out, &a, &b, threshold, &input),
        Command::Call(args) => call::run(&global, out, &args),
        Command::Secure(command) => secure::run(out, &command),
        #[cfg(feature = "mic")]
        Command::Listen(args) => listen::run(&global, out, &args),
        Command::Embed { files, out: array, packet_ms, input } => {
            embed::run(&global, out, &files, &array, packet_ms, &input)
        }
        Command::Inspect { file, format } => inspect::run(&global, out, &file, format),
        Command::Speaker(command) => speaker::run(&global, out, command),
        Command::Watchlist(command) => watchlist::run(&global, out, &command),
        Command::Fraudster(command) => fraudster::run(&global, out, &command),
        Command::Session(command) => session::run(&global, out, &command),
        Command::Redact(args) => redact::run(&global, out, &args),
        Command::Contact(command) => contact::run(&global, out, &command),
        Command::User(command) => user::users(&global, out, &command),
        Command::Role(command) => user::roles(&global, out, &command),
        Command::Policy(command) => policy::run(&global, out, &command),
        Command::Rules(command) => rules::run(&global, out, &command),
        Command::Audit(command) => audit::run(&global, out, &command),
        Command::Privacy(command) => privacy::run(&global, out, &command),
        Command::Unseal(args) => redact::unseal(out, &args),
        Command::Retain(args) => redact::retain(out, &args),
        Command::RedactText { file, wanted } => redact::text(out, &file, &wanted),
        Command::Flow(command) => flow::run(&global, out, &command),
        Command::Batch(command) => batch::run(&global, out, &command),
        Command::Calibrate(args) => calibrate::run(&global, out, &args),
        Command::Eval(args) => eval::run(&global, out, &args),
        Command::EvalRedaction(args) => eval_redaction::run(&global, out, &args),
        Command::Model(command) => model::run(&global, out, &command),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { dir } => shell::man(&dir),
    }
}
