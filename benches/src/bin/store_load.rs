//! A domain under load: `store_load [--seconds 60] [--readers 8] [--writers 2] [--speakers 1000] [--reads-per-second 0] [--dir DIR]`.
//!
//! One domain, opened once and shared by all threads. Readers look voiceprints up, with every tenth call a speaker's entry and every tenth a page of
//! speakers; writers enrol new speakers, and every twentieth call of theirs deletes one that they enrolled, which empties the log too. Printed: reads and writes a
//! second, and how long a reader waited for its answer and a writer for its acknowledgement. At the end the domain is opened anew and every acknowledged write
//! is read back, byte for byte; one that is missing ends the program with an error.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use cli_store::{Domain, Enrolment, Lookup, ModelId, NewDomain, SpeakerId};
use testdata::Random;

const MODEL: ModelId = ModelId([0x5a; 16]);
/// As large as a template of the default network with its header.
const TEMPLATE_BYTES: usize = 1_100;
/// One write in so many is a deletion.
const DELETE_EVERY: u64 = 20;

#[derive(Parser)]
struct Args {
    /// How long, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Threads that read.
    #[arg(long, default_value_t = 8)]
    readers: u64,
    /// Threads that write.
    #[arg(long, default_value_t = 2)]
    writers: u64,
    /// Speakers that are enrolled before it begins, and that are read.
    #[arg(long, default_value_t = 1_000)]
    speakers: u64,
    /// Reads that each reader asks for a second; 0: the next as soon as one is answered.
    #[arg(long, default_value_t = 0)]
    reads_per_second: u32,
    /// Where the domain is made; a temporary directory unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
}

fn template(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..TEMPLATE_BYTES).map(|_| random.below(256) as u8).collect()
}

fn id(name: &str) -> Result<SpeakerId> {
    Ok(name.parse()?)
}

fn enrol(domain: &Domain, name: &str, seed: u64) -> Result<()> {
    domain.put_voiceprint(&id(name)?, Enrolment::new(MODEL, &template(seed)))?;
    Ok(())
}

/// Whether the speaker has the voiceprint of this seed.
fn has(domain: &Domain, name: &str, seed: u64) -> Result<bool> {
    Ok(matches!(domain.voiceprint(&id(name)?)?, Lookup::Enrolled(print) if print.template() == template(seed)))
}

/// Reads until told to stop; gives how long each read took.
fn read(domain: &Domain, args: &Args, number: u64, stop: &AtomicBool) -> Result<Vec<Duration>> {
    let mut random = Random::new(1_000 + number);
    let mut waits = Vec::new();
    let pause = (args.reads_per_second > 0).then(|| Duration::from_secs(1) / args.reads_per_second);
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if let Some(pause) = pause {
            due += pause;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let n = random.below(args.speakers as usize) as u64;
        let (name, begin) = (format!("s{n}"), Instant::now());
        match random.below(10) {
            0 => drop(domain.describe_speaker(&id(&name)?)?),
            1 => drop(domain.list_speakers(20, None)?),
            _ => {
                let found = domain.voiceprint(&id(&name)?)?;
                waits.push(begin.elapsed());
                let Lookup::Enrolled(print) = found else { anyhow::bail!("{name} is not enrolled") };
                ensure!(print.template() == template(n), "{name} has another template");
                continue;
            }
        }
        waits.push(begin.elapsed());
    }
    Ok(waits)
}

/// What a writer did and was told that it is done.
#[derive(Default)]
struct Written {
    waits: Vec<Duration>,
    enrolled: Vec<u64>,
    deleted: Vec<u64>,
}

fn seed(writer: u64, n: u64) -> u64 {
    (writer + 1) << 32 | n
}

fn write(domain: &Domain, number: u64, stop: &AtomicBool) -> Result<Written> {
    let mut written = Written::default();
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let begin = Instant::now();
        if n % DELETE_EVERY == 0 {
            let gone = written.enrolled.swap_remove(written.enrolled.len() / 2);
            domain.delete_speaker(&id(&format!("w{number}-{gone}"))?)?;
            written.deleted.push(gone);
        } else {
            enrol(domain, &format!("w{number}-{n}"), seed(number, n))?;
            written.enrolled.push(n);
        }
        written.waits.push(begin.elapsed());
    }
    Ok(written)
}

fn line(what: &str, waits: &mut [Duration], seconds: f64) {
    waits.sort_unstable();
    let at = |q: f64| {
        let i = ((waits.len() as f64 * q) as usize).min(waits.len().saturating_sub(1));
        waits.get(i).map_or(0.0, |t| t.as_secs_f64() * 1e3)
    };
    println!(
        "{what:<7} {:>9} {:>10.0} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
        waits.len(),
        waits.len() as f64 / seconds,
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

fn main() -> Result<()> {
    let args = Args::parse();
    let temporary = tempfile::tempdir()?;
    let path = args.dir.clone().unwrap_or_else(|| temporary.path().to_owned()).join("load.domain");
    let domain = Domain::create(&path, NewDomain::new("load".parse()?))?;
    for n in 0..args.speakers {
        enrol(&domain, &format!("s{n}"), n)?;
    }
    let (stop, begin) = (AtomicBool::new(false), Instant::now());
    let (mut reads, written) = std::thread::scope(|scope| -> Result<_> {
        let (args, domain, stop) = (&args, &domain, &stop);
        let readers: Vec<_> = (0..args.readers).map(|n| scope.spawn(move || read(domain, args, n, stop))).collect();
        let writers: Vec<_> = (0..args.writers).map(|n| scope.spawn(move || write(domain, n, stop))).collect();
        std::thread::sleep(Duration::from_secs(args.seconds));
        stop.store(true, Ordering::Relaxed);
        let mut reads = Vec::new();
        for reader in readers {
            reads.append(&mut reader.join().ok().context("a reader panicked")??);
        }
        let written = writers.into_iter().map(|w| w.join().ok().context("a writer panicked")?);
        Ok((reads, written.collect::<Result<Vec<Written>>>()?))
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{} readers, {} writers, {} speakers, {seconds:.1} s", args.readers, args.writers, args.speakers);
    println!(
        "{:<7} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9}",
        "", "calls", "a second", "p50 ms", "p99 ms", "p99.9 ms", "max ms"
    );
    line("reads", &mut reads, seconds);
    line("writes", &mut written.iter().flat_map(|w| w.waits.iter().copied()).collect::<Vec<_>>(), seconds);

    drop(domain);
    let domain = Domain::open(&path)?;
    let (mut checked, mut lost) = (0, Vec::new());
    for (number, written) in (0..).zip(&written) {
        for n in &written.enrolled {
            checked += 1;
            let name = format!("w{number}-{n}");
            if !has(&domain, &name, seed(number, *n))? {
                lost.push(name);
            }
        }
        for n in &written.deleted {
            checked += 1;
            let name = format!("w{number}-{n}");
            if !matches!(domain.voiceprint(&id(&name)?)?, Lookup::NotEnrolled) {
                lost.push(format!("{name} (deleted)"));
            }
        }
    }
    let there: u64 = args.speakers + written.iter().map(|w| w.enrolled.len() as u64).sum::<u64>();
    ensure!(lost.is_empty(), "{} of {checked} acknowledged writes are lost: {lost:?}", lost.len());
    let counted = domain.count_speakers()?;
    ensure!(counted == there, "{counted} speakers are there, {there} were acknowledged");
    println!(
        "read back: all of {checked} acknowledged writes, {counted} speakers, {} audit entries that fit",
        domain.verify_audit()?
    );
    Ok(())
}
