//! The synthetic call centre with voices, and `vouch redact` held against it: `callcentre DIR [--calls 300] [--vouch PROGRAM]`;
//! `callcentre DIR --join 3600` makes one long call.
//!
//! Words are spoken one by one by espeak-ng and flite (whichever is there), several voices each, so that their times are known exactly; a call is 8
//! or 16 kHz with two channels, noise, and in every third the agent heard in the caller's channel. DIR gets a recording and a transcript for each,
//! as Amazon Transcribe writes them. Then each is redacted, and the outcome read sample by sample: inside a span of what was found, with its
//! padding, all is zero; outside, nothing is changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use benches::redaction::Tallies;
use clap::Parser;
use cli_audio::{ChannelChoice, MonoReader};
use engine::audio::{SampleRate, f32_to_i16};
use engine::resample::Resampler;
use serde_json::{Value, json};
use testdata::callcentre::{self, Call, Timed};
use testdata::{Random, noise};

#[derive(Parser)]
struct Args {
    /// Where the calls are kept.
    dir: PathBuf,
    /// Calls to make.
    #[arg(long, default_value_t = 300)]
    calls: usize,
    /// Join the calls to one of this many seconds at 8 kHz, `DIR/joined.wav` and `.json`, instead of redacting each.
    #[arg(long, value_name = "S")]
    join: Option<u64>,
    /// The program.
    #[arg(long, default_value = "target/release/vouch")]
    vouch: PathBuf,
}

/// espeak-ng's variants and flite's voices.
const VOICES: [(&str, &str); 10] = [
    ("espeak-ng", "en-us+m3"),
    ("espeak-ng", "en-us+f2"),
    ("flite", "rms"),
    ("espeak-ng", "en-gb+m7"),
    ("flite", "slt"),
    ("espeak-ng", "en-gb-scotland+f4"),
    ("flite", "awb"),
    ("espeak-ng", "en-029+m1"),
    ("flite", "kal16"),
    ("espeak-ng", "en-us+f5"),
];

struct Speech {
    dir: PathBuf,
    words: HashMap<(usize, u32, String), Vec<f32>>,
}

impl Speech {
    /// A word in a voice, at a rate, without the quiet around it.
    fn word(&mut self, voice: usize, rate_hz: u32, text: &str) -> Result<&Vec<f32>> {
        let key = (voice, rate_hz, text.to_lowercase());
        if !self.words.contains_key(&key) {
            let (engine, name) = VOICES[voice];
            let wav = self.dir.join("word.wav");
            // Some say "dot" for a full stop; letters are letters.
            let spoken = text.trim_matches(|c: char| !c.is_alphanumeric());
            let mut command = Command::new(engine);
            match engine {
                "flite" => command.args(["-voice", name, "-t", spoken, "-o"]).arg(&wav),
                _ => command.args(["-v", name, "-w"]).arg(&wav).args(["--", spoken]),
            };
            let out = command.output().with_context(|| format!("{engine}: is it installed?"))?;
            ensure!(out.status.success(), "{engine}: {}", String::from_utf8_lossy(&out.stderr));
            let mut source = MonoReader::open(&wav, None, ChannelChoice::Mix)?;
            let mut resampler = Resampler::to(SampleRate::new(source.spec().rate_hz)?, rate_hz)?;
            let (mut all, mut chunk) = (Vec::new(), Vec::new());
            while source.next_chunk(&mut chunk)? > 0 {
                resampler.push(&chunk, &mut |x| all.extend_from_slice(x));
            }
            resampler.finish(&mut |x| all.extend_from_slice(x));
            let loud = |x: &f32| x.abs() > 0.01;
            let start = all.iter().position(loud).unwrap_or(0);
            let end = all.iter().rposition(loud).map_or(all.len(), |e| e + 1);
            self.words.insert(key.clone(), all[start..end.max(start)].to_vec());
        }
        self.words.get(&key).context("just made")
    }
}

