//! A speaker network that was trained elsewhere, as an ONNX graph, run by rten.
//!
//! Its frames come from the filter bank that it was trained on, at its own sampling rate; net speech goes through the graph in chunks
//! (`chunks`). The least that counts is what the graph takes: half a second, or more.
//!
//! A graph has a thread of its own, which loads it and is the only one that runs it. rten spreads the work over a pool of threads, and
//! a caller that waits there from within another pool is given other work of its own pool meanwhile: whoever hears many files at once
//! would begin the next file on top of the unfinished one, file upon file, until the stack ends. A caller that waits for this
//! thread does nothing else, and the thread's stack has room for the longest graph that is read. How large a graph may be, and how
//! deep, is said before rten sees it (`protobuf`); a panic within rten is an error of the graph.
//!
//! The graph allocates while it runs: the real-time promise of the engine's own networks does not hold for these. How much memory it
//! takes is the graph's choice: import only what you trust with that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use engine::embed::Embedder;
use engine::fbank::{Fbank, FbankConfig, Log, Triangles, Window};
use engine::nn::Precision;
use engine_simd::Backend;
use rten::NodeId;
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::chunks::{Chunked, Pace, Whole};
use crate::format::{Container, FrontEnd, ModelError, ModelErrorKind, NewTensor};
use crate::network::{Speaker, sizes};
use crate::protobuf;

/// Family of imported networks.
pub(crate) const FAMILY: &str = "Onnx";
/// The tensor that holds the graph.
const GRAPH: &str = "speaker.onnx";
/// Lengths that a graph is tried with, in frames, are multiples of this; the least that it takes is the least that counts.
const LEAST_FRAMES: usize = 50;
/// Stack of a graph's thread, in bytes: planning visits the nodes of a chain one within the other. Only what is used is ever taken
/// from the system.
const STACK_BYTES: usize = 256 << 20;

/// Names of the front ends that [`OnnxConfig::from_settings`] knows.
pub const PRESETS: &[&str] = &["wespeaker", "3d-speaker", "speechbrain"];

/// How the axes of the input lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// `(1, frames, mel bins)`.
    FramesMels,
    /// `(1, mel bins, frames)`.
    MelsFrames,
}

/// Which logarithm energies are given in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LogName {
    Natural,
    Decibel,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WindowName {
    Povey,
    Hamming,
    HammingPeriodic,
    Hann,
    Rectangular,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TrianglesName {
    Mel,
    SymmetricHz,
}

/// How a network that was trained elsewhere is fed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxConfig {
    samp_freq: u32,
    frame_length_ms: u32,
    fft: usize,
    num_mel_bins: usize,
    low_freq: f64,
    high_freq: f64,
    preemph_coeff: f32,
    remove_dc_offset: bool,
    scale: f32,
    window_type: WindowName,
    triangles: TrianglesName,
    log: LogName,
    energy_floor: f32,
    centred: bool,
    /// Energies lie at most so far under the loudest of their chunk, in the unit of `log`; 0 for no limit.
    top_db: f32,
    /// Whether each bin's mean over the chunk is taken off.
    mean_norm: bool,
    /// Net speech that goes through the graph at once, in seconds.
    chunk_s: f64,
    layout: Layout,
    /// The graph's input; its first if empty.
    input: String,
    /// The graph's output; its first if empty.
    output: String,
    /// An input that takes the relative length of the utterance, always 1; none if empty.
    lengths_input: String,
}

/// Kaldi's front end as WeSpeaker, 3D-Speaker and most others use it, or SpeechBrain's.
fn preset(name: &str) -> Option<Value> {
    let kaldi = json!({
        "samp_freq": 16_000, "frame_length_ms": 25, "fft": 512, "num_mel_bins": 80, "low_freq": 20.0, "high_freq": 8000.0,
        "preemph_coeff": 0.97, "remove_dc_offset": true, "scale": 32_768.0, "window_type": "povey", "triangles": "mel",
        "log": "natural", "energy_floor": f32::EPSILON, "centred": false, "top_db": 0.0, "mean_norm": true, "chunk_s": 4.0,
        "layout": "frames-mels", "input": "", "output": "", "lengths_input": "",
    });
    let changed = match name {
        "wespeaker" => json!({ "window_type": "hamming" }),
        "3d-speaker" => json!({ "scale": 1.0 }),
        "speechbrain" => json!({
            "fft": 400, "low_freq": 0.0, "preemph_coeff": 0.0, "remove_dc_offset": false, "scale": 1.0,
            "window_type": "hamming-periodic", "triangles": "symmetric-hz", "log": "decibel", "energy_floor": 1e-10,
            "centred": true, "top_db": 80.0,
        }),
        _ => return None,
    };
    Some(merged(kaldi, changed))
}

