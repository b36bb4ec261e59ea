//! The network that is built in, and what must go with it.

use models::{FrontEnd, Model};

#[test]
fn the_built_in_network_is_small_and_its_calibration_is_its_own() {
    let model = Model::embedded().unwrap();
    let info = model.describe();
    assert_eq!((info.id, info.dim, info.front_end), (model.id(), model.dim(), FrontEnd::engine()));
    let parameters: usize = info.parameters.iter().sum();
    assert!((100_000..=1_500_000).contains(&parameters), "{parameters} parameters");
    assert_eq!(model.cohort().len() % model.dim(), 0);

    let calibration: serde_json::Value = serde_json::from_str(models::calibration_json()).unwrap();
    let id = model.id().to_string();
    assert_eq!(calibration["model_id"].as_str(), Some(id.as_str()), "default.calibration.json is of another network");
}

#[test]
fn networks_are_independent_of_each_other() {
    let model = Model::embedded().unwrap().clone();
    let (mut a, mut b) = (model.embedder(), model.embedder());
    let mels = a.num_mel_bins();
    let log_mel: Vec<f32> = (0..64 * mels).map(|i| 10.0 + (i as f32 * 0.13).sin() * 3.0).collect();
    a.push(&log_mel, &[true; 64]);
    let mut out = vec![7.0; model.dim()];
    assert!(!b.embedding(&mut out) && out.iter().all(|&x| x == 7.0), "b has heard nothing");
    assert!(a.embedding(&mut out));
    let norm: f64 = out.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    assert!((norm - 1.0).abs() < 1e-6, "unit norm, not {norm}");
    b.push(&log_mel, &[true; 64]);
    let mut same = vec![0.0; model.dim()];
    assert!(b.embedding(&mut same) && same == out);
    let mut silent = model.embedder();
    silent.push(&log_mel, &[false; 64]);
    silent.finish();
    assert!(!silent.embedding(&mut out), "frames that are not speech are never pooled");
    assert!(!a.embedding(&mut [0.0; 3]), "a buffer of another length");
}
