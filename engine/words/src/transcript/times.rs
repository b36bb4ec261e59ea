//! Times by whichever name and unit: seconds, milliseconds, ticks of 100 ns, clocks, ISO 8601 durations.

use std::collections::BTreeMap;

use serde_json::Value;

use super::words::MAX_MS;

const BEGINS: [&str; 14] = [
    "start",
    "starttime",
    "begin",
    "begintime",
    "ts",
    "b",
    "startts",
    "from",
    "startoffset",
    "starttimestamp",
    "xmin",
    "timestart",
    "offsetstart",
    "onset",
];
const ENDS: [&str; 12] = [
    "end",
    "endtime",
    "stop",
    "endts",
    "e",
    "to",
    "endoffset",
    "endtimestamp",
    "xmax",
    "timeend",
    "offsetend",
    "resultendtime",
];
const BEGINS_MS: [&str; 8] = [
    "beginoffsetmillis",
    "startms",
    "beginms",
    "startmillis",
    "starttimestampmillis",
    "offsetmilliseconds",
    "starttimems",
    "startoffsetmillis",
];
const ENDS_MS: [&str; 6] =
    ["endoffsetmillis", "endms", "endmillis", "endtimestampmillis", "endtimems", "endtimemillis"];
const LENGTHS: [&str; 4] = ["d", "duration", "dur", "length"];
const LENGTHS_MS: [&str; 3] = ["durationmilliseconds", "durationmillis", "durationms"];

/// What numbers without a unit are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    Seconds,
    Millis,
    /// Of 100 ns.
    Ticks,
}

impl Unit {
    /// Of a transcript's numbers: whole numbers whose typical length is more than 40 are milliseconds, for no word takes as many seconds; those of
    /// `Offset` and `Duration` as Azure has them are ticks.
    pub(super) fn of(json: &Value) -> Self {
        let mut lengths = Vec::new();
        let mut whole = true;
        gather(json, 0, &mut lengths, &mut whole);
        lengths.sort_unstable_by(f64::total_cmp);
        let typical = lengths.get(lengths.len() / 2).copied().unwrap_or(0.0);
        match () {
            () if whole && typical >= 100_000.0 => Self::Ticks,
            () if whole && typical >= 40.0 => Self::Millis,
            () => Self::Seconds,
        }
    }
}

fn gather(json: &Value, deep: usize, lengths: &mut Vec<f64>, whole: &mut bool) {
    match json {
        Value::Array(list) if deep < 16 => list.iter().for_each(|v| gather(v, deep + 1, lengths, whole)),
        Value::Object(object) if deep < 16 => {
            let find = |names: &[&str]| {
                let named = |(n, _): &(&String, &Value)| names.contains(&bare(n).as_str());
                object.iter().find(named).and_then(|(_, v)| v.is_number().then_some(v))
            };
            let length = match (find(&BEGINS), find(&ENDS), find(&LENGTHS)) {
                (Some(b), Some(e), _) => Some((b, e.as_f64().unwrap_or(0.0) - b.as_f64().unwrap_or(0.0))),
                (None, _, Some(d)) if object.keys().any(|k| bare(k) == "offset") => {
                    Some((d, d.as_f64().unwrap_or(0.0)))
                }
                _ => None,
            };
            if let Some((number, length)) = length.filter(|_| lengths.len() < 100_000) {
                *whole &= number.is_u64();
                lengths.push(length);
            }
            object.values().for_each(|v| gather(v, deep + 1, lengths, whole));
        }
        _ => {}
    }
}

/// A name without case, `_` and `-`: `startTime`, `start_time` and `StartTime` are one.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// "01:02:03.456", "02:03,456".
pub(super) fn clock(text: &str) -> Option<f64> {
    let text = text.trim().replace(',', ".");
    let parts: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&parts.len()) || !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.')) {
        return None;
    }
    parts.iter().try_fold(0.0, |s, p| Some(60.0 * s + p.parse::<f64>().ok()?))
}

