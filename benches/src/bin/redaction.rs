//! Recall and precision of `engine::redact` on a synthetic call centre: `redaction [--calls 300] [--unseen] [--show KIND]`.
//!
//! `silenced`: items of which every word is; `named`: items that were found as what they are; `right`: findings that are something personal.
//! Every tenth call is unseen: rules are written looking at the others only.

use anyhow::Result;
use benches::redaction::{Tally, measure};
use clap::Parser;

#[derive(Parser)]
struct Args {
    /// Calls to make.
    #[arg(long, default_value_t = 300)]
    calls: usize,
    /// Measure the tenth that is kept for it.
    #[arg(long)]
    unseen: bool,
    /// Show what was missed, or found wrongly, of the kinds whose name has this in it ("" for all). Not of unseen calls.
    #[arg(long, conflicts_with = "unseen")]
    show: Option<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let tallies = measure(args.calls, args.unseen, |call, what, text| {
        if args.show.as_ref().is_some_and(|s| what.contains(s)) {
            println!("{call:4} {what}: {text}");
        }
    })?;
    println!("{:<42} {:>5} {:>9} {:>7} {:>6} {:>9}", "", "items", "silenced", "named", "found", "precision");
    let row = |name: &str, t: Tally| {
        let share = |a: usize, b: usize| if b == 0 { String::new() } else { format!("{:.3}", a as f64 / b as f64) };
        println!(
            "{name:<42} {:>5} {:>9} {:>7} {:>6} {:>9}",
            t.items,
            share(t.silenced, t.items),
            share(t.named, t.items),
            t.found,
            share(t.right, t.found)
        );
    };
    tallies.kinds.iter().for_each(|(kind, tally)| row(kind, *tally));
    row("all", tallies.total());
    println!("{} of {} other words silenced", tallies.words_lost, tallies.words);
    Ok(())
}
