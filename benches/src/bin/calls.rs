//! How many calls one process can follow at once.
//!
//! `cargo run --release -p benches --bin calls -- [CALLS]` plays calls in real time, in packets of 20 ms (PCMU), each from its own start, the
//! starts spread over a minute, and follows each until it is decided (10 s of net speech). Prints how late packets were
//! finished, against the moment at which they were due, and the memory of a call. `--most` finds the largest number whose
//! p99 lateness is at most 20 ms.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use cli_app::second::{Second, Stage};
use cli_audio::{ChannelChoice, MonoReader};
use engine::audio::{SampleRate, f32_to_i16};
use engine::call::{Authentication, Call, CallConfig, Caller, Listening, Settings, StreamingStatus};
use engine::codec::{Codec, g711};
use engine::score::AuthPolicy;
use engine::session::SessionConfig;
use engine::template::Template;
use models::{Model, Precision};

const PACKET: Duration = Duration::from_millis(20);
const SPREAD: Duration = Duration::from_secs(60);
/// What is called late.
const LATE: Duration = Duration::from_millis(20);

#[derive(Parser)]
struct Args {
    /// Calls in a minute.
    #[arg(default_value_t = 1000)]
    calls: usize,
    /// Find the largest number that holds.
    #[arg(long)]
    most: bool,
    /// Multiply in 8 bits.
    #[arg(long)]
    int8: bool,
    /// Let each call go on for so long, in seconds, instead of ending once it is decided; with 60 and more, all are there at once.
    #[arg(long)]
    seconds: Option<f64>,
    /// A network that decides each call at its response time, off the threads that push packets (`vouch model import campplus --out`).
    #[arg(long, requires = "second_calibration")]
    second: Option<PathBuf>,
    /// Its calibration.
    #[arg(long)]
    second_calibration: Option<PathBuf>,
    /// Threads of that network.
    #[arg(long, default_value_t = 1)]
    second_threads: usize,
    /// Threads.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
}

/// Resident memory of this process, in KiB.
fn resident_kib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|p| p.parse::<f64>().ok()).map_or(f64::NAN, |pages| pages * 4.0)
}

fn packets(name: &str) -> Result<Vec<Vec<u8>>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/callers").join(name);
    let mut reader = MonoReader::open(&path, None, ChannelChoice::Ask)?;
    // The callers' recordings are at 8 kHz or at twice that, of which every second sample is taken: what is measured is time.
    let step = reader.spec().rate_hz as usize / 8_000;
    let (mut bytes, mut chunk) = (Vec::new(), Vec::new());
    while reader.next_chunk(&mut chunk)? > 0 {
        bytes.extend(chunk.iter().step_by(step.max(1)).map(|&x| g711::i16_to_ulaw(f32_to_i16(x))));
    }
    Ok(bytes.chunks_exact(160).map(<[u8]>::to_vec).collect())
}

struct Outcome {
    lateness: Vec<Duration>,
    /// From the response time to the second network's answer.
    waited: Vec<Duration>,
    decided: usize,
    kib_per_call: f64,
    busy: Duration,
    wall: Duration,
}

/// What one thread did.
struct Worked {
    lateness: Vec<Duration>,
    waited: Vec<Duration>,
    decided: usize,
    busy: Duration,
}

type Line = (Call, Option<Stage>);

/// A voiceprint that points somewhere.
fn somewhere(model: &Model) -> Result<Template> {
    let mut direction = vec![0.0; model.dim()];
    direction[0] = 1.0;
    Ok(benches::template(model.id(), &direction, 30.0)?)
}

/// The calls of each thread, ready for audio.
fn lines(
    model: &Model,
    (second, seconds): (Option<&Arc<Second>>, Option<f64>),
    calls: usize,
    threads: usize,
) -> Result<Vec<Vec<Line>>> {
    let calibration = Arc::new(models::calibration::parse(models::calibration_json())?);
    let template = Arc::new(somewhere(model)?);
    let mut lines: Vec<Vec<Line>> = (0..threads).map(|_| Vec::new()).collect();
    for i in 0..calls {
        let listening = if seconds.is_some() { Listening::UntilEnd } else { Listening::UntilEnough };
        let config = CallConfig::new(SessionConfig::new(SampleRate::TELEPHONE)).listening(listening);
        let mut call = Call::new(config, model.embedder(), model.detector(), None, Arc::clone(&calibration))?;
        let mut stage = None;
        if let Some(second) = second {
            call = second.attach(call)?;
            let mut own = Stage::new(Arc::clone(second), false);
            own.set_template(Some(somewhere(&second.model)?));
            stage = Some(own);
        }
        call.set_caller(Caller::Enrolled(Arc::clone(&template)))?;
        let authentication = Some(Authentication { policy: AuthPolicy::default(), early: false });
        call.set(Settings { streaming: true, authentication, fraud: None })?;
        lines[i % threads].push((call, stage));
    }
    Ok(lines)
}

