//! Calls on the fake networks, and people for them.

use std::sync::Arc;

use engine::audio::SampleRate;
use engine::call::{Authentication, Call, CallConfig, Listening, WatchList, Watched};
use engine::embed::ModelId;
use engine::enroll::EnrollConfig;
use engine::quality::Band;
use engine::score::{
    AuthPolicy, Calibration, CalibrationParts, Domain, LlrParameters, ScoreKind, Side, SideTerms, SurvivalParameters,
};
use engine::search::Index;
use engine::session::SessionConfig;
use engine::template::{Embedding, Template, TemplateRecord};
use testdata::Random;

use super::{DIM, HashEmbedder, LoudDetector};

pub const MODEL: ModelId = ModelId([7; 16]);

pub fn calibration() -> Arc<Calibration> {
    let flat = |base| SideTerms { base, ..SideTerms::default() };
    let parts = CalibrationParts {
        id: "fake".into(),
        model: MODEL,
        kind: ScoreKind::Cosine,
        llr: LlrParameters { slope: 20.0, offset: flat(-16.0) },
        survival: SurvivalParameters { mean: flat(0.7), log_sigma: flat(-2.3), tail_weight: 1.0 },
        domain: Domain {
            least_probe_s: 2.0,
            least_enrol_s: 5.0,
            smallest_fmr: 1e-4,
            targets: 1000,
            nontargets: 100_000,
            speakers: 100,
        },
        table: Vec::new(),
    };
    Arc::new(Calibration::new(parts).unwrap())
}

pub fn side(net_speech_s: f64) -> Side {
    Side::new(net_speech_s, Band::Narrow).unwrap()
}

pub fn new_call(listening: Listening, enroll: bool) -> Call {
    let config = SessionConfig::new(SampleRate::TELEPHONE).window_speech_frames(40).max_windows(16);
    let mut config = CallConfig::new(config).listening(listening).agent(true);
    if enroll {
        config = config.enrollment(EnrollConfig::default().wanted_speech_s(12.0).least_speech_s(6.0));
    }
    let windows = enroll.then(|| Box::new(HashEmbedder::new()) as Box<_>);
    Call::new(config, Box::new(HashEmbedder::new()), Box::new(LoudDetector::new()), windows, calibration()).unwrap()
}

pub fn embedding(random: &mut Random) -> Embedding {
    let values: Vec<f32> = (0..DIM).map(|_| 20.0 + random.below(236) as f32).collect();
    Embedding::new(MODEL, &values).unwrap()
}

pub fn template(random: &mut Random) -> Arc<Template> {
    let record = TemplateRecord {
        recordings: 1,
        net_speech_samples: 30 * 8_000,
        snr_db: None,
        clipped_share: 0.0,
        bandwidth_hz: 4_000.0,
        agreement: None,
        coherence: None,
    };
    Arc::new(Template::new(embedding(random), record).unwrap())
}

pub fn list(random: &mut Random, rows: usize) -> Watched {
    let all: Vec<f32> = (0..rows).flat_map(|_| embedding(random).values().to_vec()).collect();
    Watched::List(Arc::new(WatchList::new(Index::new(all, DIM, MODEL).unwrap(), vec![side(30.0); rows]).unwrap()))
}

pub fn ask(threshold: u8, min_speech_s: f64) -> Authentication {
    Authentication { policy: AuthPolicy::new(threshold, min_speech_s).unwrap(), early: false }
}
