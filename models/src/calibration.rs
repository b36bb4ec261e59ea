//! Calibrations as JSON: reading with every number checked, and writing.
//!
//! `vouch calibrate` writes it; `weights/default.calibration.json` is its
//! description. A field that is missing, unknown, or out of range is an error.

use std::fmt;

use engine::embed::ModelId;
use engine::score::{
    Calibration, CalibrationError, CalibrationParts, Domain, LlrParameters, ScoreKind, SideTerms, SurvivalParameters,
    TableRow, Threshold,
};
use serde::{Deserialize, Serialize};

/// Longest calibration that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
const FORMAT: &str = "vouch-calibration";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    id: String,
    model_id: String,
    kind: Kind,
    llr: Llr,
    survival: Survival,
    domain: Range,
    table: Vec<Row>,
}

/// What every version has, so that a newer file is told apart from a broken one.
#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Kind {
    Cosine,
    AsNorm { top_n: u32 },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    base: f64,
    per_probe: f64,
    per_enrol: f64,
    /// Left out by fits from before there was one for each pair of bands.
    #[serde(default)]
    narrow: f64,
    #[serde(default)]
    mixed: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Llr {
    slope: f64,
    offset: Terms,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Survival {
    mean: Terms,
    log_sigma: Terms,
    tail_weight: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    least_probe_s: f64,
    least_enrol_s: f64,
    smallest_fmr: f64,
    targets: u64,
    nontargets: u64,
    speakers: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    threshold: u8,
    false_matches: u64,
    fmr: f64,
    fmr_interval: [f64; 2],
    false_nonmatches: u64,
    fnmr: f64,
    fnmr_interval: [f64; 2],
    extrapolated: bool,
}

/// Reads a calibration.
///
/// # Errors
/// The text is too long, no JSON of this form and version, or has a number out of range.
pub fn parse(text: &str) -> Result<Calibration, CalibrationFileError> {
    if text.len() > MAX_BYTES {
        return Err(CalibrationFileError::TooLong { bytes: text.len() });
    }
    let heading: Heading = serde_json::from_str(text).map_err(CalibrationFileError::Json)?;
    if heading.format != FORMAT {
        return Err(CalibrationFileError::Format);
    }
    if heading.version != VERSION {
        return Err(CalibrationFileError::Version { found: heading.version });
    }
    let file: File = serde_json::from_str(text).map_err(CalibrationFileError::Json)?;
    let table = file.table.into_iter().map(row).collect::<Result<_, _>>()?;
    Calibration::new(CalibrationParts {
        id: file.id,
        model: model_id(&file.model_id).ok_or(CalibrationFileError::ModelId)?,
        kind: match file.kind {
            Kind::Cosine => ScoreKind::Cosine,
            Kind::AsNorm { top_n } => ScoreKind::AsNorm { top_n },
        },
        llr: LlrParameters { slope: file.llr.slope, offset: terms(&file.llr.offset) },
        survival: SurvivalParameters {
            mean: terms(&file.survival.mean),
            log_sigma: terms(&file.survival.log_sigma),
            tail_weight: file.survival.tail_weight,
        },
        domain: Domain {
            least_probe_s: file.domain.least_probe_s,
            least_enrol_s: file.domain.least_enrol_s,
            smallest_fmr: file.domain.smallest_fmr,
            targets: file.domain.targets,
            nontargets: file.domain.nontargets,
            speakers: file.domain.speakers,
        },
        table,
    })
    .map_err(CalibrationFileError::Calibration)
}

/// Writes a calibration as [`parse`] reads it, to the bit.
///
/// # Errors
/// None in practice: every number of a [`Calibration`] is finite.
pub fn to_json(calibration: &Calibration) -> serde_json::Result<String> {
    let p = calibration.parts();
    let written = |t: &SideTerms| {
        let SideTerms { base, per_probe, per_enrol, narrow, mixed } = *t;
        Terms { base, per_probe, per_enrol, narrow, mixed }
    };
    let file = File {
        format: FORMAT.to_owned(),
        version: VERSION,
        id: p.id.clone(),
        model_id: p.model.to_string(),
        kind: match p.kind {
            ScoreKind::Cosine => Kind::Cosine,
            ScoreKind::AsNorm { top_n } => Kind::AsNorm { top_n },
        },
        llr: Llr { slope: p.llr.slope, offset: written(&p.llr.offset) },
        survival: Survival {
            mean: written(&p.survival.mean),
            log_sigma: written(&p.survival.log_sigma),
            tail_weight: p.survival.tail_weight,
        },
        domain: Range {
            least_probe_s: p.domain.least_probe_s,
            least_enrol_s: p.domain.least_enrol_s,
            smallest_fmr: p.domain.smallest_fmr,
            targets: p.domain.targets,
            nontargets: p.domain.nontargets,
            speakers: p.domain.speakers,
        },
        table: p
            .table
            .iter()
            .map(|r| Row {
                threshold: r.threshold.value(),
                false_matches: r.false_matches,
                fmr: r.fmr,
                fmr_interval: r.fmr_interval,
                false_nonmatches: r.false_nonmatches,
                fnmr: r.fnmr,
                fnmr_interval: r.fnmr_interval,
                extrapolated: r.extrapolated,
            })
            .collect(),
    };
    serde_json::to_string_pretty(&file)
}

fn terms(t: &Terms) -> SideTerms {
    let Terms { base, per_probe, per_enrol, narrow, mixed } = *t;
    SideTerms { base, per_probe, per_enrol, narrow, mixed }
}

fn row(r: Row) -> Result<TableRow, CalibrationFileError> {
    Ok(TableRow {
        threshold: Threshold::new(r.threshold)
            .map_err(|_| CalibrationFileError::Threshold { threshold: r.threshold })?,
        false_matches: r.false_matches,
        fmr: r.fmr,
        fmr_interval: r.fmr_interval,
        false_nonmatches: r.false_nonmatches,
        fnmr: r.fnmr,
        fnmr_interval: r.fnmr_interval,
        extrapolated: r.extrapolated,
    })
}

/// 32 lower-case hexadecimal digits.
fn model_id(text: &str) -> Option<ModelId> {
    let digits = text.as_bytes();
    if digits.len() != 32 || !digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(ModelId(id))
}

/// Why a calibration cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum CalibrationFileError {
    /// Longer than [`MAX_BYTES`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not JSON, or a field is missing, unknown or of the wrong type.
    Json(serde_json::Error),
    /// Some other JSON.
    Format,
    /// A version that this program does not know.
    Version {
        /// The version.
        found: u32,
    },
    /// The model id is not 32 lower-case hexadecimal digits.
    ModelId,
    /// A table row's threshold is above 100.
    Threshold {
        /// The threshold.
        threshold: u8,
    },
    /// A number is out of range.
    Calibration(CalibrationError),
}

