//! How near the layers of the shipped speaker network come to what the machine can do: `layers [--rounds N] [--frames N]`.
//!
//! The matrices run in the order of the network, all of them each round, so that each finds the caches as it does there. A
//! round also spins through multiply-adds that wait for nothing (`engine_simd::peak`), so that both meet the same machine. For
//! 8 bits the rounding of the inputs and the scaling of the sums are part of the time, and only products count.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use engine_simd::{Backend, QuantisedMatrix, Splice, SplicedMatrix, peak};
use models::Container;
use testdata::Random;

/// Layers with fewer weights are left out.
const LARGE: usize = 32_768;

#[derive(Parser)]
struct Args {
    /// Rounds; of each time the median counts.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Frames at once: 8 is what the network gives its layers.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    frames: u16,
}

struct Layer {
    name: String,
    exact: SplicedMatrix,
    bytes: QuantisedMatrix,
    input: Vec<f32>,
    times: [Vec<Duration>; 2],
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

fn layers(backend: Backend, frames: usize) -> Result<Vec<Layer>> {
    let container = Container::parse(models::default_weights())?;
    let (mut random, mut layers) = (Random::new(11), Vec::new());
    for (name, tensor) in container.tensors("speaker.") {
        let (&[outputs, inputs], Some(name)) = (&tensor.shape[..], name.strip_suffix(".weight")) else { continue };
        // Of its two recordings a frame once, not frame by frame.
        if outputs * inputs < LARGE || name == "speaker.out" {
            continue;
        }
        let bias = container.tensor(&format!("{name}.bias"), &[outputs])?;
        let exact = SplicedMatrix::new(backend, &tensor.data, bias, inputs).context("weights that do not fit")?;
        let bytes = QuantisedMatrix::new(backend, &tensor.data, bias, inputs).context("weights that do not fit")?;
        let input = (0..frames * inputs).map(|_| random.normal().max(0.0)).collect();
        layers.push(Layer { name: name.to_owned(), exact, bytes, input, times: Default::default() });
    }
    if layers.is_empty() {
        bail!("the network has no large layers");
    }
    Ok(layers)
}

fn main() -> Result<()> {
    let args = Args::parse();
    let (backend, frames) = (Backend::detect(), usize::from(args.frames));
    let mut layers = layers(backend, frames)?;
    let mut scratch = engine_simd::QuantisedScratch::default();
    layers.iter().for_each(|layer| scratch.reserve(&layer.bytes, frames));
    let widest = layers.iter().map(|layer| layer.exact.padded_outputs()).max().unwrap_or(0);
    let mut out = vec![0.0; frames * widest];

    const SPIN: u64 = 20_000;
    let probes = [peak::multiply_adds_f32, peak::multiply_adds_i8];
    let (mut spins, mut counts): ([Vec<Duration>; 2], [u64; 2]) = Default::default();
    for precision in [0, 1] {
        for _ in 0..args.rounds {
            let start = Instant::now();
            counts[precision] = probes[precision](backend, SPIN)
                .with_context(|| format!("no loop of multiply-adds for {}", backend.name()))?;
            spins[precision].push(start.elapsed());
            for layer in &mut layers {
                let at = Splice {
                    first: 0,
                    stride: layer.exact.inputs(),
                    segments: &[0],
                    segment_len: layer.exact.inputs(),
                };
                let start = Instant::now();
                if precision == 0 {
                    layer.exact.apply(&layer.input, at, frames, &mut out);
                } else {
                    layer.bytes.apply(&layer.input, at, frames, &mut scratch, &mut out);
                }
                layer.times[precision].push(start.elapsed());
                std::hint::black_box(&out);
            }
        }
    }

    let peaks: Vec<f64> = spins.iter_mut().zip(counts).map(|(s, n)| n as f64 / median(s)).collect();
    println!(
        "{}: at most {:.1} G multiply-adds a second in f32, {:.1} in 8 bits; {frames} frames at once",
        backend.name(),
        peaks[0] / 1e9,
        peaks[1] / 1e9
    );
    println!("{:<24} {:>9} {:>12} {:>7} {:>12} {:>7}", "layer", "shape", "f32 G/s", "share", "int8 G/s", "share");
    let (mut seconds, mut products) = ([0.0; 2], 0.0);
    let line = |name: &str, shape: &str, macs: f64, times: [f64; 2]| {
        let [f32_rate, int8_rate] = times.map(|t| macs / t);
        let shares = [100.0 * f32_rate / peaks[0], 100.0 * int8_rate / peaks[1]];
        println!(
            "{name:<24} {shape:>9} {:>12.1} {:>6.1}% {:>12.1} {:>6.1}%",
            f32_rate / 1e9,
            shares[0],
            int8_rate / 1e9,
            shares[1]
        );
    };
    for layer in &mut layers {
        let (inputs, outputs) = (layer.exact.inputs(), layer.exact.outputs());
        let macs = (frames * inputs * outputs) as f64;
        let times = layer.times.each_mut().map(|t| median(t));
        line(&layer.name, &format!("{outputs}x{inputs}"), macs, times);
        products += macs;
        seconds.iter_mut().zip(times).for_each(|(sum, t)| *sum += t);
    }
    line("all", "", products, seconds);
    Ok(())
}