/// The calls of one thread, played packet by packet as they are due: call `k` begins with its share of [`SPREAD`].
fn play_on_one(
    mut own: Vec<Line>,
    audio: &[Vec<Vec<u8>>],
    seconds: Option<f64>,
    start: Instant,
    number: impl Fn(usize) -> usize,
    calls: usize,
) -> Result<Worked> {
    let begins = |k: usize| SPREAD.mul_f64(number(k) as f64 / calls as f64);
    let mut due: BinaryHeap<Reverse<(Duration, usize, usize)>> =
        (0..own.len()).map(|k| Reverse((begins(k) + PACKET, k, 0))).collect();
    let mut lateness = Vec::with_capacity(own.len() * 1_000);
    let (mut waited, mut decided, mut busy) = (Vec::new(), 0, Duration::ZERO);
    let mut ended: Vec<Option<Instant>> = vec![None; own.len()];
    let mut told = vec![false; own.len()];
    while let Some(Reverse((at, k, n))) = due.pop() {
        let moment = start + at;
        if let Some(wait) = moment.checked_duration_since(Instant::now()) {
            std::thread::sleep(wait);
        }
        let began = Instant::now();
        let speech = &audio[number(k) % audio.len()];
        let (Some((call, stage)), Some(packet)) = (own.get_mut(k), speech.get(n % speech.len().max(1))) else {
            continue;
        };
        call.push_packet(Codec::Pcmu, packet)?;
        while call.next_event().is_some() {}
        if let Some(stage) = stage {
            stage.follow(call)?;
        }
        let done = Instant::now();
        busy += done - began;
        lateness.push(done.saturating_duration_since(moment));
        let enough = call.standing().missing_s <= 0.0;
        if enough && ended[k].is_none() {
            ended[k] = Some(done);
        }
        let answered = enough && stage.as_ref().is_none_or(|s| s.score().is_some());
        if answered && !told[k] {
            told[k] = true;
            decided += 1;
            waited.extend(ended[k].map(|since| done - since));
        }
        let over = match seconds {
            None => call.status() == StreamingStatus::Ended,
            Some(seconds) => (n + 1) as f64 * PACKET.as_secs_f64() >= seconds,
        };
        if !(over && answered) {
            due.push(Reverse((at + PACKET, k, n + 1)));
        }
    }
    Ok(Worked { lateness, waited, decided, busy })
}

fn play(
    model: &Model,
    (second, seconds): (Option<&Arc<Second>>, Option<f64>),
    calls: usize,
    threads: usize,
) -> Result<Outcome> {
    let voices = ["alice_call_1.wav", "bob_call_1.wav", "carol_call_1.wav", "dave_call_1.wav"];
    let audio = Arc::new(voices.iter().map(|v| packets(v)).collect::<Result<Vec<_>>>()?);
    let before = resident_kib();
    let lines = lines(model, (second, seconds), calls, threads)?;
    let kib_per_call = (resident_kib() - before) / calls as f64;

    let start = Instant::now() + Duration::from_millis(200);
    let workers: Vec<_> = lines
        .into_iter()
        .enumerate()
        .map(|(worker, own)| {
            let audio = Arc::clone(&audio);
            std::thread::spawn(move || play_on_one(own, &audio, seconds, start, |k| k * threads + worker, calls))
        })
        .collect();
    let mut outcome = Outcome {
        lateness: Vec::new(),
        waited: Vec::new(),
        decided: 0,
        kib_per_call,
        busy: Duration::ZERO,
        wall: Duration::ZERO,
    };
    for worker in workers {
        let joined = worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?;
        let Worked { lateness, waited, decided, busy } = joined.context("worker")?;
        outcome.lateness.extend(lateness);
        outcome.waited.extend(waited);
        outcome.decided += decided;
        outcome.busy += busy;
    }
    outcome.wall = start.elapsed();
    outcome.lateness.sort_unstable();
    outcome.waited.sort_unstable();
    Ok(outcome)
}

fn report(calls: usize, threads: usize, o: &Outcome) -> bool {
    let at = |share: f64| {
        let i = ((o.lateness.len().max(1) - 1) as f64 * share) as usize;
        o.lateness.get(i).copied().unwrap_or_default()
    };
    println!(
        "{calls} calls, {} decided, {} packets on {threads} threads: late p50 {:.2?}  p99 {:.2?}  p99.9 {:.2?}  max {:.2?}; \
         {:.0} KiB a call; {:.0} % of the threads' time",
        o.decided,
        o.lateness.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
        o.kib_per_call,
        100.0 * o.busy.as_secs_f64() / (o.wall.as_secs_f64() * threads as f64)
    );
    if let Some(most) = o.waited.last().filter(|w| **w > Duration::ZERO) {
        let median = o.waited.get(o.waited.len() / 2).copied().unwrap_or_default();
        println!(
            "the second network's answer came {median:.2?} after the response time in the median, {most:.2?} at most"
        );
    }
    at(0.99) <= LATE
}

fn main() -> Result<()> {
    let args = Args::parse();
    let precision = if args.int8 { Precision::Int8 } else { Precision::F32 };
    let model = Model::embedded_with(precision)?;
    println!("{} on {}", precision.name(), model.describe().backend.name());
    let second = match (&args.second, &args.second_calibration) {
        (Some(model), Some(calibration)) => {
            let bytes = std::fs::read(model).with_context(|| model.display().to_string())?;
            let text = std::fs::read_to_string(calibration).with_context(|| calibration.display().to_string())?;
            let calibration = models::calibration::parse(&text)?;
            Some(Arc::new(Second::new(Model::from_bytes(&bytes)?, calibration, args.second_threads)?))
        }
        _ => None,
    };
    let second = second.as_ref();
    if !args.most {
        report(args.calls, args.threads, &play(&model, (second, args.seconds), args.calls, args.threads)?);
        return Ok(());
    }
    let (mut good, mut bad) = (0, None);
    let mut calls = args.calls;
    while bad.is_none_or(|b| b - good > good / 10) {
        if report(calls, args.threads, &play(&model, (second, args.seconds), calls, args.threads)?) {
            good = calls;
            calls = bad.map_or(2 * calls, |b| (good + b) / 2);
        } else {
            bad = Some(calls);
            calls = (good + calls) / 2;
        }
        if calls == 0 {
            break;
        }
    }
    println!("{good} calls a minute hold");
    Ok(())
}