fn merged(mut into: Value, from: Value) -> Value {
    if let (Value::Object(into), Value::Object(from)) = (&mut into, from) {
        into.extend(from);
    }
    into
}

fn unsupported(detail: impl Into<String>) -> ModelError {
    ModelError::new(ModelErrorKind::Unsupported, detail)
}

impl OnnxConfig {
    /// From settings by name: `preset`, one of [`PRESETS`] (without it: `wespeaker`), and whatever differs from it.
    ///
    /// # Errors
    /// An unknown preset or setting, a value of the wrong kind or out of its range.
    pub fn from_settings(settings: Value) -> Result<Self, ModelError> {
        let wrong = |detail: String| ModelError::new(ModelErrorKind::Header, format!("front end: {detail}"));
        let Value::Object(mut settings) = settings else { return Err(wrong("not a table of settings".to_owned())) };
        let name = settings.remove("preset").unwrap_or_else(|| json!("wespeaker"));
        let base = name.as_str().and_then(preset);
        let base = base.ok_or_else(|| wrong(format!("preset {name}: expected one of {}", PRESETS.join(", "))))?;
        let config: Self =
            serde_json::from_value(merged(base, Value::Object(settings))).map_err(|e| wrong(e.to_string()))?;
        config.check().map_err(|e| wrong(e.to_string()))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ModelError> {
        Fbank::with_config(self.fbank()).map_err(|e| ModelError::new(ModelErrorKind::Header, e.to_string()))?;
        let range = |name: &str, fine: bool| {
            if fine { Ok(()) } else { Err(ModelError::new(ModelErrorKind::Header, format!("{name} is out of range"))) }
        };
        range("chunk_s (1 to 30)", (1.0..=30.0).contains(&self.chunk_s))?;
        range("top_db (0 or more)", self.top_db >= 0.0 && self.top_db.is_finite())
    }

    fn chunk_frames(&self) -> usize {
        (self.chunk_s * f64::from(engine::embed::FRAMES_PER_SECOND)).round() as usize
    }

    /// The filter bank.
    pub fn fbank(&self) -> FbankConfig {
        let floor = self.energy_floor;
        FbankConfig {
            samp_freq: self.samp_freq,
            frame_length_ms: self.frame_length_ms,
            fft: self.fft,
            num_mel_bins: self.num_mel_bins,
            low_freq: self.low_freq,
            high_freq: self.high_freq,
            preemph_coeff: self.preemph_coeff,
            remove_dc_offset: self.remove_dc_offset,
            scale: self.scale,
            window: match self.window_type {
                WindowName::Povey => Window::Povey,
                WindowName::Hamming => Window::Hamming,
                WindowName::HammingPeriodic => Window::HammingPeriodic,
                WindowName::Hann => Window::Hann,
                WindowName::Rectangular => Window::Rectangular,
            },
            triangles: match self.triangles {
                TrianglesName::Mel => Triangles::Mel,
                TrianglesName::SymmetricHz => Triangles::SymmetricHz,
            },
            log: match self.log {
                LogName::Natural => Log::Natural { floor },
                LogName::Decibel => Log::Decibel { floor },
            },
            centred: self.centred,
        }
    }
}

/// What a container says of an imported network: how it is fed, and what trying it out showed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizes {
    front_end: OnnxConfig,
    dim: usize,
    /// Least number of frames that the graph takes.
    least_frames: usize,
}

/// Lengths of an embedding that are taken.
const DIMS: std::ops::RangeInclusive<usize> = 2..=4096;

/// What is to be run: the inputs, and where the output goes.
struct Job {
    input: NdTensor<f32, 3>,
    answer: SyncSender<Result<Vec<f32>, String>>,
}

/// The graph and how it is fed, shared by all streams.
struct Graph {
    config: OnnxConfig,
    sizes: (usize, usize),
    parameters: usize,
    jobs: Sender<Job>,
}

/// A graph as rten has it, on its thread.
struct Loaded {
    model: rten::Model,
    input: NodeId,
    lengths: Option<NodeId>,
    output: NodeId,
}

/// What a panic said.
fn panicked(_: Box<dyn std::any::Any + Send>) -> String {
    "the runtime cannot cope with it".to_owned()
}

