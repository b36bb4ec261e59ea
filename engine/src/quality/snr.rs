//! Signal-to-noise ratio from the energies of frames that the detector has judged.

/// What a frame holds, for the noise estimate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameClass {
    /// Net speech.
    Speech,
    /// No speech, and nothing that hides the channel's noise.
    Pause,
    /// A telephone tone, a lost packet: tells nothing about noise.
    Other,
}

/// Bins of 0.5 dB from -100 dBFS up; frames outside count in the outer bins.
const BINS: usize = 220;
const LOWEST_DB: f32 = -100.0;
const BIN_DB: f32 = 0.5;
/// Noise below this level is the rounding to 16 bits, and ratios over it only tell how far silence was gated.
const FLOOR_DB: f32 = -100.0;
/// Pauses count within this many frames of speech: what is heard in a minute of hold music is not behind the speech.
const PAUSE_REACH: u32 = 100;
/// Share of pauses below the noise level: their lower half is free of breath, reverberation and missed word ends.
const PAUSE_QUANTILE: f64 = 0.4;
/// Frames of speech that make a ratio: 0.3 s.
const MIN_SPEECH: u64 = 30;
/// Frames of pauses that make a ratio: 0.1 s.
const MIN_PAUSES: u64 = 10;
/// Range of the ratio, in dB.
const RANGE_DB: (f32, f32) = (-10.0, 60.0);

/// Running estimate over the frames of one stream, O(1) in memory.
pub struct SnrMeter {
    pauses: Box<[u64; BINS]>,
    pause_frames: u64,
    speech_frames: u64,
    speech_power: f64,
    since_speech: u32,
}

impl Default for SnrMeter {
    fn default() -> Self {
        Self::new()
    }
}

impl SnrMeter {
    /// A meter that has seen nothing.
    pub fn new() -> Self {
        Self {
            pauses: Box::new([0; BINS]),
            pause_frames: 0,
            speech_frames: 0,
            speech_power: 0.0,
            since_speech: PAUSE_REACH,
        }
    }

    /// Takes the variance of one frame's samples (a constant offset is no noise), and what it holds.
    pub fn push(&mut self, power: f32, class: FrameClass) {
        match class {
            FrameClass::Speech => {
                self.speech_frames += 1;
                self.speech_power += f64::from(power);
                self.since_speech = 0;
            }
            FrameClass::Pause if self.since_speech < PAUSE_REACH => {
                self.since_speech += 1;
                let db = 10.0 * libm::log10f(power + 1e-12);
                let bin = ((db - LOWEST_DB) / BIN_DB).max(0.0) as usize;
                self.pauses[bin.min(BINS - 1)] += 1;
                self.pause_frames += 1;
            }
            FrameClass::Pause => {}
            FrameClass::Other => self.since_speech = self.since_speech.saturating_add(1).min(PAUSE_REACH),
        }
    }

    /// The ratio so far, in dB; `None` without enough speech or pauses.
    pub fn snr_db(&self) -> Option<f32> {
        if self.speech_frames < MIN_SPEECH || self.pause_frames < MIN_PAUSES {
            return None;
        }
        let wanted = (self.pause_frames as f64 * PAUSE_QUANTILE) as u64;
        let mut below = 0;
        let bin = self.pauses.iter().position(|&n| {
            below += n;
            below > wanted
        })?;
        let noise_db = (LOWEST_DB + (bin as f32 + 0.5) * BIN_DB).max(FLOOR_DB);
        let noise = libm::pow(10.0, f64::from(noise_db) / 10.0);
        let speech = self.speech_power / self.speech_frames as f64 - noise;
        let ratio = 10.0 * libm::log10((speech / noise).max(1e-9));
        Some((ratio as f32).clamp(RANGE_DB.0, RANGE_DB.1))
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.pauses.fill(0);
        (self.pause_frames, self.speech_frames, self.speech_power) = (0, 0, 0.0);
        self.since_speech = PAUSE_REACH;
    }
}
