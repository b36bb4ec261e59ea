//! Embeddings in 8 bits against those in 32, on real speech.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use engine::audio::SampleRate;
use engine::session::{Session, SessionConfig};
use models::{Model, Precision};

/// Least cosine between the embeddings of a recording. Measured over all 427 recordings of the development lists: 0.9997.
const LEAST_COSINE: f64 = 0.999;

#[test]
fn eight_bits_keep_embeddings_of_real_speech() {
    let (Some(telephone), Some(wide)) = (testdata::speech::telephone(), testdata::speech::wide()) else { return };
    let models = [Precision::F32, Precision::Int8].map(|p| Model::embedded_with(p).unwrap());
    assert_eq!(models[0].id(), models[1].id());
    let (mut heard, mut least) = (0, 1.0f64);
    for recording in telephone.step_by(20).chain(wide.step_by(20)) {
        let embedded = models.each_ref().map(|model| {
            let config = SessionConfig::new(SampleRate::new(recording.rate_hz).unwrap());
            let mut session = Session::new(config, model.embedder(), model.detector()).unwrap();
            session.push(&recording.samples).unwrap();
            session.finish();
            let mut embedding = vec![0.0; model.dim()];
            session.embedding(&mut embedding).then_some(embedding)
        });
        let [Some(exact), Some(rounded)] = embedded else { continue };
        let cosine: f64 = exact.iter().zip(&rounded).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        assert!(cosine >= LEAST_COSINE, "{}: {cosine}", recording.name);
        (heard, least) = (heard + 1, least.min(cosine));
    }
    println!("{heard} recordings, least cosine of int8 and f32 {least:.5}");
    assert!(heard >= 10 && least < 0.999_999_9, "{heard} recordings, {least}");
}
