//! Decisions on real calls: how many come early, and at what error rates, beside those of whole files.
//!
//! `cargo run --release -p benches --bin decisions -- LIST --root DIR` takes a trial list (VoxCeleb format), joins each person's probes until
//! they hold 10 s of net speech or end, and streams them as PCMU packets of 20 ms against the enrolments that the list pairs
//! them with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use cli_audio::{ChannelChoice, MonoReader};
use engine::audio::{SampleRate, f32_to_i16, i16_to_f32};
use engine::call::{Authentication, Call, CallConfig, Caller, Listening, Settings};
use engine::codec::{Codec, g711};
use engine::metrics::TrialList;
use engine::quality::Band;
use engine::score::{AuthPolicy, Calibration, Conditions, Decision, Side};
use engine::session::{Session, SessionConfig};
use engine::template::{Embedding, Template};
use models::Model;

#[derive(Parser)]
struct Args {
    /// The trial list.
    list: PathBuf,
    /// Where its paths start.
    #[arg(long)]
    root: PathBuf,
    /// Accept at or above.
    #[arg(long, default_value_t = 90)]
    threshold: u8,
}

struct Heard {
    embedding: Vec<f32>,
    net_s: f64,
    samples: Vec<u8>,
}

fn companded(path: &Path) -> Result<Vec<u8>> {
    let mut reader = MonoReader::open(path, None, ChannelChoice::Ask)?;
    ensure!(reader.spec().rate_hz == 8_000, "{}: not at 8 kHz", path.display());
    let (mut bytes, mut chunk) = (Vec::new(), Vec::new());
    while reader.next_chunk(&mut chunk)? > 0 {
        bytes.extend(chunk.iter().map(|&x| g711::i16_to_ulaw(f32_to_i16(x))));
    }
    Ok(bytes)
}

/// The whole-file path.
fn whole(model: &Model, samples: Vec<u8>) -> Result<Heard> {
    let config = SessionConfig::new(SampleRate::TELEPHONE);
    let mut session = Session::new(config, model.embedder(), model.detector())?;
    let decoded: Vec<f32> = samples.iter().map(|&b| i16_to_f32(g711::ulaw_to_i16(b))).collect();
    session.push(&decoded)?;
    let net_s = session.finish().net_speech_s();
    let mut embedding = vec![0.0; model.dim()];
    ensure!(session.embedding(&mut embedding), "no speech");
    Ok(Heard { embedding, net_s, samples })
}

struct Tools {
    model: Model,
    calibration: Arc<Calibration>,
    threshold: u8,
}

impl Tools {
    fn call(
        &self,
        listening: Listening,
        early: bool,
        response_s: f64,
        template: &Arc<Template>,
        samples: &[u8],
    ) -> Result<Call> {
        let config = CallConfig::new(SessionConfig::new(SampleRate::TELEPHONE)).listening(listening);
        let (embedder, detector) = (self.model.embedder(), self.model.detector());
        let mut call = Call::new(config, embedder, detector, None, Arc::clone(&self.calibration))?;
        call.set_caller(Caller::Enrolled(Arc::clone(template)))?;
        let policy = AuthPolicy::new(self.threshold, response_s)?;
        call.set(Settings { streaming: true, authentication: Some(Authentication { policy, early }), fraud: None })?;
        for packet in samples.chunks(160) {
            call.push_packet(Codec::Pcmu, packet)?;
        }
        call.finish();
        Ok(call)
    }
}

/// Decisions of one way of listening.
#[derive(Default)]
struct Tally {
    trials: [usize; 2],
    accepted: [usize; 2],
    decided: [usize; 2],
    early: [usize; 2],
    seconds: f64,
}

impl Tally {
    fn note(&mut self, target: bool, call: &mut Call) {
        let Some(result) = call.evaluate().authentication else { return };
        let side = usize::from(target);
        self.trials[side] += 1;
        self.accepted[side] += usize::from(result.decision == Decision::Accept);
        self.decided[side] += usize::from(matches!(result.decision, Decision::Accept | Decision::Reject));
        self.early[side] += usize::from(result.early);
        self.seconds += result.net_speech_s;
    }

    fn line(&self, name: &str) -> String {
        let percent = |n: usize, of: usize| 100.0 * n as f64 / of.max(1) as f64;
        let all = self.trials[0] + self.trials[1];
        format!(
            "{name:<28} genuine decided {:>5.1} %, early {:>5.1} %; impostors early {:>5.1} %; FMR {:.2} %  FNMR {:.1} %; \
             {:.1} s of net speech on average",
            percent(self.decided[1], self.trials[1]),
            percent(self.early[1], self.trials[1]),
            percent(self.early[0], self.trials[0]),
            percent(self.accepted[0], self.trials[0]),
            percent(self.trials[1] - self.accepted[1], self.trials[1]),
            self.seconds / all.max(1) as f64
        )
    }
}

