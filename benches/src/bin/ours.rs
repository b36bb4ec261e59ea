//! Our side of `benches/peers/table.py`: `ours WHAT [GOES]` prints the milliseconds that one go of it takes, the least of 5 or GOES.
//!
//! | what | is |
//! |---|---|
//! | `fbank` | 80 log-mel bins of 60 s at 16 kHz, Kaldi's settings |
//! | `resample` | 60 s from 48 to 16 kHz |
//! | `file`, `file-int8` | audio to embedding: 10 s at 16 kHz at once |
//! | `packets`, `packets-int8` | the same in packets of 20 ms |
//! | `net`, `net-int8` | the speaker network alone: 10 s of features to an embedding |
//! | `call`, `call-int8` | 60 s of PCMU at 8 kHz in packets of 20 ms, with a score each 100 ms |

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use engine::audio::SampleRate;
use engine::codec::Codec;
use engine::fbank::{Fbank, FbankConfig};
use engine::resample::Resampler;
use engine::session::{Session, SessionConfig};
use models::{Model, Precision};
use testdata::Random;

/// Something voiced, with noise, so that every stage has work.
fn audio(rate: u32, seconds: u32) -> Vec<f32> {
    let (tau, mut random) = (std::f32::consts::TAU, Random::new(3));
    let at = |i: u32| i as f32 / rate as f32;
    let voice = |t: f32| (1..25).map(|h| (tau * 120.0 * h as f32 * t).sin() / h as f32).sum::<f32>();
    let loud = |t: f32| 0.6 + 0.4 * (tau * 4.0 * t).sin();
    (0..rate * seconds).map(|i| 0.1 * voice(at(i)) * loud(at(i)) + 0.003 * random.normal()).collect()
}

fn session(rate: u32, precision: Precision) -> Result<Session> {
    let model = Model::embedded_with(precision)?;
    let config = SessionConfig::new(SampleRate::new(rate)?);
    Ok(Session::new(config, model.embedder(), model.detector())?)
}

const GOES: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// The least of some goes, in milliseconds; one goes before them.
fn least(mut go: impl FnMut() -> Result<()>) -> Result<f64> {
    go()?;
    let mut best = f64::INFINITY;
    let goes = std::env::args().nth(2).map_or(Ok(GOES), |n| n.parse()).context("GOES: not a number above 0")?;
    for _ in 0..goes.get() {
        let start = Instant::now();
        go()?;
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(best)
}

fn embedding(precision: Precision, packet: usize) -> Result<f64> {
    let (samples, model) = (audio(16_000, 10), Model::embedded_with(precision)?);
    let whole = packet >= samples.len();
    let embedder = if whole { model.embedder_for_files() } else { model.embedder() };
    let mut session = Session::new(SessionConfig::new(SampleRate::new(16_000)?), embedder, model.detector())?;
    least(|| {
        session.reset();
        for part in samples.chunks(packet) {
            session.push(part)?;
        }
        session.finish();
        black_box(session.windows());
        Ok(())
    })
}

fn network(precision: Precision) -> Result<f64> {
    let mut embedder = Model::embedded_with(precision)?.embedder_for_files();
    let (mut random, frames) = (Random::new(5), 1_000);
    let features: Vec<f32> = (0..frames * embedder.num_mel_bins()).map(|_| 12.0 + 3.0 * random.normal()).collect();
    let (speech, mut out) = (vec![true; frames], vec![0.0; embedder.dim()]);
    least(|| {
        embedder.reset();
        embedder.push(&features, &speech);
        embedder.finish();
        black_box(embedder.embedding(&mut out));
        Ok(())
    })
}

fn call(precision: Precision) -> Result<f64> {
    let coded: Vec<u8> =
        audio(8_000, 60).iter().map(|x| engine::codec::g711::i16_to_ulaw((x * 32_767.0) as i16)).collect();
    let mut session = session(8_000, precision)?;
    let mut out = vec![0.0; Model::embedded()?.dim()];
    least(|| {
        session.reset();
        for (n, packet) in coded.chunks(160).enumerate() {
            session.push_packet(Codec::Pcmu, packet)?;
            if n % 5 == 4 {
                black_box(session.embedding(&mut out));
            }
        }
        Ok(())
    })
}

fn main() -> Result<()> {
    let what = std::env::args().nth(1).context("usage: ours WHAT [GOES]")?;
    let ms = match what.as_str() {
        "fbank" => {
            let (samples, mut fbank) = (audio(16_000, 60), Fbank::with_config(FbankConfig::kaldi())?);
            let mut out = Vec::with_capacity(6_000 * 80);
            least(|| {
                out.clear();
                fbank.reset();
                fbank.push(&samples, &mut |frame: &[f32], _: &[f32]| out.extend_from_slice(frame));
                black_box(&out);
                Ok(())
            })?
        }
        "resample" => {
            let (samples, mut resampler) = (audio(48_000, 60), Resampler::to(SampleRate::new(48_000)?, 16_000)?);
            let mut out = Vec::with_capacity(60 * 16_000 + 1_000);
            least(|| {
                out.clear();
                resampler.reset();
                resampler.push(&samples, &mut |part: &[f32]| out.extend_from_slice(part));
                resampler.finish(&mut |part: &[f32]| out.extend_from_slice(part));
                black_box(&out);
                Ok(())
            })?
        }
        "file" => embedding(Precision::F32, usize::MAX)?,
        "file-int8" => embedding(Precision::Int8, usize::MAX)?,
        "packets" => embedding(Precision::F32, 320)?,
        "packets-int8" => embedding(Precision::Int8, 320)?,
        "net" => network(Precision::F32)?,
        "net-int8" => network(Precision::Int8)?,
        "call" => call(Precision::F32)?,
        "call-int8" => call(Precision::Int8)?,
        other => bail!("{other}: not one of fbank, resample, file, packets, net, call, and -int8"),
    };
    println!("{ms:.4}");
    Ok(())
}