impl Loaded {
    fn new(onnx: Vec<u8>, config: &OnnxConfig) -> Result<Self, String> {
        let mut options = rten::ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load(onnx).map_err(|e| e.to_string())?;
        let names = |ids: &[NodeId]| {
            let names: Vec<String> =
                ids.iter().filter_map(|&id| Some(model.node_info(id)?.name()?.to_owned())).collect();
            names.join(", ")
        };
        let find = |role: &str, name: &str, ids: &[NodeId]| {
            let found = if name.is_empty() {
                ids.first().copied()
            } else {
                ids.iter()
                    .copied()
                    .find(|&id| model.node_info(id).and_then(|n| n.name().map(|n| n == name)) == Some(true))
            };
            found.ok_or_else(|| format!("no {role} {name:?}; it has {}", names(ids)))
        };
        let input = find("input", &config.input, model.input_ids())?;
        let output = find("output", &config.output, model.output_ids())?;
        let lengths = match config.lengths_input.as_str() {
            "" => None,
            name => Some(find("input", name, model.input_ids())?),
        };
        let left: Vec<NodeId> =
            model.input_ids().iter().copied().filter(|&id| id != input && Some(id) != lengths).collect();
        if !left.is_empty() {
            return Err(format!("nothing to give to its input {}", names(&left)));
        }
        Ok(Self { model, input, lengths, output })
    }

    fn run(&self, input: NdTensor<f32, 3>) -> Result<Vec<f32>, String> {
        let mut inputs = vec![(self.input, input.into())];
        if let Some(lengths) = self.lengths {
            inputs.push((lengths, NdTensor::from_data([1], vec![1.0f32]).into()));
        }
        let [output] = self.model.run_n(inputs, [self.output], None).map_err(|e| e.to_string())?;
        let output: rten_tensor::Tensor<f32> = output.try_into().map_err(|_| "its output is not f32".to_owned())?;
        Ok(output.iter().copied().collect())
    }

    /// What a graph's thread does: one job after another, until nobody is left who could send one.
    fn serve(&self, jobs: &Receiver<Job>) {
        for Job { input, answer } in jobs {
            let done = catch_unwind(AssertUnwindSafe(|| self.run(input))).unwrap_or_else(|p| Err(panicked(p)));
            // Nobody waits any more: nobody is told.
            _ = answer.send(done);
        }
    }
}

impl Graph {
    /// Loads a graph, on a thread of its own. `sizes` is the length of an embedding and the least number of frames.
    fn new(onnx: Vec<u8>, config: OnnxConfig, sizes: (usize, usize)) -> Result<Self, ModelError> {
        let wrong = |e: String| unsupported(format!("ONNX graph: {e}"));
        config.check()?;
        protobuf::check(&onnx).map_err(wrong)?;
        let (jobs, work) = mpsc::channel();
        let (tell, told) = mpsc::sync_channel(1);
        let own = config.clone();
        let thread = std::thread::Builder::new().name("vouch-onnx".to_owned()).stack_size(STACK_BYTES);
        let life = move || {
            let loaded = catch_unwind(|| Loaded::new(onnx, &own)).unwrap_or_else(|p| Err(panicked(p)));
            match loaded {
                Ok(loaded) => {
                    _ = tell.send(Ok(loaded.model.total_params()));
                    loaded.serve(&work);
                }
                Err(e) => _ = tell.send(Err(e)),
            }
        };
        thread.spawn(life).map_err(|e| wrong(format!("no thread for it: {e}")))?;
        let parameters = told.recv().unwrap_or_else(|_| Err("its thread ended".to_owned())).map_err(wrong)?;
        Ok(Self { config, sizes, parameters, jobs })
    }

    /// What comes out for a chunk of frames, row-major `(frames, mel bins)`, scaled to unit norm.
    fn embed(&self, frames: &[f32]) -> Result<Vec<f32>, String> {
        let bins = self.config.num_mel_bins;
        let count = frames.len() / bins;
        let peak = frames.iter().fold(f32::NEG_INFINITY, |m, &v| m.max(v));
        let floor = if self.config.top_db > 0.0 { peak - self.config.top_db } else { f32::NEG_INFINITY };
        let mut x: Vec<f32> = frames.iter().map(|&v| v.max(floor)).collect();
        if self.config.mean_norm {
            let mut means = vec![0.0f64; bins];
            x.chunks_exact(bins).for_each(|f| means.iter_mut().zip(f).for_each(|(m, &v)| *m += f64::from(v)));
            let means: Vec<f32> = means.iter().map(|m| (m / count as f64) as f32).collect();
            x.chunks_exact_mut(bins).for_each(|f| f.iter_mut().zip(&means).for_each(|(v, m)| *v -= m));
        }
        let input = match self.config.layout {
            Layout::FramesMels => NdTensor::from_data([1, count, bins], x),
            Layout::MelsFrames => {
                let turned = (0..bins).flat_map(|b| x.iter().skip(b).step_by(bins).copied()).collect::<Vec<f32>>();
                NdTensor::from_data([1, bins, count], turned)
            }
        };
        let (answer, answered) = mpsc::sync_channel(1);
        let ended = || "its thread ended".to_owned();
        self.jobs.send(Job { input, answer }).map_err(|_| ended())?;
        let raw = answered.recv().map_err(|_| ended())??;
        let norm = raw.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        if norm.is_finite() && norm > 0.0 {
            Ok(raw.iter().map(|&v| (f64::from(v) / norm) as f32).collect())
        } else {
            Err("its output is not finite or all 0".to_owned())
        }
    }

