//! A recording through the pipeline: the one way in which every command turns audio into an embedding.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli_audio::{ChannelChoice, MonoReader, RawFormat};
use engine::audio::SampleRate;
use engine::bleed::{Bleed, BleedMeter};
use engine::dtmf::DtmfDigit;
use engine::enroll::RecordingEvidence;
use engine::quality::{Band, Quality};
use engine::score::Side;
use engine::session::{Session, SessionConfig};
use engine::template::Embedding;
use models::{Model, Precision, calibration};

use crate::error::{Context, Result, bail};
use crate::second::Second;

/// In a domain: the network that its commands use, if it is not the built-in one.
pub const MODEL_FILE: &str = "model.vouch";
/// In a domain: the calibration of its network.
pub const CALIBRATION_FILE: &str = "calibration.json";

/// Where the network and its calibration come from.
#[derive(Clone, Debug)]
pub struct ModelFiles {
    /// A domain that may hold its own.
    pub domain: Option<PathBuf>,
    /// A network to use instead.
    pub model: Option<PathBuf>,
    /// A calibration to use instead.
    pub calibration: Option<PathBuf>,
    /// What the network multiplies with.
    pub precision: Precision,
}

impl Default for ModelFiles {
    /// The built-in ones.
    fn default() -> Self {
        Self { domain: None, model: None, calibration: None, precision: Precision::F32 }
    }
}

/// How a recording is read.
#[derive(Clone, Copy, Default, Debug)]
pub struct Input {
    /// Which channel of several.
    pub channel: Option<ChannelChoice>,
    /// What headerless audio is.
    pub format: Option<RawFormat>,
}

/// The network and what its scores mean.
#[derive(Clone)]
pub struct Toolkit {
    /// The network.
    pub model: Model,
    /// The meaning of its scores.
    pub calibration: Arc<engine::score::Calibration>,
    /// The network that decides, where the first one only follows.
    pub second: Option<Arc<Second>>,
}

/// What one channel of a recording holds.
pub struct Recording {
    /// Unit-norm embedding; `None` without net speech.
    pub embedding: Option<Vec<f32>>,
    /// Embeddings of consecutive windows, `(n, dim)`; empty unless asked for.
    pub windows: Vec<f32>,
    /// Net speech, in seconds.
    pub net_speech_s: f64,
    /// Levels, noise, clipping, bandwidth.
    pub quality: Quality,
    /// Keys that were pressed.
    pub dtmf: Vec<DtmfDigit>,
    /// How the other channel of two is heard in this one.
    pub bleed: Option<Bleed>,
}

impl Recording {
    /// It as a side of a comparison.
    ///
    /// # Errors
    /// It has no net speech.
    pub fn side(&self) -> Result<Side> {
        Ok(Side::new(self.net_speech_s, Band::of(self.quality.bandwidth_hz))?)
    }
}

/// What is wanted of a recording.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    /// Window embeddings, for enrolment.
    pub windows: bool,
    /// Push packets of this length instead of whole reads.
    pub packet_ms: Option<u32>,
    /// Stop after this much net speech, in seconds.
    pub max_speech_s: Option<f64>,
}

/// Opens a file (`-`: standard input) and chooses its channel.
///
/// # Errors
/// It cannot be read or is no audio, its rate is out of range, or it has several channels and none is chosen.
pub fn open_channel(path: &Path, input: impl Into<Input>) -> Result<(MonoReader, SampleRate)> {
    let input = input.into();
    let source = MonoReader::open(path, input.format, input.channel.unwrap_or(ChannelChoice::Ask))?;
    let rate = SampleRate::new(source.spec().rate_hz).with_context(|| source.file().name().to_owned())?;
    Ok((source, rate))
}

impl Toolkit {
    /// Loads the network and its calibration: the built-in ones, or those of `--model` and `--calibration`.
    ///
    /// # Errors
    /// A file cannot be read or is not what it should be, or the calibration belongs to another network.
    pub fn load(files: impl Into<ModelFiles>) -> Result<Self> {
        let tools = Self::load_network(files)?;
        let (calibration, model) = (&tools.calibration, &tools.model);
        if calibration.model_id() != model.id() {
            bail!(
                "the calibration belongs to model {}, not to {}; give the matching one with --calibration, or make one with \
                 `vouch calibrate`",
                calibration.model_id(),
                model.id()
            );
        }
        Ok(tools)
    }

