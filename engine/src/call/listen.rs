//! What a call does with the audio it hears: ticks, snapshots, early decisions, what it tells of.

/// Ticks per second of audio.
const TICKS_PER_SECOND: u64 = 10;

use super::config::{self, Caller, Listening, StreamingStatus};
use super::event::Event;
use super::live::{Call, Early, Snapshot};
use crate::bleed::BleedMeter;
use crate::error::InputError;
use crate::quality::Band;
use crate::score::{AuthPolicy, Claim, Conditions, Cosine, Decision, Score, decide};

impl Call {
    pub(super) fn take(&mut self, samples: &[f32], agent: Option<&[f32]>) -> Result<(), InputError> {
        if self.secure {
            self.silenced += samples.len() as u64;
        }
        self.advance(samples.len(), |call, from, n| {
            let part = samples.get(from..from + n).unwrap_or_default();
            if call.secure {
                return call.session.push_lost(n).map(drop);
            }
            if let (Some(meter), Some(agent)) = (&mut call.agent, agent) {
                meter.push(agent.get(from..from + n).unwrap_or_default(), part);
            }
            call.session.push(part).map(drop)
        })
    }

    /// Goes on by `samples` samples, handing them to `hear` in parts that end with ticks.
    pub(super) fn advance(
        &mut self,
        samples: usize,
        mut hear: impl FnMut(&mut Self, usize, usize) -> Result<(), InputError>,
    ) -> Result<(), InputError> {
        let rate = u64::from(self.session.rate().hz());
        let mut from = 0;
        while from < samples {
            let next = ((self.ticks + 1) * rate).div_ceil(TICKS_PER_SECOND);
            let n = usize::try_from(next - self.samples).unwrap_or(usize::MAX).min(samples - from);
            if self.status() == StreamingStatus::Ongoing {
                if self.unheard > 0 {
                    // A second is more than any network's memory.
                    let gap = self.unheard.min(rate);
                    self.unheard = 0;
                    self.session.push_lost(gap as usize)?;
                }
                hear(self, from, n)?;
            } else if self.session.progress().samples > 0 {
                self.unheard += n as u64;
            }
            from += n;
            self.samples += n as u64;
            if self.samples == next {
                self.ticks += 1;
                if self.status() == StreamingStatus::Ongoing {
                    self.hear_tick(false);
                    self.tell();
                    self.reconsider();
                }
            }
        }
        Ok(())
    }

    /// Whether the snapshot is final under the present settings.
    pub(super) fn frozen(&self) -> bool {
        self.config.listening == Listening::UntilEnough && self.snapshot.net_speech_s() >= self.min_speech_s()
    }

    pub(super) fn hear_tick(&mut self, last: bool) {
        let net_frames = self.session.progress().net_speech_frames;
        self.enrollment.hear(net_frames, self.samples, &mut self.events);
        self.enrollment.look(self.session.windows(), self.samples, &mut self.events);
        let news = last || net_frames != self.snapshot.net_frames;
        if self.frozen() || !news || !self.session.embedding(&mut self.values) {
            return;
        }
        // A vector without a direction says nothing; the snapshot stays what it was.
        if self.snapshot.embedding.replace(&self.values).is_ok() {
            let a = &mut self.snapshot.aggregation;
            a.started_at.get_or_insert(self.samples);
            a.ended_at = Some(self.samples);
            self.snapshot.net_frames = net_frames;
            self.snapshot.band = Band::of(self.session.bandwidth_hz());
            self.snapshot.version += 1;
            self.score = self.score_now();
            self.look();
        }
    }

    /// The score of the snapshot; with early decisions it carries the price of the looks taken before it.
    pub(super) fn score_now(&self) -> Option<Score> {
        let auth = self.settings.as_ref().and_then(|s| s.authentication);
        let share = auth.filter(|a| a.early).map_or(1.0, |a| config::final_share(a.policy.min_speech_s()));
        self.score_with(share)
    }

    /// The snapshot beside the claimed speaker's voiceprint.
    pub(super) fn comparison(&self) -> Option<(Cosine, Conditions)> {
        let Caller::Enrolled(template) = &self.caller else { return None };
        let cosine = template.cosine(&self.snapshot.embedding).ok()?;
        Some((cosine, Conditions { probe: self.snapshot.side()?, enrol: template.side() }))
    }