/// Makes a call: its words with their times, and the samples of both channels, interleaved.
fn make(call: &Call, speech: &mut Speech) -> Result<(u32, Vec<Vec<Timed>>, Vec<i16>)> {
    let rate_hz = if call.number.is_multiple_of(3) { 16_000 } else { 8_000 };
    let voices = [call.number % VOICES.len(), (call.number / 2 + 3) % VOICES.len()];
    let mut failed = None;
    let lines = call.timed(|channel, text| match speech.word(voices[channel], rate_hz, text) {
        Ok(samples) => (samples.len() as u64 * 1_000).div_ceil(u64::from(rate_hz)).max(30),
        Err(e) => {
            failed = Some(e);
            1
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let length_ms = lines.iter().flatten().map(|w| w.2).max().unwrap_or(0) + 800;
    let frames = (length_ms * u64::from(rate_hz) / 1_000) as usize;
    let mut sides = vec![vec![0.0f32; frames]; 2];
    for (channel, begin_ms, _, token) in lines.iter().flatten() {
        let start = (begin_ms * u64::from(rate_hz) / 1_000) as usize;
        let samples = speech.word(voices[*channel], rate_hz, &token.text)?;
        sides[*channel][start..].iter_mut().zip(samples).for_each(|(x, s)| *x += 0.5 * s);
    }
    if call.number % 3 == 1 {
        let later = (rate_hz / 80) as usize;
        let agent = sides[0].clone();
        sides[1][later..].iter_mut().zip(&agent).for_each(|(x, a)| *x += 0.06 * a);
    }
    let mut random = Random::new(call.number as u64);
    let level = 10f32.powf(-(45.0 + 15.0 * random.uniform() as f32) / 20.0);
    for (c, side) in sides.iter_mut().enumerate() {
        side.iter_mut().zip(noise((2 * call.number + c) as u64, frames)).for_each(|(x, n)| *x += level * n);
    }
    // Never zero outside what is silenced, so that a zero is known to be silence.
    let sample = |x: f32| if f32_to_i16(x) == 0 { 1 } else { f32_to_i16(x) };
    let samples = (0..frames).flat_map(|i| [sample(sides[0][i]), sample(sides[1][i])]).collect();
    Ok((rate_hz, lines, samples))
}

fn write_wav(path: &Path, rate_hz: u32, samples: &[i16]) -> Result<()> {
    let mut bytes = b"RIFF".to_vec();
    let data = 2 * samples.len() as u32;
    bytes.extend((36 + data).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend((4 * rate_hz).to_le_bytes());
    bytes.extend([4, 0, 16, 0]);
    bytes.extend(b"data");
    bytes.extend(data.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    Ok(std::fs::write(path, bytes)?)
}

fn transcribe(lines: &[Vec<Timed>]) -> Value {
    let channel = |c: usize| {
        let words = lines.iter().flatten().filter(|w| w.0 == c);
        let item = |w: &Timed| {
            json!({"type": "pronunciation", "start_time": format!("{:.3}", w.1 as f64 / 1e3), "end_time": format!("{:.3}", w.2 as f64 / 1e3),
                   "alternatives": [{"content": w.3.text, "confidence": "1.0"}]})
        };
        json!({"channel_label": format!("ch_{c}"), "items": words.map(item).collect::<Vec<_>>()})
    };
    json!({"jobName": "call", "results": {"items": [], "channel_labels": {"channels": [channel(0), channel(1)], "number_of_channels": 2}}})
}

fn read(path: &Path) -> Result<Vec<i16>> {
    let bytes = std::fs::read(path)?;
    let data = bytes.windows(4).position(|w| w == b"data").context("no samples")?;
    Ok(bytes[data + 8..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
}

/// One long call of many, to measure how long it takes.
fn join(args: &Args, speech: &mut Speech, seconds: u64) -> Result<()> {
    let (mut all, mut lines, mut number) = (Vec::new(), Vec::new(), 0usize);
    while all.len() < (2 * 8_000 * seconds) as usize {
        // Not the calls at 16 kHz.
        number += 1;
        if number.is_multiple_of(3) {
            continue;
        }
        let (_, mut call, samples) = make(&callcentre::call(number % args.calls), speech)?;
        let later = all.len() as u64 / 16;
        call.iter_mut().flatten().for_each(|w| (w.1, w.2) = (w.1 + later, w.2 + later));
        lines.append(&mut call);
        all.extend(samples);
    }
    write_wav(&args.dir.join("joined.wav"), 8_000, &all)?;
    std::fs::write(args.dir.join("joined.json"), transcribe(&lines).to_string())?;
    println!("{} s, {} words", all.len() / 16_000, lines.iter().flatten().count());
    Ok(())
}

fn main() -> Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.dir)?;
    let mut speech = Speech { dir: args.dir.clone(), words: HashMap::new() };
    if let Some(seconds) = args.join {
        return join(&args, &mut speech, seconds);
    }
    let (mut tallies, mut unseen) = (Tallies::default(), Tallies::default());
    let (mut seconds, mut samples_silenced, mut wrong, mut took) = (0.0, 0usize, 0usize, 0.0);
    let mut missed_in_audio = 0;
    for number in 0..args.calls {
        let call = callcentre::call(number);
        let (rate_hz, lines, samples) = make(&call, &mut speech)?;
        let wav = args.dir.join(format!("call{number:04}.wav"));
        let json = wav.with_extension("json");
        write_wav(&wav, rate_hz, &samples)?;
        std::fs::write(&json, transcribe(&lines).to_string())?;
        let of = if callcentre::is_unseen(number) { &mut unseen } else { &mut tallies };
        of.add(&call, &lines, |_, _| {})?;
        let started = Instant::now();
        let mut command = Command::new(&args.vouch);
        let out = args.dir.join("redacted");
        command
            .args(["redact", "--quiet", "--json", "--overwrite", "--audio"])
            .arg(&wav)
            .arg("--transcript")
            .arg(&json);
        let done = command.arg("--out").arg(&out).output().context("vouch: build it with cargo build --release")?;
        took += started.elapsed().as_secs_f64();
        if !matches!(done.status.code(), Some(0 | 20 | 21)) {
            bail!("call {number}: {}", String::from_utf8_lossy(&done.stderr));
        }
        let told: Value = serde_json::from_slice(&done.stdout)?;
        let audit: Value = serde_json::from_slice(&std::fs::read(told["Audit"].as_str().context("no audit")?)?)?;
        let back = read(Path::new(told["Recording"].as_str().context("no recording")?))?;
        ensure!(back.len() == samples.len(), "call {number}: another length");
        let mut silent = vec![false; back.len()];
        for span in audit["Silenced"].as_array().context("no spans")? {
            let at = |key: &str| span[key].as_u64().map_or(0, |v| v as usize);
            (at("BeginSample")..at("EndSample")).for_each(|f| silent[2 * f + at("Channel")] = true);
        }
        wrong += back
            .iter()
            .zip(&samples)
            .zip(&silent)
            .filter(|((b, s), silent)| if **silent { **b != 0 } else { b != s })
            .count();
        samples_silenced += silent.iter().filter(|s| **s).count();
        // Every word of what was found, by the recording alone: zeros from its first sample to its last, with the padding.
        for found in told["Found"].as_array().into_iter().flatten() {
            let ms = |key: &str| found[key].as_u64().unwrap_or(0);
            for (channel, begin, end, _) in lines
                .iter()
                .flatten()
                .filter(|w| w.3.item.is_some() && w.1 >= ms("BeginOffsetMillis") && w.2 <= ms("EndOffsetMillis"))
            {
                let frame = |ms: u64| (ms * u64::from(rate_hz) / 1_000) as usize;
                let range = frame(begin.saturating_sub(250))..frame(end + 250).min(back.len() / 2);
                let quiet = range.clone().all(|f| back[2 * f + channel] == 0);
                // A word of the other speaker may lie inside a long item's time and is not of it.
                missed_in_audio += usize::from(!quiet && silent[2 * frame((begin + end) / 2) + channel]);
            }
        }
        seconds += samples.len() as f64 / 2.0 / f64::from(rate_hz);
    }
    for (name, t) in [("seen", &tallies), ("unseen", &unseen)] {
        let all = t.total();
        println!(
            "{name}: {} items, {:.2} % silenced, {:.2} % named; {} findings, {:.2} % right",
            all.items,
            100.0 * all.silenced as f64 / all.items.max(1) as f64,
            100.0 * all.named as f64 / all.items.max(1) as f64,
            all.found,
            100.0 * all.right as f64 / all.found.max(1) as f64
        );
    }
    println!("{:.1} h of calls in {took:.1} s", seconds / 3_600.0);
    println!(
        "{samples_silenced} samples silenced, {wrong} wrong, {missed_in_audio} words of what was found heard in part"
    );
    ensure!(wrong == 0 && missed_in_audio == 0, "not what was meant");
    Ok(())
}
