//! From the detector's log-odds to frames of net speech.
//!
//! Log-odds are clipped, so that no single frame decides, and averaged over 90 ms around each frame. Speech begins where the
//! average is clearly for it, goes on until it is against it, and must last, or it was a click. Frames that cannot be
//! speech (silence, telephone tones, lost packets, noise driven into clipping) never count, whatever the network says. All
//! of it looks a fixed number of frames ahead, [`DELAY_FRAMES`].

use crate::follower::LoudnessFollower;

/// Frames on each side of the one judged that are averaged: 40 ms, about half a syllable. The window is also the hangover:
/// speech ends at most that much after its last frame.
pub const SMOOTH_FRAMES: usize = 4;
/// Speech shorter than this is none: 80 ms, less than any syllable and more than a click after averaging.
pub const MIN_RUN_FRAMES: usize = 8;
/// Frames that a decision lies behind its input.
pub const DELAY_FRAMES: usize = SMOOTH_FRAMES + MIN_RUN_FRAMES - 1;

/// Log-odds beyond this count as this.
const CLIP: f32 = 4.0;
/// Average log-odds at which speech begins: odds of about 2 to 1, since noise taken for speech harms a voiceprint more than
/// speech taken for noise.
const ENTER: f32 = 0.75;
/// Average log-odds at which speech ends: a little against it, so that a weak consonant does not cut a word in two.
const LEAVE: f32 = 0.25;
/// Variance below which a frame is digital silence whatever the detector says: -100 dBFS, the rounding to 16 bits. Anything louder
/// may be a faint caller: that an idle channel is none, the detector knows.
pub const SILENCE_POWER: f32 = 1e-10;
/// Share of the running loudness below which a frame is silence: 45 dB. Weak consonants lie 30 dB below vowels; and at every level the
/// same frames fall, whether or not rounding left anything of them.
const SILENCE_SHARE: f64 = 3.2e-5;
/// Share of a frame in the smoothed power: 100 ms.
const LOUDNESS_RISE: f64 = 0.1;
/// What the loudness keeps from frame to frame: it falls by 5 dB a second.
const LOUDNESS_KEEP: f64 = 0.988_553;
/// Magnitude that counts as driven to full scale; below 1.0 because resampling rounds the corners off.
const PINNED_LEVEL: f32 = 0.9;
/// Share of a frame's samples at that level that no voice reaches: a full-scale sine has 0.29.
const PINNED_SHARE: f32 = 0.5;

const WINDOW: usize = 2 * SMOOTH_FRAMES + 1;

/// What is known of a frame beside its sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameKind {
    /// Nothing: the detector decides.
    Audio,
    /// Digital or idle-channel silence.
    Silent,
    /// Most samples are at full scale.
    Pinned,
    /// A telephone tone sounds in it.
    Tone,
    /// Some of it was lost on the way.
    Lost,
}

/// Tells the kinds of frames by their samples and by how loud the stream was lately.
#[derive(Clone, Debug)]
pub struct Kinds {
    loudness: LoudnessFollower,
}

impl Default for Kinds {
    fn default() -> Self {
        Self::new()
    }
}

impl Kinds {
    /// One that has heard nothing.
    pub fn new() -> Self {
        Self { loudness: LoudnessFollower::new(LOUDNESS_RISE, LOUDNESS_KEEP, 0.0) }
    }

    /// The kind of the next frame, and its variance: a constant offset is no sound.
    pub fn next(&mut self, samples: &[f32]) -> (FrameKind, f32) {
        let count = samples.len().max(1) as f32;
        let mean = samples.iter().sum::<f32>() / count;
        let power = samples.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count;
        let pinned = samples.iter().filter(|x| x.abs() >= PINNED_LEVEL).count() as f32;
        if pinned > PINNED_SHARE * samples.len() as f32 {
            return (FrameKind::Pinned, power);
        }
        let loudness = self.loudness.next(f64::from(power));
        let silent = power < SILENCE_POWER || f64::from(power) < SILENCE_SHARE * loudness;
        (if silent { FrameKind::Silent } else { FrameKind::Audio }, power)
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.loudness.reset();
    }
}

/// Streaming decision for each frame, [`DELAY_FRAMES`] late.
#[derive(Clone, Debug)]
pub struct SpeechGate {
    odds: [f32; WINDOW],
    /// Whether the frames from the middle of the window on may be speech, newest last.
    allowed: [bool; DELAY_FRAMES + 1],
    /// Whether speech goes on, for the frames that are averaged but not decided, newest last.
    active: [bool; MIN_RUN_FRAMES],
    /// Frames of speech in a row before the first of `active`, as far as it matters.
    run: usize,
    seen: usize,
    flushed: usize,
}