/// Voiceprints, joined probes, and who is compared with whom, by name.
struct People {
    templates: BTreeMap<String, Arc<Template>>,
    joined: BTreeMap<String, Heard>,
    pairs: BTreeSet<(String, String)>,
}

/// Enrols everybody and joins each one's probes until they hold 10 s of net speech.
fn people(list: &TrialList, root: &Path, tools: &Tools) -> Result<People> {
    let person = |file: u32| list.files()[file as usize].split('/').next().unwrap_or_default().to_owned();
    let (mut probes, mut enrolments) = (BTreeMap::<String, BTreeSet<u32>>::new(), BTreeMap::<String, u32>::new());
    let mut pairs = BTreeSet::new();
    for t in list.trials() {
        probes.entry(person(t.probe)).or_default().insert(t.probe);
        enrolments.entry(person(t.enrolment)).or_insert(t.enrolment);
        pairs.insert((person(t.enrolment), person(t.probe)));
    }
    let path = |file: u32| root.join(&list.files()[file as usize]);
    let mut templates = BTreeMap::new();
    for (who, &file) in &enrolments {
        let heard = whole(&tools.model, companded(&path(file))?)?;
        let template = benches::template(tools.model.id(), &heard.embedding, heard.net_s)?;
        templates.insert(who.clone(), Arc::new(template));
    }
    let mut joined = BTreeMap::new();
    for (who, files) in &probes {
        let mut samples = Vec::new();
        let mut heard = None;
        for &file in files {
            samples.extend(companded(&path(file))?);
            let now = whole(&tools.model, samples.clone())?;
            let enough = now.net_s >= 10.0;
            heard = Some(now);
            if enough {
                break;
            }
        }
        joined.insert(who.clone(), heard.context("a person without probes")?);
    }
    Ok(People { templates, joined, pairs })
}

fn main() -> Result<()> {
    let args = Args::parse();
    let list =
        TrialList::parse(&std::fs::read_to_string(&args.list).with_context(|| args.list.display().to_string())?)?;
    let tools = Tools {
        model: Model::embedded()?,
        calibration: Arc::new(models::calibration::parse(models::calibration_json())?),
        threshold: args.threshold,
    };
    let People { templates, joined, pairs } = people(&list, &args.root, &tools)?;
    let enough = joined.values().filter(|h| h.net_s >= 10.0).count();
    println!(
        "{} people, {enough} of them with 10 s of net speech in their joined probes; {} pairs",
        joined.len(),
        pairs.len()
    );

    let names = ["whole file", "call to its end", "response time 10 s", "10 s, early decisions", "response time 5 s"];
    let mut tallies: Vec<Tally> = names.iter().map(|_| Tally::default()).collect();
    let mut files = Tally::default();
    let mut compared = 0;
    for (enrolled, caller) in &pairs {
        let (Some(template), Some(heard)) = (templates.get(enrolled), joined.get(caller)) else { continue };
        if heard.net_s < 10.0 {
            continue;
        }
        let target = enrolled == caller;
        let side = usize::from(target);
        let probe = Embedding::new(tools.model.id(), &heard.embedding)?;
        let conditions = Conditions { probe: Side::new(heard.net_s, Band::Narrow)?, enrol: template.side() };
        let score = tools.calibration.score(template.cosine(&probe)?, conditions)?;
        files.trials[side] += 1;
        files.decided[side] += 1;
        files.accepted[side] += usize::from(score.value() >= args.threshold);
        files.seconds += heard.net_s;
        for (k, (listening, early, response_s)) in [
            (Listening::UntilEnd, false, 10.0),
            (Listening::UntilEnough, false, 10.0),
            (Listening::UntilEnough, true, 10.0),
            (Listening::UntilEnough, false, 5.0),
        ]
        .into_iter()
        .enumerate()
        {
            let mut call = tools.call(listening, early, response_s, template, &heard.samples)?;
            if k == 0 {
                let own = call.standing().score.context("no score")?;
                ensure!(own.exact().to_bits() == score.exact().to_bits(), "the two paths differ: {own} and {score}");
                compared += 1;
            }
            tallies[k + 1].note(target, &mut call);
        }
    }
    tallies[0] = files;
    println!("{compared} scores of packets and whole files are the same to the bit");
    println!("at threshold {}:", args.threshold);
    for (name, tally) in names.iter().zip(&tallies) {
        println!("  {}", tally.line(name));
    }
    Ok(())
}