    /// Runs chunks of every length that streams will have, and tells the length of the embedding and the least number of frames
    /// that the graph takes.
    fn prove(&self) -> Result<(usize, usize), ModelError> {
        let (bins, chunk) = (self.config.num_mel_bins, self.config.chunk_frames());
        let (mut dim, mut least, mut refused) = (None, None, String::new());
        for frames in (LEAST_FRAMES..chunk).step_by(LEAST_FRAMES).chain([chunk]) {
            let x: Vec<f32> = (0..frames * bins).map(|i| ((i * i % 97) as f32 / 9.7).sin() * 3.0).collect();
            match self.embed(&x) {
                Ok(embedding) if *dim.get_or_insert(embedding.len()) != embedding.len() => {
                    return Err(unsupported("ONNX graph: its output grows with its input, so it is no embedding"));
                }
                Ok(_) => _ = least.get_or_insert(frames),
                Err(e) if least.is_none() => refused = e,
                Err(e) => return Err(unsupported(format!("ONNX graph, {frames} frames: {e}"))),
            }
        }
        let (Some(dim), Some(least)) = (dim, least) else {
            return Err(unsupported(format!("ONNX graph, up to {chunk} frames: {refused}")));
        };
        if DIMS.contains(&dim) {
            Ok((dim, least))
        } else {
            Err(unsupported(format!("ONNX graph: an embedding of {dim} numbers")))
        }
    }
}

pub(crate) fn build(
    c: &Container,
    config: &Value,
    _backend: Backend,
    precision: Precision,
) -> Result<Speaker, ModelError> {
    if precision == Precision::Int8 {
        return Err(unsupported("an imported network runs as its graph says; leave --precision out"));
    }
    let graph = c.blob(GRAPH).ok_or_else(|| ModelError::in_tensor(GRAPH, "is missing"))?;
    let Sizes { front_end, dim, least_frames } = sizes("speaker", config)?;
    let graph = Graph::new(graph.to_vec(), front_end, (dim, least_frames))?;
    if !(DIMS.contains(&dim) && (1..=graph.config.chunk_frames()).contains(&least_frames)) {
        return Err(ModelError::new(ModelErrorKind::Header, "speaker network of impossible size"));
    }
    let (id, parameters) = (c.id, graph.parameters);
    let graph: Arc<dyn Whole> = Arc::new(graph);
    let make =
        move |block| -> Box<dyn Embedder> { Box::new(Chunked::new(id, Arc::clone(&graph), Pace::of_block(block))) };
    Ok(Speaker { make: Box::new(make), macs_per_second: None, parameters, imported: true })
}

impl Whole for Graph {
    fn fbank(&self) -> FbankConfig {
        self.config.fbank()
    }

    fn dim(&self) -> usize {
        self.sizes.0
    }

    fn least_frames(&self) -> usize {
        self.sizes.1
    }

    fn chunk_frames(&self) -> usize {
        self.config.chunk_frames()
    }

    fn run(&self, frames: &[f32]) -> Result<Vec<f32>, String> {
        self.embed(frames)
    }
}

/// Puts an ONNX speaker network and the speech detector of `detector`, a container, into a container of their own.
///
/// # Errors
/// The graph cannot be read, has operators that rten lacks, or gives no embedding; `detector` is damaged.
pub fn import(
    onnx: &[u8],
    config: &OnnxConfig,
    detector: &[u8],
    about: &[(String, String)],
) -> Result<Vec<u8>, ModelError> {
    let (dim, least_frames) = Graph::new(onnx.to_vec(), config.clone(), (0, 1))?.prove()?;
    let sizes = Sizes { front_end: config.clone(), dim, least_frames };
    let source = Container::parse(detector)?;
    let entry = source.networks.get("detector").ok_or_else(|| unsupported("a container without speech detector"))?;
    let header = |e: serde_json::Error| ModelError::new(ModelErrorKind::Header, e.to_string());
    let networks = json!({
        "speaker": { "family": FAMILY, "config": serde_json::to_value(sizes).map_err(header)? },
        "detector": { "family": entry.family, "config": entry.config },
    });
    let mut tensors = vec![NewTensor::blob(GRAPH, onnx)];
    tensors.extend(source.tensors("detector.").map(|(name, t)| NewTensor::f32(name, t)));
    crate::format::write(&networks, &FrontEnd::engine(), tensors, about)
}