impl fmt::Display for CalibrationFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(f, "calibration has {bytes} bytes, at most {MAX_BYTES} are read"),
            Self::Json(e) => write!(f, "not a calibration: {e}"),
            Self::Format => write!(f, "not a calibration: format is not {FORMAT:?}"),
            Self::Version { found } => write!(f, "calibration version {found} is not supported (known: {VERSION})"),
            Self::ModelId => f.write_str("model_id is not 32 lower-case hexadecimal digits"),
            Self::Threshold { threshold } => write!(f, "table threshold {threshold} is above 100"),
            Self::Calibration(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for CalibrationFileError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn default() -> &'static str {
        include_str!("../weights/default.calibration.json")
    }

    #[test]
    fn the_shipped_calibration_reads_and_survives_a_round_trip() {
        let c = parse(default()).unwrap();
        let text = to_json(&c).unwrap();
        assert_eq!(parse(&text).unwrap(), c);
        for t in [50, 70, 90, 95] {
            assert!(c.table().iter().any(|r| r.threshold.value() == t), "no row for {t}");
        }
    }

    #[test]
    fn every_missing_or_unknown_field_and_every_bad_value_is_an_error() {
        let good: serde_json::Value = serde_json::from_str(default()).unwrap();
        let mut paths = Vec::new();
        walk(&good, String::new(), &mut paths);
        assert!(paths.len() > 100, "{}", paths.len());
        let mut accepted = Vec::new();
        for path in &paths {
            for bad in
                [serde_json::Value::Null, "x".into(), (-1e9).into(), serde_json::json!({}), serde_json::json!([])]
            {
                let mut v = good.clone();
                *v.pointer_mut(path).unwrap() = bad.clone();
                // A table may be empty and an id may be any word.
                let fine = (path == "/table" && bad == serde_json::json!([])) || (path == "/id" && bad == "x");
                if !fine && parse(&v.to_string()).is_ok() {
                    accepted.push(format!("{path} = {bad}"));
                }
            }
            let mut v = good.clone();
            let (parent, key) = path.rsplit_once('/').unwrap();
            if let Some(object) = v.pointer_mut(parent).and_then(|p| p.as_object_mut()) {
                object.remove(key);
                if parse(&v.to_string()).is_ok() {
                    accepted.push(format!("{path} removed"));
                }
                let mut v = good.clone();
                v.pointer_mut(parent).and_then(|p| p.as_object_mut()).unwrap().insert("surplus".into(), 1.into());
                if parse(&v.to_string()).is_ok() {
                    accepted.push(format!("{parent} with a surplus field"));
                }
            }
        }
        assert!(accepted.is_empty(), "{}", accepted.join("\n"));
    }

    fn walk(value: &serde_json::Value, path: String, out: &mut Vec<String>) {
        let children: Vec<(String, &serde_json::Value)> = match value {
            serde_json::Value::Object(o) => o.iter().map(|(k, v)| (k.clone(), v)).collect(),
            serde_json::Value::Array(a) => a.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
            _ => Vec::new(),
        };
        for (key, child) in children {
            let at = format!("{path}/{key}");
            out.push(at.clone());
            walk(child, at, out);
        }
    }

    #[test]
    fn texts_that_are_no_calibration_say_so_in_one_line() {
        let newer = default().replace("\"version\": 1", "\"version\": 2").replace("\"id\"", "\"name\"");
        let cases = [
            (String::new(), "not a calibration: EOF"),
            ("[1, 2".into(), "not a calibration: "),
            ("{}".into(), "not a calibration: missing field"),
            (newer, "calibration version 2 is not supported"),
            (default().replace("vouch-calibration", "other"), "format is not"),
            (default()[..default().len() / 2].into(), "not a calibration: "),
            (" ".repeat(MAX_BYTES + 1), "at most 1048576 are read"),
            (default().replace("\"slope\": ", "\"slope\": 1e999, \"x\": "), "not a calibration: "),
        ];
        for (text, want) in cases {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(want) && !error.contains('\n'), "{error}");
        }
        assert_eq!(model_id("000102030405060708090a0b0c0d0e0f").unwrap().0[15], 15);
        for bad in ["", "00", "000102030405060708090A0B0C0D0E0F", "+00102030405060708090a0b0c0d0e0f"] {
            assert!(model_id(bad).is_none(), "{bad}");
        }
    }
}