impl Default for SpeechGate {
    fn default() -> Self {
        Self::new()
    }
}

impl SpeechGate {
    /// A gate that has seen nothing.
    pub fn new() -> Self {
        Self {
            odds: [-CLIP; WINDOW],
            allowed: [false; DELAY_FRAMES + 1],
            active: [false; MIN_RUN_FRAMES],
            run: 0,
            seen: 0,
            flushed: 0,
        }
    }

    /// Takes one frame; returns the decision on the frame [`DELAY_FRAMES`] before it.
    pub fn push(&mut self, log_odds: f32, kind: FrameKind) -> Option<bool> {
        let log_odds = match kind {
            FrameKind::Audio if log_odds.is_nan() => -CLIP,
            FrameKind::Audio => log_odds.clamp(-CLIP, CLIP),
            // What was lost says nothing for or against its neighbours.
            FrameKind::Lost => 0.0,
            FrameKind::Silent | FrameKind::Pinned | FrameKind::Tone => -CLIP,
        };
        let decision = self.step(log_odds, kind == FrameKind::Audio);
        self.seen += usize::from(self.seen <= DELAY_FRAMES);
        (self.seen > DELAY_FRAMES).then_some(decision)
    }

    /// The decision on the next of the last frames, at most [`DELAY_FRAMES`], once no frame follows; `None` after the last.
    pub fn flush(&mut self) -> Option<bool> {
        while self.flushed < DELAY_FRAMES {
            self.flushed += 1;
            let decision = self.step(-CLIP, false);
            // A stream shorter than the delay has fewer frames to decide.
            self.seen += usize::from(self.seen <= DELAY_FRAMES);
            if self.seen > DELAY_FRAMES {
                return Some(decision);
            }
        }
        None
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    fn step(&mut self, log_odds: f32, allowed: bool) -> bool {
        self.odds.rotate_left(1);
        self.odds[WINDOW - 1] = log_odds;
        self.allowed.rotate_left(1);
        self.allowed[DELAY_FRAMES] = allowed;
        let average = self.odds.iter().sum::<f32>() / WINDOW as f32;
        let going_on = self.active[MIN_RUN_FRAMES - 1];
        self.run = if self.active[0] { (self.run + 1).min(MIN_RUN_FRAMES) } else { 0 };
        self.active.rotate_left(1);
        self.active[MIN_RUN_FRAMES - 1] = average > if going_on { LEAVE } else { ENTER };
        let ahead = self.active.iter().take_while(|&&a| a).count();
        self.allowed[0] && self.active[0] && self.run + ahead >= MIN_RUN_FRAMES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fbank::FRAME_LENGTH;

    fn run(odds: &[f32], kind: impl Fn(usize) -> FrameKind) -> Vec<bool> {
        let mut gate = SpeechGate::new();
        let mut out: Vec<bool> = odds.iter().enumerate().filter_map(|(i, &z)| gate.push(z, kind(i))).collect();
        out.extend(std::iter::from_fn(|| gate.flush()));
        out
    }

    /// The same rules on the whole array.
    fn oracle(odds: &[f32], kind: &[FrameKind]) -> Vec<bool> {
        let n = odds.len() as isize;
        let clipped = |i: isize| match () {
            () if i < 0 || i >= n => -CLIP,
            () if kind[i as usize] == FrameKind::Lost => 0.0,
            () if kind[i as usize] != FrameKind::Audio || odds[i as usize].is_nan() => -CLIP,
            () => odds[i as usize].clamp(-CLIP, CLIP),
        };
        let mut active = Vec::new();
        for i in 0..n {
            let average =
                (i - SMOOTH_FRAMES as isize..=i + SMOOTH_FRAMES as isize).map(clipped).sum::<f32>() / WINDOW as f32;
            let before = active.last().copied().unwrap_or(false);
            active.push(average > if before { LEAVE } else { ENTER });
        }
        let mut out = vec![false; odds.len()];
        for run in active.chunk_by(|a, b| a == b).filter(|run| run[0]) {
            let start = (run.as_ptr() as usize - active.as_ptr() as usize) / size_of::<bool>();
            if run.len() >= MIN_RUN_FRAMES {
                (start..start + run.len()).for_each(|i| out[i] = kind[i] == FrameKind::Audio);
            }
        }
        out
    }

    #[test]
    fn the_gate_is_its_rules_on_the_whole_array() {
        let mut random = testdata::Random::new(4);
        let mut speech = 0;
        for case in 0..2_000 {
            let n = random.below(60);
            let mut level = 0.0;
            let odds: Vec<f32> = (0..n)
                .map(|_| {
                    if random.below(12) == 0 {
                        level = 3.0 * random.normal();
                    }
                    if random.below(200) == 0 { f32::NAN } else { level + random.normal() }
                })
                .collect();
            let kinds = [FrameKind::Tone, FrameKind::Lost, FrameKind::Silent, FrameKind::Pinned];
            let kind: Vec<FrameKind> =
                (0..n).map(|_| kinds.get(random.below(40)).copied().unwrap_or(FrameKind::Audio)).collect();
            let out = run(&odds, |i| kind[i]);
            assert_eq!(out, oracle(&odds, &kind), "case {case}: {odds:?} {kind:?}");
            speech += out.iter().filter(|&&s| s).count();
        }
        assert!(speech > 5_000, "only {speech} frames were speech");
    }

    #[test]
    fn clicks_are_dropped_and_words_kept() {
        let mut odds = vec![-3.0; 100];
        odds[5] = 4.0;
        odds[20..40].fill(3.0);
        odds[70..75].fill(4.0);
        let out = run(&odds, |_| FrameKind::Audio);
        assert_eq!(out.len(), 100);
        assert!(out[22..38].iter().all(|&s| s) && !out[..15].contains(&true) && !out[45..].contains(&true));
    }

    #[test]
    fn frames_that_cannot_be_speech_never_are() {
        let odds = vec![4.0; 60];
        for kind in [FrameKind::Tone, FrameKind::Silent, FrameKind::Pinned, FrameKind::Lost] {
            assert!(!run(&odds, |_| kind).contains(&true), "{kind:?}");
            let out = run(&odds, |i| if (30..33).contains(&i) { kind } else { FrameKind::Audio });
            assert!(!out[30..33].contains(&true), "{kind:?}");
            // Beyond both ends of a stream there is no speech.
            assert!(out[3..28].iter().chain(&out[35..57]).all(|&s| s), "{kind:?}: {out:?}");
        }
    }

    fn kind(samples: &[f32]) -> FrameKind {
        Kinds::new().next(samples).0
    }

    #[test]
    fn kinds_are_told_by_samples() {
        let full: [f32; FRAME_LENGTH] = std::array::from_fn(|i| if i % 3 == 0 { 1.0 } else { -1.0 });
        assert_eq!(kind(&full), FrameKind::Pinned);
        let wave = |gain: f32| std::array::from_fn::<_, FRAME_LENGTH, _>(|i| gain * (i as f32 * 0.3).sin());
        // A faint wave is no less sound than a loud one, until rounding takes it.
        for gain in [1.0, 1e-2, 1e-4] {
            assert_eq!(kind(&wave(gain)), FrameKind::Audio, "{gain}");
        }
        assert_eq!((kind(&wave(1e-5)), kind(&[0.0; FRAME_LENGTH])), (FrameKind::Silent, FrameKind::Silent));
        // Silence is what lies 45 dB below, until the loudness has fallen: from 65 dB above that takes 4 s.
        for gain in [1.0, 0.1] {
            let mut kinds = Kinds::new();
            (0..100).for_each(|_| {
                kinds.next(&wave(gain));
            });
            assert_eq!(kinds.next(&wave(0.02 * gain)).0, FrameKind::Audio, "{gain}: 34 dB below");
            let after = (0..2_000).position(|_| kinds.next(&wave(5.6e-4 * gain)).0 == FrameKind::Audio);
            assert!(
                after.is_some_and(|n| (380..=420).contains(&n)),
                "{gain}: 65 dB below is heard after {after:?} frames"
            );
        }
    }

    #[test]
    fn a_constant_offset_is_no_sound() {
        let quiet: [f32; FRAME_LENGTH] = std::array::from_fn(|i| 1e-3 * (i as f32 * 0.3).sin());
        let (kind, power) = Kinds::new().next(&quiet);
        assert_eq!((kind, Kinds::new().next(&[0.3; FRAME_LENGTH]).0), (FrameKind::Audio, FrameKind::Silent));
        for offset in [0.01, 0.05, 0.3, -0.5] {
            let (kind, with) = Kinds::new().next(&quiet.map(|x| x + offset));
            // Numbers around 0.5 are rounded to 3e-8, against a signal of 7e-4.
            assert!(kind == FrameKind::Audio && (with / power - 1.0).abs() < 1e-3, "{offset}: {with}, not {power}");
        }
    }
}