    /// The score of the snapshot when the test at hand may spend this share of the false match rate.
    pub(super) fn score_with(&self, share: f64) -> Option<Score> {
        let (cosine, conditions) = self.comparison()?;
        let score = self.calibration.score(cosine, conditions).ok()?;
        if share >= 1.0 {
            return Some(score);
        }
        let fmr = self.calibration.fmr(cosine, conditions).ok()?;
        Score::new((fmr / share).min(1.0), score.extrapolated()).ok()
    }

    /// The sequential test: clear cases are decided before the response time.
    pub(super) fn look(&mut self) {
        let Some(auth) = self.settings.as_ref().and_then(|s| s.authentication).filter(|a| a.early) else { return };
        let (policy, net_s) = (auth.policy, self.snapshot.net_speech_s());
        if self.early.is_some() || net_s >= policy.min_speech_s() {
            return;
        }
        let due = config::looks(policy.min_speech_s()).filter(|&at| net_s >= at).count();
        if due <= self.looks_done {
            return;
        }
        self.looks_done = due;
        let Some((cosine, conditions)) = self.comparison() else { return };
        let Some(score) = self.score_with(config::LOOK_SHARE) else { return };
        let decision = if score.reaches(policy.threshold()) {
            Decision::Accept
        } else {
            match self.calibration.llr(cosine, conditions) {
                Ok(llr) if llr.value() <= config::EARLY_REJECT_LLR => Decision::Reject,
                _ => return,
            }
        };
        let Snapshot { net_frames, version, aggregation, .. } = self.snapshot;
        self.early = Some(Early { decision, score, net_frames, version, aggregation });
        self.score = Some(score);
    }

    pub(super) fn claim(&self) -> Claim {
        self.caller.claim()
    }

    /// Decision and score, as they stand.
    pub(super) fn decision(&self, policy: AuthPolicy) -> (Decision, Option<Score>) {
        match self.early {
            Some(e) => (e.decision, Some(e.score)),
            None => (decide(self.claim(), self.snapshot.net_speech_s(), self.score, policy), self.score),
        }
    }

    /// Tells of decisions that are new.
    pub(super) fn tell(&mut self) {
        let at = self.samples;
        if let Some(auth) = self.settings.as_ref().and_then(|s| s.authentication) {
            let (decision, score) = self.decision(auth.policy);
            let decided = matches!(decision, Decision::Accept | Decision::Reject);
            if self.auth_told != Some(decision) && (decided || self.finished) {
                self.auth_told = Some(decision);
                let early = self.early.is_some();
                self.events.put(Event::Authentication { at, decision, score: score.filter(|_| decided), early });
            }
        }
        if !self.bleed_told
            && let Some(bleed) = self.bleed()
        {
            self.bleed_told = true;
            self.events.put(Event::AgentBleed { at, level_db: bleed.level_db });
        }
        if !self.speech_told && self.snapshot.net_speech_s() >= self.min_speech_s() {
            self.speech_told = true;
            self.events.put(Event::SpeechSufficient { at });
        }
    }

    /// Stops listening once everything asked has been heard, and goes on when more is asked.
    pub(super) fn reconsider(&mut self) {
        let Some(settings) = &self.settings else { return };
        let heard = self.snapshot.net_speech_s() >= self.min_speech_s();
        let authenticated = settings.authentication.is_none_or(|_| heard || self.early.is_some());
        let searched = settings.fraud.as_ref().is_none_or(|_| heard);
        let asked = settings.authentication.is_some() || settings.fraud.is_some() || self.enrollment.requested();
        let enough = self.config.listening == Listening::UntilEnough
            && asked
            && authenticated
            && searched
            && self.enrollment.satisfied();
        if enough == self.enough || !self.streaming || self.finished {
            self.enough = enough;
            return;
        }
        self.enough = enough;
        let at = self.samples;
        self.events.put(match enough {
            true => Event::StreamingEnded { at, enough },
            false => Event::StreamingStarted { at },
        });
    }

    /// The question changed, so the sequential test begins anew, with the looks that lie ahead.
    pub(super) fn forget_early(&mut self) {
        self.early = None;
        self.auth_told = None;
    }

    pub(super) fn forget_stream(&mut self) {
        self.session.reset();
        self.snapshot.clear();
        self.finished = false;
        self.enough = false;
        self.unheard = 0;
        self.score = None;
        self.early = None;
        self.looks_done = 0;
        self.auth_told = None;
        self.speech_told = false;
        self.bleed_told = false;
        self.agent.iter_mut().for_each(BleedMeter::reset);
        self.enrollment.forget_stream();
    }
}
