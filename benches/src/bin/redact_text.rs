//! How the time to find what is personal grows with the text: `redact_text`. One turn without times of words, and calls of many turns.

use std::time::Instant;

use anyhow::Result;
use engine_words::rules;
use engine_words::transcript;
use serde_json::json;

fn main() -> Result<()> {
    println!("{:>8} {:>22} {:>22}", "MB", "one turn, s", "many turns, s");
    for size in [100_000usize, 1_000_000, 5_000_000] {
        let line = "my card number is four one one one then I said one two three and my name is Jane Doe ";
        let text = line.repeat(size / line.len());
        let one = json!({"Transcript": [
            {"ParticipantId": "C", "Content": text, "BeginOffsetMillis": 0, "EndOffsetMillis": 36_000_000}]});
        let turns: Vec<_> = (0..size / line.len())
            .map(|i| {
                let (who, begin) = (if i % 2 == 0 { "A" } else { "C" }, 9_000 * i);
                json!({"ParticipantId": who, "Content": line, "BeginOffsetMillis": begin, "EndOffsetMillis": begin + 8_900})
            })
            .collect();
        let seconds = |json: &serde_json::Value| -> Result<f64> {
            let start = Instant::now();
            let loaded = transcript::load(json.to_string().as_bytes())?;
            let found = rules::find(&loaded.transcript, &rules::recognised());
            anyhow::ensure!(!found.is_empty(), "nothing was found");
            Ok(start.elapsed().as_secs_f64())
        };
        println!(
            "{:>8.1} {:>22.2} {:>22.2}",
            size as f64 / 1e6,
            seconds(&one)?,
            seconds(&json!({ "Transcript": turns }))?
        );
    }
    Ok(())
}