/// "PT1H2M3.5S", "1.200s", "1.2", a clock: in seconds. Plain numbers are of `unit`.
fn text(text: &str, unit: f64) -> Option<f64> {
    let text = text.trim();
    if let Some(iso) = text.strip_prefix("PT") {
        let (mut seconds, mut number) = (0.0, String::new());
        for c in iso.chars() {
            let scale = match c {
                'H' => 3_600.0,
                'M' => 60.0,
                'S' => 1.0,
                c => {
                    number.push(c);
                    continue;
                }
            };
            seconds += scale * std::mem::take(&mut number).parse::<f64>().ok()?;
        }
        return Some(seconds);
    }
    if let Some(millis) = text.strip_suffix("ms") {
        return millis.trim().parse::<f64>().ok().map(|m| m / 1e3);
    }
    if let Some(seconds) = text.strip_suffix('s') {
        return seconds.trim().parse().ok();
    }
    clock(text).or_else(|| text.parse::<f64>().ok().map(|n| n * unit))
}

/// A time in seconds.
fn seconds(value: &Value, unit: f64) -> Option<f64> {
    let seconds = match value {
        Value::Number(n) => n.as_f64().map(|n| n * unit),
        Value::String(s) => text(s, unit),
        // Google's protobuf as JSON.
        Value::Object(o) if o.contains_key("seconds") || o.contains_key("nanos") => {
            let part = |name: &str| o.get(name).map_or(Some(0.0), |v| v.as_f64().or_else(|| v.as_str()?.parse().ok()));
            Some(part("seconds")? + part("nanos")? / 1e9)
        }
        _ => None,
    };
    seconds.filter(|s| s.is_finite() && *s >= 0.0 && s * 1e3 <= MAX_MS as f64)
}

/// In milliseconds, rounded down; and up for an end.
fn millis(seconds: f64, up: bool) -> u64 {
    // A tenth of a microsecond is what floats make of whole milliseconds.
    let ms = seconds * 1e3;
    (if up { (ms - 1e-4).ceil() } else { (ms + 1e-4).floor() }).max(0.0) as u64
}

/// Begin and end of an object, by its bare names.
pub(super) fn of(node: &BTreeMap<String, &Value>, unit: Unit) -> (Option<u64>, Option<u64>) {
    let plain = match unit {
        Unit::Seconds => 1.0,
        Unit::Millis => 1e-3,
        Unit::Ticks => 1e-7,
    };
    let find = |names: &[&str], unit: f64| names.iter().find_map(|n| seconds(node.get(*n).copied()?, unit));
    let ticks = |name: &str| find(&[name], 1e-7);
    let begin = find(&BEGINS_MS, 1e-3)
        .or_else(|| ticks("offsetinticks"))
        .or_else(|| find(&BEGINS, plain))
        .or_else(|| find(&["offset"], plain));
    let length = find(&LENGTHS_MS, 1e-3).or_else(|| ticks("durationinticks")).or_else(|| find(&LENGTHS, plain));
    let end = find(&ENDS_MS, 1e-3).or_else(|| find(&ENDS, plain)).or_else(|| Some(begin? + length?));
    if begin.is_some() || end.is_some() {
        return (begin.map(|s| millis(s, false)), end.map(|s| millis(s, true)));
    }
    // In an object or a pair of their own: whisper.cpp's offsets in milliseconds, transformers' timestamp in seconds.
    if let Some(Value::Object(offsets)) = node.get("offsets") {
        let at = |name: &str| offsets.get(name).and_then(|v| seconds(v, 1e-3));
        return (at("from").map(|s| millis(s, false)), at("to").map(|s| millis(s, true)));
    }
    if let Some(Value::Array(pair)) = ["timestamp", "timestamps", "time"].iter().find_map(|n| node.get(*n).copied()) {
        let at = |i: usize| pair.get(i).and_then(|v| seconds(v, 1.0));
        return (at(0).map(|s| millis(s, false)), at(1).map(|s| millis(s, true)));
    }
    (None, None)
}
