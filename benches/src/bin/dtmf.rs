//! How many DTMF digits are silenced, and how often speech is taken for one: `dtmf`. Reads real telephone speech from `VOUCH_SPEECH`; GSM needs
//! ffmpeg with libgsm.
//!
//! All 16 digits, tones of 40 to 100 ms, high group 8 dB below to 4 dB above the low one, -23 to 0 dBm0 a tone, detuned by up to 1.5 % (Q.24), each
//! 15 dB above what is mixed with it: nothing, white noise, speech. `silenced`: the detector's digit, 20 ms wider on each side as `vouch redact`
//! silences it, covers the whole tone.

use std::ops::Range;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use engine::audio::{f32_to_i16, i16_to_f32};
use engine::codec::g711;
use engine::dtmf::{HIGH_HZ, LOW_HZ};
use engine::keys::KeyFinder;
use testdata::{Random, noise, sines, speech};

const RATE: usize = 8_000;
struct Sent {
    start: usize,
    end: usize,
}

/// Digits under all conditions over a background, which sounds between them too.
fn calls(background: &[f32], quiet: bool, random: &mut Random) -> (Vec<f32>, Vec<Sent>) {
    let mut x: Vec<f32> = background.to_vec();
    let mut sent = Vec::new();
    let mut at = RATE / 2;
    let mut key = 0;
    while at + RATE < x.len() {
        let length = RATE * (40 + random.below(61)) / 1_000;
        let level_dbm0 = -23.0 + 23.0 * random.uniform();
        let twist_db = -8.0 + 12.0 * random.uniform();
        let amplitude = |db: f64| 10f64.powf((db - 3.17 - 6.0) / 20.0);
        let off = |random: &mut Random| 1.0 + 0.03 * (random.uniform() - 0.5);
        let parts = [
            (LOW_HZ[key / 4 % 4] * off(random), amplitude(level_dbm0.min(level_dbm0 - twist_db.max(0.0)))),
            (HIGH_HZ[key % 4] * off(random), amplitude(level_dbm0.min(level_dbm0 - twist_db.max(0.0)) + twist_db)),
        ];
        let tone = sines(8_000, &parts, length);
        let power: f32 = tone.iter().map(|x| x * x).sum();
        // What sounds with it is brought to 15 dB below, over the tone and a little around it.
        let around = at.saturating_sub(RATE / 50)..(at + length + RATE / 50).min(x.len());
        let under: f32 = x[at..at + length].iter().map(|x| x * x).sum();
        let gain = if quiet || under <= 0.0 { 1.0 } else { (power / under / 31.6).sqrt() };
        x[around].iter_mut().for_each(|x| *x = (*x * gain).clamp(-1.0, 1.0));
        x[at..at + length].iter_mut().zip(&tone).for_each(|(x, t)| *x += t);
        sent.push(Sent { start: at, end: at + length });
        key += 1;
        at += length + RATE * (50 + random.below(300)) / 1_000;
    }
    (x, sent)
}

fn gsm(x: &[f32]) -> Result<Vec<f32>> {
    let dir = std::env::temp_dir().join(format!("vouch-dtmf-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let [raw, coded, back] = ["in.s16", "coded.gsm", "out.s16"].map(|n| dir.join(n));
    std::fs::write(&raw, x.iter().flat_map(|&x| f32_to_i16(x).to_le_bytes()).collect::<Vec<u8>>())?;
    let run = |args: &[&str]| -> Result<()> {
        let out = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).output().context("ffmpeg")?;
        ensure!(out.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&out.stderr));
        Ok(())
    };
    let (raw, coded, back) = (raw.to_string_lossy(), coded.to_string_lossy(), back.to_string_lossy());
    run(&["-f", "s16le", "-ar", "8000", "-ac", "1", "-i", &raw, "-c:a", "libgsm", &coded])?;
    run(&["-i", &coded, "-f", "s16le", &back])?;
    let bytes = std::fs::read(&*back)?;
    std::fs::remove_dir_all(&dir)?;
    Ok(bytes.chunks_exact(2).map(|b| i16_to_f32(i16::from_le_bytes([b[0], b[1]]))).collect())
}

fn heard(x: &[f32]) -> Vec<Range<u64>> {
    let mut finder = KeyFinder::new();
    finder.push(x);
    finder.finish()
}

fn main() -> Result<()> {
    let (mut voices, mut taken) = (Vec::new(), 0);
    if let Some(recordings) = speech::telephone() {
        for recording in recordings.filter(|r| r.rate_hz as usize == RATE) {
            taken += heard(&recording.samples).len();
            voices.extend(recording.samples);
        }
    }
    let length = 600 * RATE;
    type Coder = fn(&[f32]) -> Result<Vec<f32>>;
    let coders: [(&str, Coder); 4] = [
        ("linear", |x| Ok(x.to_vec())),
        ("mu-law", |x| {
            Ok(x.iter().map(|&x| i16_to_f32(g711::ulaw_to_i16(g711::i16_to_ulaw(f32_to_i16(x))))).collect())
        }),
        ("A-law", |x| Ok(x.iter().map(|&x| i16_to_f32(g711::alaw_to_i16(g711::i16_to_alaw(f32_to_i16(x))))).collect())),
        ("GSM", gsm),
    ];
    println!("{:<10} {:>10} {:>8} {:>9}", "under", "codec", "digits", "silenced");
    for under in ["nothing", "noise", "speech"] {
        let mut random = Random::new(3);
        let background = match under {
            "nothing" => vec![0.0; length],
            "noise" => noise(5, length).iter().map(|x| 0.01 * x).collect(),
            _ if voices.len() < length => {
                println!("speech: skipped, VOUCH_SPEECH has none");
                continue;
            }
            _ => voices[..length].to_vec(),
        };
        let (x, sent) = calls(&background, under == "nothing", &mut random);
        for (codec, code) in &coders {
            let coded = match code(&x) {
                Ok(coded) => coded,
                Err(error) => {
                    println!("{under:<10} {codec:>10}  skipped: {error:#}");
                    continue;
                }
            };
            let found = heard(&coded);
            let silenced =
                sent.iter().filter(|s| found.iter().any(|d| d.start as usize <= s.start && s.end as u64 <= d.end));
            println!(
                "{under:<10} {codec:>10} {:>8} {:>8.2} %",
                sent.len(),
                100.0 * silenced.count() as f64 / sent.len() as f64
            );
        }
    }
    if !voices.is_empty() {
        let hours = voices.len() as f64 / RATE as f64 / 3_600.0;
        println!("{taken} digits in {hours:.2} h of speech");
    }
    Ok(())
}
