//! From the detector's log-odds to frames of net speech.
//!
//! A frame counts as speech when the log-odds, clipped so that no single frame decides, average above a threshold over a
//! short window around it, unless a veto falls on it (a telephone tone, silence, a lost packet). The window makes single
//! frames of noise and single gaps inside a syllable disappear. All of it looks a fixed number of frames ahead.

/// Frames on each side of the one judged: 40 ms, about half a syllable.
pub const SMOOTH_FRAMES: usize = 4;
/// Log-odds beyond this count as this.
const CLIP: f32 = 4.0;
/// Average log-odds from which a frame is speech: odds of about 2 to 1, since noise taken for speech harms a voiceprint more
/// than speech taken for noise.
const THRESHOLD: f32 = 0.75;
/// Frames whose mean square lies below this are silence whatever the detector says: -66 dBFS, under the idle noise of a
/// mu-law channel (one step of 8 of 32,768, -72 dBFS) with room for its peaks.
const SILENCE_POWER: f32 = 2.5e-7;

const WINDOW: usize = 2 * SMOOTH_FRAMES + 1;

/// Streaming decision for each frame, [`SMOOTH_FRAMES`] late.
#[derive(Clone, Debug)]
pub struct SpeechGate {
    odds: [f32; WINDOW],
    vetoed: [bool; WINDOW],
    seen: u64,
}

impl Default for SpeechGate {
    fn default() -> Self {
        Self::new()
    }
}

impl SpeechGate {
    /// A gate that has seen nothing.
    pub fn new() -> Self {
        Self { odds: [-CLIP; WINDOW], vetoed: [true; WINDOW], seen: 0 }
    }

    /// Takes one frame's log-odds, mean square and veto; returns the decision of the frame [`SMOOTH_FRAMES`] before it.
    pub fn push(&mut self, log_odds: f32, power: f32, veto: bool) -> Option<bool> {
        self.odds.rotate_left(1);
        self.vetoed.rotate_left(1);
        let veto = veto || power < SILENCE_POWER || log_odds.is_nan();
        self.odds[WINDOW - 1] = if veto { -CLIP } else { log_odds.clamp(-CLIP, CLIP) };
        self.vetoed[WINDOW - 1] = veto;
        self.seen += 1;
        (self.seen > SMOOTH_FRAMES as u64).then(|| self.decision())
    }

    /// The decision of the next of the last [`SMOOTH_FRAMES`] frames, once no frame follows.
    pub fn flush(&mut self) -> Option<bool> {
        self.push(-CLIP, 0.0, true)
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    fn decision(&self) -> bool {
        !self.vetoed[SMOOTH_FRAMES] && self.odds.iter().sum::<f32>() > THRESHOLD * WINDOW as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(odds: &[f32], power: f32, veto: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut gate = SpeechGate::new();
        let mut out: Vec<bool> = odds.iter().enumerate().filter_map(|(i, &z)| gate.push(z, power, veto(i))).collect();
        while out.len() < odds.len() {
            out.extend(gate.flush());
        }
        out
    }

    #[test]
    fn every_frame_is_decided_and_only_runs_of_speech_pass() {
        let mut odds = vec![-3.0; 60];
        odds[20..40].fill(3.0);
        odds[5] = 4.0;
        let out = run(&odds, 1e-3, |_| false);
        assert_eq!(out.len(), 60);
        assert!(!out[..15].contains(&true) && !out[45..].contains(&true));
        assert!(out[22..38].iter().all(|&s| s));
    }

    #[test]
    fn vetoed_and_silent_frames_never_are_speech() {
        let odds = vec![4.0; 50];
        assert!(!run(&odds, 1e-3, |_| true).contains(&true));
        assert!(!run(&odds, 1e-8, |_| false).contains(&true));
        let out = run(&odds, 1e-3, |i| (10..13).contains(&i));
        assert!(!out[10..13].contains(&true) && out[20..40].iter().all(|&s| s));
        assert!(!run(&[f32::NAN; 30], 1e-3, |_| false).contains(&true));
    }
}
