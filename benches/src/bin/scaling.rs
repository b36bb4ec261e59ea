//! How the time of every step grows with the length of a call and with the size of a list:
//! `scaling [--longest SECONDS] [--largest ROWS] [--out FILE.svg]`.
//!
//! Prints milliseconds and, between two sizes, by how much more the time grew than the size did; draws both as a plot. One
//! thread. 10 hours and 10 million rows of 192 take 20 GB and some minutes; less is less.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use benches::unit;
use clap::Parser;
use engine::audio::SampleRate;
use engine::codec::{Codec, g711};
use engine::embed::ModelId;
use engine::fbank::{Fbank, NUM_MEL_BINS};
use engine::resample::Resampler;
use engine::search::Index;
use engine::session::{Session, SessionConfig};
use engine_words::mute::{Span, Spans};
use engine_words::rules;
use engine_words::transcript::{Transcript, Turn, Word};
use models::{Model, Precision};
use plotters::prelude::*;
use testdata::{Random, callcentre};

const LENGTHS_S: [u32; 6] = [1, 10, 60, 600, 3_600, 36_000];
const DIM: usize = 192;

#[derive(Parser)]
struct Args {
    /// Longest call, in seconds.
    #[arg(long, default_value_t = 36_000, value_parser = clap::value_parser!(u32).range(10..))]
    longest: u32,
    /// Largest list.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    largest: u64,
    /// Where to draw the plot.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Sizes and milliseconds.
struct Line {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

/// The median of enough goes, in milliseconds: one where a go is long.
fn median(mut go: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    while times.len() < 201 && (times.iter().sum::<f64>() < 300.0 || times.len() < 3) {
        let start = Instant::now();
        go()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        if times.iter().sum::<f64>() > 3_000.0 {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().context("no time taken")
}

/// Ten seconds of a call at 8 kHz in mu-law: speech and pauses, again and again.
fn packets(seconds: u32) -> (Vec<u8>, usize) {
    let mut audio = testdata::speech_like(8_000, 7);
    audio.extend(testdata::noise(3, 24_000).iter().map(|x| 0.001 * x));
    (audio.iter().map(|x| g711::i16_to_ulaw((x * 32_767.0) as i16)).collect(), seconds as usize * 50)
}

fn session(precision: Precision, seconds: u32) -> Result<f64> {
    let (model, (coded, packets)) = (Model::embedded_with(precision)?, packets(seconds));
    let config = SessionConfig::new(SampleRate::new(8_000)?);
    let mut session = Session::new(config, model.embedder(), model.detector())?;
    let mut out = vec![0.0; model.dim()];
    median(|| {
        session.reset();
        for packet in coded.chunks_exact(160).cycle().take(packets) {
            session.push_packet(Codec::Pcmu, packet)?;
        }
        session.finish();
        black_box(session.embedding(&mut out));
        Ok(())
    })
}

/// A talk of so many seconds, put together from the calls of a call centre.
fn talk(seconds: u32) -> Result<Transcript> {
    let (mut turns, mut start, end) = (Vec::new(), 0, u64::from(seconds) * 1_000);
    for number in 0.. {
        let lines = callcentre::call(number).paced();
        let mut last = start;
        for line in lines {
            let words = line.iter().map(|(_, begin, until, token)| Word {
                text: token.text.clone(),
                begin_ms: start + begin,
                end_ms: start + until,
            });
            let words: Vec<Word> = words.take_while(|w| w.end_ms <= end).collect();
            last = last.max(words.last().map_or(last, |w| w.end_ms));
            let speaker = line.first().map_or(0, |w| w.0);
            if !words.is_empty() {
                turns.push(Turn { speaker, channel: Some(speaker), words });
            }
        }
        if last == start || last + 2_000 >= end {
            break;
        }
        start = last + 1_000;
    }
    Ok(Transcript::new(turns)?)
}

/// A tenth of a second of frames.
fn frames() -> Vec<f32> {
    (0..10 * NUM_MEL_BINS).map(|i| 10.0 + (i % 7) as f32).collect()
}

fn decode(seconds: u32) -> Result<f64> {
    let ((coded, packets), mut out) = (packets(seconds), [0.0; 160]);
    median(|| {
        for packet in coded.chunks_exact(160).cycle().take(packets) {
            Codec::Pcmu.decode(packet, &mut out).map_err(|e| anyhow!("{e}"))?;
            black_box(&out);
        }
        Ok(())
    })
}

fn resample(seconds: u32) -> Result<f64> {
    let wide = testdata::speech_like(48_000, 1);
    let mut resampler = Resampler::to(SampleRate::new(48_000)?, 8_000)?;
    median(|| {
        resampler.reset();
        for _ in 0..seconds {
            resampler.push(&wide, &mut |part: &[f32]| _ = black_box(part.len()));
        }
        Ok(())
    })
}

fn features(seconds: u32) -> Result<f64> {
    let second = testdata::speech_like(8_000, 1);
    let mut fbank = Fbank::new();
    median(|| {
        fbank.reset();
        for _ in 0..seconds {
            fbank.push(&second, &mut |frame: &[f32], _: &[f32]| _ = black_box(frame.len()));
        }
        Ok(())
    })
}

fn detect(model: &Model, seconds: u32) -> Result<f64> {
    let frames = frames();
    let (mut detector, mut odds) = (model.detector(), [0.0; 64]);
    median(|| {
        detector.reset();
        for _ in 0..10 * seconds {
            black_box(detector.push(&frames, &mut odds));
        }
        Ok(())
    })
}

fn embed(model: &Model, seconds: u32) -> Result<f64> {
    let frames = frames();
    let mut embedder = model.embedder();
    median(|| {
        embedder.reset();
        for _ in 0..10 * seconds {
            embedder.push(&frames, &[true; 10]);
        }
        Ok(())
    })
}

fn find(seconds: u32) -> Result<f64> {
    let (talk, wanted) = (talk(seconds)?, rules::recognised());
    median(|| {
        black_box(rules::find(&talk, &wanted));
        Ok(())
    })
}

fn mute(seconds: u32) -> Result<f64> {
    let spans: Vec<Span> =
        (0..u64::from(seconds) / 5).map(|i| Span { begin_ms: 5_000 * i + 1_000, end_ms: 5_000 * i + 3_000 }).collect();
    median(|| {
        let samples = u64::from(seconds) * 8_000;
        let spans = Spans::new(&spans, 250, 8_000, samples).map_err(|e| anyhow!("{e:?}"))?;
        let mut block = [1i16; 4_000];
        for start in (0..samples).step_by(block.len()) {
            for range in spans.within(start, block.len() as u64) {
                block[range.start as usize..range.end as usize].fill(0);
            }
            black_box(&block);
        }
        Ok(())
    })
}

fn by_length(longest: u32) -> Result<Vec<Line>> {
    let model = Model::embedded()?;
    type Step<'a> = Box<dyn FnMut(u32) -> Result<f64> + 'a>;
    let steps: Vec<(&'static str, Step<'_>)> = vec![
        ("PCMU to samples", Box::new(decode)),
        ("48 to 8 kHz", Box::new(resample)),
        ("features", Box::new(features)),
        ("speech detector", Box::new(|s| detect(&model, s))),
        ("speaker network", Box::new(|s| embed(&model, s))),
        ("PCMU packets to embedding", Box::new(|s| session(Precision::F32, s))),
        ("the same in 8 bits", Box::new(|s| session(Precision::Int8, s))),
        ("personal data in the words", Box::new(find)),
        ("silencing", Box::new(mute)),
    ];
    let mut lines = Vec::new();
    for (name, mut step) in steps {
        let mut points = Vec::new();
        for seconds in LENGTHS_S.into_iter().filter(|&s| s <= longest) {
            points.push((f64::from(seconds), step(seconds)?));
        }
        eprintln!("{name}");
        lines.push(Line { name, points });
    }
    Ok(lines)
}

fn anywhere(random: &mut Random) -> Vec<f32> {
    unit((0..DIM).map(|_| random.uniform() as f32 - 0.5).collect())
}

fn by_list(largest: u64) -> Result<Vec<Line>> {
    let mut lines = ["list made ready", "nearest of a list", "ten nearest", "each of 16 callers at once"]
        .map(|name| Line { name, points: Vec::new() });
    for rows in (0..8).map(|power| 10usize.pow(power)).filter(|&n| n as u64 <= largest) {
        let mut random = Random::new(rows as u64);
        let mut data = Vec::with_capacity(rows * DIM);
        (0..rows).for_each(|_| data.extend(anywhere(&mut random)));
        let queries: Vec<f32> = (0..16).flat_map(|_| anywhere(&mut random)).collect();
        let query = queries.get(..DIM).context("a query")?;
        let start = Instant::now();
        let index = Index::new(data, DIM, ModelId([1; 16]))?;
        let built = start.elapsed().as_secs_f64() * 1e3;
        let mut scratch = index.scratch();
        let best = median(|| {
            black_box(index.best(query, &mut scratch)?);
            Ok(())
        })?;
        let top = median(|| {
            black_box(index.top(query, 10)?);
            Ok(())
        })?;
        let batch = median(|| {
            black_box(index.best_of_each(&queries)?);
            Ok(())
        })?;
        for (line, ms) in lines.iter_mut().zip([built, best, top, batch / 16.0]) {
            line.points.push((rows as f64, ms));
        }
        eprintln!("{rows} rows");
    }
    Ok(lines.into())
}

fn print(title: &str, lines: &[Line]) {
    println!("\n{title}\n");
    for line in lines {
        print!("{:<28}", line.name);
        let mut last: Option<(f64, f64)> = None;
        for &(size, ms) in &line.points {
            match last {
                Some((s, t)) => print!("  {ms:.3} (x{:.2})", (ms / t) / (size / s)),
                None => print!("  {ms:.4}"),
            }
            last = Some((size, ms));
        }
        println!();
    }
}

const COLORS: [RGBColor; 9] = [
    RGBColor(0x25, 0x63, 0xeb),
    RGBColor(0xd9, 0x77, 0x06),
    RGBColor(0x05, 0x96, 0x69),
    RGBColor(0xdc, 0x26, 0x26),
    RGBColor(0x7c, 0x3a, 0xed),
    RGBColor(0x08, 0x91, 0xb2),
    RGBColor(0xdb, 0x27, 0x77),
    RGBColor(0x65, 0xa3, 0x0d),
    RGBColor(0x6b, 0x72, 0x80),
];

/// Both axes logarithmic: what grows with the size is a line of slope 1, as the dashed one is.
fn draw(out: &PathBuf, parts: &[(&str, &str, &[Line])]) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| anyhow!("{}: {e}", out.display());
    let root = SVGBackend::new(out, (1_400, 620)).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(&e))?;
    for (area, (title, axis, lines)) in root.split_evenly((1, parts.len())).iter().zip(parts) {
        let all = || lines.iter().flat_map(|l| l.points.iter().copied());
        let (sizes, least, most) = (
            all().fold((f64::INFINITY, 0.0f64), |(a, b), (s, _)| (a.min(s), b.max(s))),
            all().map(|(_, t)| t).fold(f64::INFINITY, f64::min),
            all().map(|(_, t)| t).fold(0.0, f64::max),
        );
        let mut chart = ChartBuilder::on(area)
            .caption(*title, ("sans-serif", 20))
            .margin(20)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d((sizes.0..sizes.1).log_scale(), (least / 2.0..most * 2.0).log_scale())
            .map_err(|e| failed(&e))?;
        let milliseconds = |t: &f64| if *t >= 1.0 { format!("{t}") } else { format!("{t:.1e}") };
        chart
            .configure_mesh()
            .x_desc(*axis)
            .y_desc("milliseconds")
            .x_label_formatter(&|s| match *s {
                s if s >= 1e6 => format!("{} M", s / 1e6),
                s if s >= 1e3 => format!("{} k", s / 1e3),
                s => format!("{s}"),
            })
            .y_label_formatter(&milliseconds)
            .light_line_style(WHITE)
            .draw()
            .map_err(|e| failed(&e))?;
        let slope = [(sizes.0, least), (sizes.1, least * sizes.1 / sizes.0)];
        let slope = DashedLineSeries::new(slope, 6, 6, RGBColor(0x9c, 0xa3, 0xaf).stroke_width(1));
        chart.draw_series(slope).map_err(|e| failed(&e))?;
        for (line, color) in lines.iter().zip(COLORS) {
            let series = LineSeries::new(line.points.iter().copied(), color.stroke_width(2));
            chart
                .draw_series(series)
                .map_err(|e| failed(&e))?
                .label(line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .draw()
            .map_err(|e| failed(&e))?;
    }
    root.present().map_err(|e| failed(&e))
}

fn main() -> Result<()> {
    let args = Args::parse();
    let lengths = by_length(args.longest)?;
    print(
        "milliseconds for 1 s, 10 s, 1 min, 10 min, 1 h, 10 h (and how much more the time grew than the length)",
        &lengths,
    );
    let lists = by_list(args.largest)?;
    print(
        &format!(
            "milliseconds for lists of 1, 10, ... voiceprints of {DIM} (and how much more the time grew than the list)"
        ),
        &lists,
    );
    if let Some(out) = &args.out {
        draw(
            out,
            &[
                ("Time over the length of a call", "seconds of audio", &lengths),
                ("Time over the size of a list", "voiceprints", &lists),
            ],
        )?;
        println!("\n{}", out.display());
    }
    Ok(())
}
