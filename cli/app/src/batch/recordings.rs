//! An item's recordings, heard and pooled into a voiceprint.

use std::path::Path;

use cli_wire::manifest::{AudioSpecification, Item};
use engine::enroll::{EnrollConfig, Enroller};
use engine::template::{MAX_RECORDINGS, Template};
use rayon::prelude::*;

use super::location::resolve;
use super::work::{ItemError, Request};
use crate::analysis::{Recording, Toolkit, Wanted};
use crate::error::{AppError, bail};
use cli_audio::{AudioError, AudioProblem, ChannelChoice, Container, MonoReader};

/// Voice ID's limits, for `--strict`.
const STRICT_FILES: usize = 10;
const STRICT_BYTES: u64 = 20 << 20;
const STRICT_RATE_HZ: u32 = 8_000;

/// Hears recordings for the items of a job.
pub struct Recordings<'a, O> {
    tools: &'a Toolkit,
    request: &'a Request<O>,
    config: EnrollConfig,
}

impl<'a, O: Sync> Recordings<'a, O> {
    /// For the job that asked for `request`.
    ///
    /// # Errors
    /// The wanted and least speech do not fit together, or the job was begun with another network.
    pub fn new(
        tools: &'a Toolkit,
        request: &'a Request<O>,
        wanted_speech_s: f64,
        least_speech_s: f64,
    ) -> Result<Self, AppError> {
        let id = tools.model.id().to_string();
        if id != request.model_id {
            bail!("the job was begun with model {}, this is {id}: give that one with --model", request.model_id);
        }
        let config = EnrollConfig::default().wanted_speech_s(wanted_speech_s).least_speech_s(least_speech_s);
        Enroller::new(config)?;
        Ok(Self { tools, request, config })
    }

    /// The voiceprint of an item.
    ///
    /// # Errors
    /// What is wrong with the item.
    pub fn template(&self, item: &Item) -> Result<Template, ItemError> {
        let (count, most) = (item.audio.len(), MAX_RECORDINGS);
        if count == 0 {
            return Err(ItemError::new(400, "AudioSpecifications is empty: name at least one recording"));
        }
        if self.request.strict && count > STRICT_FILES {
            return Err(ItemError::new(400, format!("{count} recordings, at most {STRICT_FILES} with --strict")));
        }
        if count > most {
            return Err(ItemError::new(402, format!("{count} recordings, at most {most} make a voiceprint")));
        }
        let heard: Vec<_> = item.audio.par_iter().map(|audio| self.listen(audio)).collect();
        let mut enroller = Enroller::new(self.config).map_err(|e| ItemError::new(500, e.to_string()))?;
        for recording in heard {
            let evidence = self.tools.evidence(&recording?).map_err(|e| ItemError::new(500, format!("{e:#}")))?;
            enroller.add(evidence).map_err(|e| ItemError::new(500, e.to_string()))?;
        }
        let template = enroller.finish().map_err(|refusal| {
            let reasons: Vec<String> = refusal.reasons().map(ToString::to_string).collect();
            ItemError::new(400, reasons.join("; "))
        })?;
        Ok(template)
    }

    fn listen(&self, audio: &AudioSpecification) -> Result<Recording, ItemError> {
        let bad = |text| ItemError::new(400, text);
        let path = resolve(&audio.s3_uri, self.request.base(), self.request.s3_root.as_deref()).map_err(bad)?;
        let meta = std::fs::metadata(&path);
        if meta.as_ref().is_ok_and(|m| !m.is_file()) {
            return Err(ItemError::new(400, format!("{} is not a file", path.display())));
        }
        let choice = ChannelChoice::Index(usize::from(audio.channel_id));
        let opened = MonoReader::open(&path, None, choice).map_err(|e| failure(&e.into()))?;
        if self.request.strict {
            strict(&path, meta.map_or(0, |m| m.len()), &opened, audio.channel_id).map_err(bad)?;
        }
        let wanted = Wanted { windows: true, ..Wanted::default() };
        self.tools.analyse(opened, wanted, |_| ()).map_err(|e| failure(&e))
    }
}

fn strict(path: &Path, bytes: u64, opened: &MonoReader, channel_id: u16) -> Result<(), String> {
    let spec = opened.spec();
    let wav = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav")) && spec.container == Container::Wav;
    let problem = if !wav || spec.encoding != "16-bit PCM" {
        format!("{} {}, must be a .wav of 16-bit PCM", spec.container, spec.encoding)
    } else if spec.rate_hz != STRICT_RATE_HZ {
        format!("{} Hz, must be {STRICT_RATE_HZ}", spec.rate_hz)
    } else if spec.channels > 2 || channel_id > 1 {
        format!("channel {channel_id} of {}, must be 0 or 1 of at most 2", spec.channels)
    } else if bytes > STRICT_BYTES {
        format!("{bytes} bytes, at most {STRICT_BYTES}")
    } else {
        return Ok(());
    };
    Err(format!("{}: {problem} with --strict", path.display()))
}

/// A recording that cannot be used is the item's fault, one that the machine does not give is not.
fn failure(error: &AppError) -> ItemError {
    let audio = error.chain().find_map(|e| e.downcast_ref::<AudioError>());
    let code = match audio.map(|e| &e.reason) {
        None | Some(AudioProblem::Io { .. } | AudioProblem::PermissionDenied) => 500,
        Some(_) => 400,
    };
    ItemError::new(code, format!("{error:#}"))
}
