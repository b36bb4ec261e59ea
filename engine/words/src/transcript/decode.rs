//! From a file's bytes to text and JSON, whatever wrote them: byte order marks, UTF-16, bytes that are no UTF-8, NaN, several values in a row.

use std::collections::HashSet;
use std::fmt;

use anyhow::{Context, Result, ensure};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The text of a file. Bytes that are no UTF-8 are read as Latin-1, so that none is left out.
pub(super) fn text(bytes: &[u8]) -> String {
    let wide = |pair: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|b| pair([b[0], b[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(u16::from_le_bytes, rest),
        [0xFE, 0xFF, rest @ ..] => wide(u16::from_be_bytes, rest),
        // Without a mark: the first characters of every format are ASCII.
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => wide(u16::from_le_bytes, bytes),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => wide(u16::from_be_bytes, bytes),
        _ => {
            let mut out = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                out.push_str(chunk.valid());
                out.extend(chunk.invalid().iter().map(|b| char::from(*b)));
            }
            out
        }
    };
    let text = text.trim_start_matches('\u{feff}');
    // CR CR LF, CR LF and CR alone end a line; NUL is nothing.
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\0' => {}
            '\r' => {
                while chars.next_if_eq(&'\r').is_some() {}
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{B}' | '\u{C}' => out.push('\n'),
            c => out.push(c),
        }
    }
    out
}

/// The values of a text: one, or one after the other as streams write them.
///
/// # Errors
/// It is not JSON, or an object has two values of one name: which of them is meant, nobody can tell.
pub(super) fn json(text: &str) -> Result<Vec<Value>> {
    let plain = without_nan(text);
    let mut values = Vec::new();
    let mut rest = serde_json::Deserializer::from_str(&plain);
    loop {
        let value = Once.deserialize(&mut rest);
        match value {
            Ok(value) => values.push(value),
            Err(e) if e.is_eof() && !values.is_empty() && rest.end().is_ok() => break,
            Err(e) => return Err(e).context("neither JSON nor subtitles nor a table of words"),
        }
        if rest.end().is_ok() {
            break;
        }
    }
    ensure!(!values.is_empty(), "neither JSON nor subtitles");
    Ok(values)
}

/// Python's NaN and Infinity are no JSON: nothing, then.
fn without_nan(text: &str) -> String {
    const WORDS: [&str; 4] = ["-Infinity", "Infinity", "-NaN", "NaN"];
    if !WORDS.iter().any(|w| text.contains(w)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut escaped, mut skip) = (false, false, 0);
    for (at, c) in text.char_indices() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        let word = WORDS.iter().find(|w| !quoted && text.get(at..).is_some_and(|t| t.starts_with(**w)));
        match word {
            Some(word) => {
                out.push_str("null");
                skip = word.len() - 1;
            }
            None => out.push(c),
        }
    }
    out
}

/// A value whose objects have each name once.
struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element_seed(Once)? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        let mut names = HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("an object has two values of one name"));
            }
            all.insert(name, object.next_value_seed(Once)?);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn bytes_of_any_kind_become_text() {
        let wide: Vec<u8> = "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(&wide), "{\"a\":1}");
        assert_eq!(text(&[&[0xFF, 0xFE][..], &wide].concat()), "{\"a\":1}");
        assert_eq!(text(b"\xEF\xBB\xBFa\r\r\nb\rc\r\nd"), "a\nb\nc\nd");
        assert_eq!(text(b"caf\xe9"), "caf\u{e9}");
    }

    #[test]
    fn json_of_any_kind_is_read_and_what_means_two_things_is_not() {
        assert_eq!(
            json("{\"a\": NaN, \"b\": \"NaN\", \"c\": -Infinity}").unwrap(),
            [serde_json::json!({"a": null, "b": "NaN", "c": null})]
        );
        assert_eq!(json("{\"a\":1}\n{\"a\":2}\n").unwrap().len(), 2);
        assert!(
            json("{\"a\":1,\"a\":2}").is_err()
                && json("{\"a\":1").is_err()
                && json("").is_err()
                && json("{} x").is_err()
        );
    }
}
