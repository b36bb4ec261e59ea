//! Each tool's shape of a transcript, in a sample of our own: the same words at the same times in all of them, and a card number from 3.0 to 4.95 s.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use engine_words::Entity;
use engine_words::rules;
use engine_words::transcript::load;

#[test]
fn every_tools_shape_is_read_with_its_times() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut wrong = Vec::new();
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let plain = std::fs::read(&path).unwrap();
        let text = String::from_utf8(plain.clone()).unwrap();
        // As it is, with a mark, in UTF-16, with the ends of lines of other systems, with bytes that are no UTF-8 in front of nothing.
        let wide: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let spellings = [
            ("", plain.clone()),
            (" with a mark", [&b"\xEF\xBB\xBF"[..], &plain].concat()),
            (" in UTF-16", wide),
            (" with CR LF", text.replace('\n', "\r\n").into_bytes()),
            (" with CR", text.replace('\n', "\r").into_bytes()),
        ];
        for (how, bytes) in spellings {
            read += 1;
            let loaded = match load(&bytes) {
                Ok(loaded) => loaded,
                Err(e) => {
                    wrong.push(format!("{name}{how}: {e:#}"));
                    continue;
                }
            };
            let findings = rules::find(&loaded.transcript, &rules::recognised());
            let cards: Vec<_> = findings.iter().filter(|f| f.entity == Entity::CreditDebitNumber).collect();
            let span = cards.first().map(|f| (f.places[0].span.begin_ms, f.places[f.places.len() - 1].span.end_ms));
            let words: usize = loaded.transcript.turns().iter().map(|t| t.words.len()).sum();
            if cards.len() != 1 || span != Some((3_000, 4_950)) || cards[0].needs_review() || words != 8 {
                wrong.push(format!(
                    "{name}{how} ({}): {} found at {span:?}, {words} words",
                    loaded.format,
                    cards.len()
                ));
            }
        }
    }
    assert!(read > 150, "{read}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