    /// As [`Toolkit::load`], with a calibration that may be another network's: then everything works but scoring, which is an
    /// error.
    ///
    /// # Errors
    /// A file cannot be read or is not what it should be.
    pub fn load_network(files: impl Into<ModelFiles>) -> Result<Self> {
        let files = files.into();
        let or_of_domain = |given: &Option<PathBuf>, file: &str| -> Result<Option<PathBuf>> {
            let Some(domain) = &files.domain else { return Ok(given.clone()) };
            let own = domain.join(file);
            let there = given.is_none() && own.try_exists().with_context(|| own.display().to_string())?;
            Ok(given.clone().or(there.then_some(own)))
        };
        let model = match or_of_domain(&files.model, MODEL_FILE)? {
            None => Model::embedded_with(files.precision).context("built-in network")?,
            Some(path) => {
                let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
                Model::from_bytes_with(&bytes, files.precision).with_context(|| path.display().to_string())?
            }
        };
        let calibration = match or_of_domain(&files.calibration, CALIBRATION_FILE)? {
            None => calibration::parse(models::calibration_json()).context("built-in calibration")?,
            Some(path) => {
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                calibration::parse(&text).with_context(|| path.display().to_string())?
            }
        };
        // A network that is named on the command line is the only one.
        let second = match (&files.model, &files.domain) {
            (None, Some(domain)) => Second::load(domain)?.map(Arc::new),
            _ => None,
        };
        Ok(Self { model, calibration: Arc::new(calibration), second })
    }

    /// The same for the network that decides alone, where there is one.
    #[must_use]
    pub fn deciding(&self) -> Option<Self> {
        let second = self.second.as_ref()?;
        Some(Self { model: second.model.clone(), calibration: Arc::clone(&second.calibration), second: None })
    }

    /// Runs one channel through the pipeline. `progress` is told the samples read so far.
    ///
    /// # Errors
    /// The audio cannot be read or decoded.
    pub fn analyse(&self, mut source: MonoReader, wanted: Wanted, mut progress: impl FnMut(u64)) -> Result<Recording> {
        let name = source.file().name().to_owned();
        let rate_hz = source.spec().rate_hz;
        let config = SessionConfig::new(SampleRate::new(rate_hz).with_context(|| name.clone())?);
        let embedder = || self.model.embedder_for_files();
        let mut session = match wanted.windows {
            true => Session::with_windows(config, embedder(), self.model.detector(), embedder()),
            false => Session::new(config, embedder(), self.model.detector()),
        }
        .with_context(|| name.clone())?;

        let packet = wanted.packet_ms.map(|ms| (rate_hz as usize * ms as usize / 1000).max(1));
        let mut meter = source.has_other().then(|| BleedMeter::new(session.rate()));
        let (mut chunk, mut other) = (Vec::new(), Vec::new());
        'read: while source.next_chunk(&mut chunk)? > 0 {
            if let Some(meter) = &mut meter {
                source.other(&mut other);
                meter.push(&other, &chunk);
            }
            for part in chunk.chunks(packet.unwrap_or(chunk.len())) {
                let now = session.push(part).with_context(|| name.clone())?;
                progress(now.samples);
                if wanted.max_speech_s.is_some_and(|limit| now.net_speech_s() >= limit) {
                    break 'read;
                }
            }
        }
        let end = session.finish();
        let mut embedding = vec![0.0; self.model.dim()];
        let embedding = session.embedding(&mut embedding).then_some(embedding);
        Ok(Recording {
            embedding,
            windows: session.windows().to_vec(),
            net_speech_s: end.net_speech_s(),
            quality: session.quality(),
            dtmf: session.dtmf().to_vec(),
            bleed: meter.and_then(|m| m.bleed()),
        })
    }

    /// Opens a file (`-`: standard input) and runs the chosen channel of it.
    ///
    /// # Errors
    /// As [`Toolkit::analyse`], or the file has several channels and none is chosen.
    pub fn analyse_file(
        &self,
        path: &Path,
        input: impl Into<Input>,
        wanted: Wanted,
        progress: impl FnMut(u64),
    ) -> Result<Recording> {
        let (source, _) = open_channel(path, input)?;
        self.analyse(source, wanted, progress)
    }

    /// A recording's embedding as the scorer wants it; `None` without speech.
    ///
    /// # Errors
    /// It is none that the network gives.
    pub fn embedding(&self, recording: &Recording) -> Result<Option<Embedding>> {
        let Some(values) = &recording.embedding else { return Ok(None) };
        Ok(Some(Embedding::new(self.model.id(), values)?))
    }

    /// A recording as the enroller wants it.
    ///
    /// # Errors
    /// As [`Toolkit::embedding`].
    pub fn evidence(&self, recording: &Recording) -> Result<RecordingEvidence> {
        Ok(RecordingEvidence {
            embedding: self.embedding(recording)?,
            windows: recording.windows.clone().into(),
            net_speech_s: recording.net_speech_s,
            snr_db: recording.quality.snr_db,
            clipped_share: recording.quality.clipped_share,
            bandwidth_hz: recording.quality.bandwidth_hz,
        })
    }
}
