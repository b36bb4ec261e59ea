//! Recall and precision of `engine_words` on a synthetic call centre: `redaction [--calls 300] [--unseen] [--show KIND]`.
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
    /// Show one call, and what is found in it.
    #[arg(long, conflicts_with = "unseen")]
    call: Option<usize>,
}

fn show(number: usize) -> Result<()> {
    let call = testdata::callcentre::call(number);
    let transcript = benches::redaction::transcript(&call.paced())?;
    let findings = engine_words::rules::find(&transcript, &engine_words::rules::recognised());
    for (number, turn) in transcript.turns().iter().enumerate() {
        let places =
            findings.iter().flat_map(|f| f.places.iter().map(move |p| (f, p))).filter(|(_, p)| p.turn == number);
        let words = turn.words.iter().enumerate().map(|(i, w)| {
            let found: Vec<&str> =
                places.clone().filter(|(_, p)| p.words.contains(&i)).map(|(f, _)| f.entity.as_str()).collect();
            if found.is_empty() { w.text.clone() } else { format!("{}<{}>", w.text, found.join(",")) }
        });
        println!("{}: {}", ["agent", "caller"][turn.speaker.min(1)], words.collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(number) = args.call {
        anyhow::ensure!(!testdata::callcentre::is_unseen(number), "call {number} is not to be looked at");
        return show(number);
    }
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
