//! The speech detector: six small layers that look mostly back. They hear frames relative to the running loudness, so that level
//! does not matter, and how much the spectrum changes. The PyTorch side is `train/net.py`.

use engine::embed::{MAX_BLOCK_FRAMES, SpeechDetector};
use engine::nn::{
    Activation, CausalCmn, ChangeSpec, LoudnessSpec, Precision, RunningLoudness, SpectralChange, SplicedAffine,
    Workspace,
};
use engine_simd::Backend;
use serde::Deserialize;

use crate::format::{Container, ModelError, ModelErrorKind};
use crate::network::{Detector, sizes};
use crate::tdnnf::{affine, cmn};

/// Sizes of a [`VadNet`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    mels: usize,
    channels: usize,
    /// Absent from containers of before December 2026, whose detectors hear absolute levels.
    loudness: Option<Loudness>,
    /// Absent from them too.
    change: Option<Change>,
}

/// [`LoudnessSpec`], as a container says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Loudness {
    first_bin: usize,
    rise: f64,
    fall: f64,
    floor: f64,
    range: f64,
}

/// [`ChangeSpec`], as a container says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    rates: Vec<f32>,
    smooth: f64,
    range: f32,
}

/// Brings changes, about 2 nats in speech, to the spread of the bins.
const CHANGE_SCALE: f32 = 4.0;

/// Reads a [`VadNet`] from a container.
pub(crate) fn build(
    c: &Container,
    config: &serde_json::Value,
    backend: Backend,
    _: Precision,
) -> Result<Detector, ModelError> {
    let network = VadNet::new(c, &sizes("detector", config)?, backend)?;
    Ok(Detector { make: Box::new(move || Box::new(network.clone())) })
}

/// Frames that each layer splices.
const OFFSETS: [&[i32]; 6] =
    [&[-2, -1, 0, 1, 2], &[-3, 0, 3], &[-6, 0, 6], &[-12, -6, 0], &[-24, -12, 0], &[-48, -24, 0]];

#[derive(Clone)]
pub(crate) struct VadNet {
    mels: usize,
    /// Numbers that the first layer takes of a frame: bins, then changes.
    inputs: usize,
    loudness: Option<RunningLoudness>,
    change: Option<SpectralChange>,
    /// Only its fixed mean and scale are used: every frame is told to be no speech.
    level: CausalCmn,
    layers: Vec<SplicedAffine>,
    out: SplicedAffine,
    work: Workspace,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl VadNet {
    pub(crate) fn new(container: &Container, config: &Config, backend: Backend) -> Result<Self, ModelError> {
        let Config { mels, channels, loudness, change } = config.clone();
        if [mels, channels].iter().any(|&n| n == 0 || n > 1024) {
            return Err(ModelError::new(ModelErrorKind::Header, "speech detector of impossible size".to_owned()));
        }
        let refused = |e| ModelError::new(ModelErrorKind::Header, format!("speech detector: {e}"));
        let loudness = loudness.map(|Loudness { first_bin, rise, fall, floor, range }| {
            RunningLoudness::new(mels, LoudnessSpec { first_bin, rise, fall, floor, range })
        });
        let change = change.map(|Change { rates, smooth, range }| {
            SpectralChange::new(mels, ChangeSpec { rates, smooth, range, scale: CHANGE_SCALE })
        });
        let (loudness, change) = (loudness.transpose().map_err(refused)?, change.transpose().map_err(refused)?);
        let inputs = mels + change.as_ref().map_or(0, SpectralChange::outputs);
        let layers = OFFSETS.iter().enumerate().map(|(i, offsets)| {
            let inputs = if i == 0 { inputs } else { channels };
            affine(
                container,
                (backend, Precision::F32),
                &format!("detector.layers.{i}"),
                (inputs, channels),
                offsets,
                1,
                Activation::Relu,
            )
        });
        let mut network = Self {
            mels,
            inputs,
            loudness,
            change,
            level: cmn(container, "detector", inputs, 1.0, 1.0)?,
            layers: layers.collect::<Result<_, _>>()?,
            out: affine(
                container,
                (backend, Precision::F32),
                "detector.out",
                (channels, 1),
                &[0],
                1,
                Activation::None,
            )?,
            work: Workspace::default(),
            a: vec![0.0; (MAX_BLOCK_FRAMES + 1) * channels.max(inputs)],
            b: vec![0.0; (MAX_BLOCK_FRAMES + 1) * channels.max(inputs)],
        };
        network.layers.iter().chain([&network.out]).for_each(|layer| network.work.reserve(layer, MAX_BLOCK_FRAMES + 1));
        Ok(network)
    }

    /// Runs `frames` frames that are in `a` through the layers from `first` on; returns how many were judged.
    fn layers(&mut self, first: usize, frames: usize, out: &mut [f32]) -> usize {
        let mut frames = frames;
        for layer in &mut self.layers[first..] {
            frames = layer.push(&self.a, frames, &mut self.b, &mut self.work);
            std::mem::swap(&mut self.a, &mut self.b);
        }
        self.out.push(&self.a, frames, out, &mut self.work)
    }
}

impl SpeechDetector for VadNet {
    fn num_mel_bins(&self) -> usize {
        self.mels
    }

    fn lookahead_frames(&self) -> usize {
        self.layers.iter().map(SplicedAffine::lookahead).sum()
    }

    fn push(&mut self, log_mel: &[f32], out: &mut [f32]) -> usize {
        let (mels, frames) = (self.mels, (log_mel.len() / self.mels).min(MAX_BLOCK_FRAMES));
        for (row, frame) in self.a.chunks_exact_mut(self.inputs).zip(log_mel.chunks_exact(mels)).take(frames) {
            let (bins, changes) = row.split_at_mut(mels);
            bins.copy_from_slice(frame);
            if let Some(loudness) = &mut self.loudness {
                loudness.apply(bins);
            }
            if let Some(change) = &mut self.change {
                change.push(bins, changes);
            }
            self.level.apply(row, false);
        }
        self.layers(0, frames, out)
    }

    fn finish(&mut self, out: &mut [f32]) -> usize {
        let mut done = 0;
        for i in 0..self.layers.len() {
            let n = self.layers[i].finish(&mut self.a, &mut self.work);
            done += self.layers(i + 1, n, &mut out[done..]);
        }
        done
    }

    fn reset(&mut self) {
        if let Some(loudness) = &mut self.loudness {
            loudness.reset();
        }
        if let Some(change) = &mut self.change {
            change.reset();
        }
        self.layers.iter_mut().for_each(SplicedAffine::reset);
        self.out.reset();
    }
}
