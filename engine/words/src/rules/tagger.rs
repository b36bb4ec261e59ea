//! Names and addresses by a small network, where no rule has a cue.
//!
//! A word is the sum of hashed rows of a table (itself, how it begins and ends, its trigrams) beside its case and the punctuation after it. Two
//! convolutions over words see four to each side. What the others asked last stands before a turn, apart from it by an empty word.
//! `models/train/tagger.py` trains it and writes the file; `models/cards/tagger.md` says on what, and how well it does.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::super::{Entity, normal};
use super::words::Item;

const WEIGHTS: &[u8] = include_bytes!("../../../../models/weights/tagger.bin");
const MAGIC: &[u8] = b"VOUCHTAG";
const VERSION: u32 = 1;
/// What each word is given.
const TAGS: usize = 5;
/// Flags of a word: capital, capitals only, a clause and a sentence end after it, digits, number in words, one character, said by the others.
const FLAGS: usize = 8;
/// What people say when they have heard: by itself it is nobody's name, though names are made like it.
const HEARD: [&str; 34] = [
    "absolutely",
    "alright",
    "amazing",
    "awesome",
    "brilliant",
    "certainly",
    "cheers",
    "cool",
    "correct",
    "exactly",
    "excellent",
    "fantastic",
    "fine",
    "good",
    "gotcha",
    "grand",
    "great",
    "indeed",
    "lovely",
    "marvellous",
    "mhm",
    "nice",
    "perfect",
    "right",
    "smashing",
    "sorry",
    "splendid",
    "super",
    "sure",
    "terrific",
    "thanks",
    "understood",
    "uh-huh",
    "wonderful",
];
/// Most trigrams of a word that count.
const TRIGRAMS: usize = 16;

/// The network that is built in.
static TAGGER: LazyLock<Option<Tagger>> = LazyLock::new(|| Tagger::parse(WEIGHTS));

/// A stretch of words that the network takes for a name or an address.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Tagged {
    pub(super) entity: Entity,
    pub(super) items: Range<usize>,
    /// Mean over its words of how likely each is part of such a thing, 0 to 1.
    pub(super) confidence: f32,
}

/// A convolution over words: `(outputs, taps, inputs)`.
struct Layer {
    weights: Vec<f32>,
    biases: Vec<f32>,
}

struct Tagger {
    buckets: u32,
    dim: usize,
    hidden: usize,
    taps: usize,
    scales: Vec<f32>,
    table: Vec<i8>,
    near: Layer,
    far: Layer,
    out: Layer,
}

/// A file that is read from its beginning.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*head))
    }

    fn bytes(&mut self, count: usize) -> Option<&[u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn floats(&mut self, count: usize) -> Option<Vec<f32>> {
        let bytes = self.bytes(count.checked_mul(4)?)?;
        Some(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    fn layer(&mut self, outputs: usize, inputs: usize) -> Option<Layer> {
        Some(Layer { weights: self.floats(outputs.checked_mul(inputs)?)?, biases: self.floats(outputs)? })
    }
}

/// Whether a word is a number, or a part of one, in words.
fn is_number(word: &str) -> bool {
    normal::below_hundred(word) || ["oh", "hundred", "thousand", "double"].contains(&word)
}

/// FNV-1a over a letter that says what it is of, and a text.
fn hash(kind: u8, text: &[char]) -> u32 {
    let step = |h: u32, b: u8| (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
    let mut buffer = [0; 4];
    let start = step(0x811C_9DC5, kind);
    text.iter().fold(start, |h, c| c.encode_utf8(&mut buffer).bytes().fold(h, step))
}

/// A word's digits as nines; a run of them as one where the word is long.
fn shape(text: &str) -> Vec<char> {
    let nines = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c });
    let mut out: Vec<char> = nines.collect();
    if out.len() > 5 {
        out.dedup_by(|a, b| (*a, *b) == ('9', '9'));
    }
    out
}

/// Eight sums at once, so that the compiler can keep them in one register.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0f32; 8];
    for (x, y) in a.0.iter().zip(b.0) {
        for ((s, x), y) in sums.iter_mut().zip(x).zip(y) {
            *s += x * y;
        }
    }
    sums.iter().sum::<f32>() + a.1.iter().zip(b.1).map(|(x, y)| x * y).sum::<f32>()
}

impl Layer {
    /// Rows of outputs from rows of inputs, `taps` of which each output sees; `x` has `taps / 2` empty rows before and behind.
    fn run(&self, x: &[f32], width: usize, taps: usize, relu: bool) -> Vec<f32> {
        let outputs = self.biases.len();
        let mut out = vec![0.0; (x.len() / width + 1 - taps) * outputs];
        // Output by output, so that its weights stay near while the words of the turn pass.
        for (o, (weights, bias)) in self.weights.chunks_exact(taps * width).zip(&self.biases).enumerate() {
            let windows = x.windows(taps * width).step_by(width);
            for (to, window) in out.iter_mut().skip(o).step_by(outputs).zip(windows) {
                let v = dot(window, weights) + bias;
                *to = if relu { v.max(0.0) } else { v };
            }
        }
        out
    }
}

/// `rows` with `count` empty rows of `width` before and behind.
fn padded(rows: &[f32], width: usize, count: usize) -> Vec<f32> {
    let mut out = vec![0.0; count * width];
    out.extend_from_slice(rows);
    out.resize(out.len() + count * width, 0.0);
    out
}

impl Tagger {
    /// `None` for anything but a whole file of this layout.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<32>()?;
        if Sha256::digest(body)[..] != sum[..] {
            return None;
        }
        let mut r = Reader(body);
        if r.bytes(MAGIC.len())? != MAGIC || r.number()? != VERSION {
            return None;
        }
        let buckets = r.number()?;
        let [dim, flags, hidden, taps] = [r.number()?, r.number()?, r.number()?, r.number()?].map(|n| n as usize);
        let sizes = (2..=1 << 20).contains(&buckets) && flags == FLAGS && taps % 2 == 1 && taps <= 15;
        if !sizes || [dim, hidden].iter().any(|n| !(1..=512).contains(n)) {
            return None;
        }
        let scales = r.floats(dim)?;
        let table = r.bytes(buckets as usize * dim)?.iter().map(|b| b.cast_signed()).collect();
        let near = r.layer(hidden, taps * (dim + flags))?;
        let far = r.layer(hidden, taps * hidden)?;
        let out = r.layer(TAGS, 2 * hidden)?;
        r.0.is_empty().then_some(Self { buckets, dim, hidden, taps, scales, table, near, far, out })
    }

    /// The numbers of a word, without its flags.
    fn embed(&self, text: &str) -> Vec<f32> {
        let text = shape(text);
        let marked: Vec<char> = ['^'].into_iter().chain(text.iter().copied()).chain(['$']).collect();
        let part = |from: usize| text.get(from..).unwrap_or_default();
        let mut rows = vec![hash(b'w', &text)];
        rows.extend([2, 3].map(|n| hash(b'a', text.get(..n).unwrap_or(&text))));
        rows.extend([2, 3, 4].map(|n| hash(b'z', part(text.len().saturating_sub(n)))));
        rows.extend(marked.windows(3).take(TRIGRAMS).map(|t| hash(b't', t)));
        let mut sum = vec![0i32; self.dim];
        for row in &rows {
            let at = (row % (self.buckets - 1) + 1) as usize * self.dim;
            let row = self.table.get(at..at + self.dim).unwrap_or_default();
            sum.iter_mut().zip(row).for_each(|(s, &v)| *s += i32::from(v));
        }
        let scale = 1.0 / (rows.len() as f32).sqrt();
        sum.iter().zip(&self.scales).map(|(&s, by)| s as f32 * by * scale).collect()
    }

    /// How likely each word is what, `(words, TAGS)`.
    fn run(&self, words: &[(Vec<f32>, [bool; FLAGS])]) -> Vec<[f32; TAGS]> {
        let width = self.dim + FLAGS;
        let mut x = Vec::with_capacity(words.len() * width);
        for (embedding, flags) in words {
            x.extend_from_slice(embedding);
            x.extend(flags.iter().map(|&f| f32::from(u8::from(f))));
        }
        let near = self.near.run(&padded(&x, width, self.taps / 2), width, self.taps, true);
        let far = self.far.run(&padded(&near, self.hidden, self.taps / 2), self.hidden, self.taps, true);
        let mut both = Vec::with_capacity(2 * near.len());
        for (near, far) in near.chunks_exact(self.hidden).zip(far.chunks_exact(self.hidden)) {
            both.extend_from_slice(near);
            both.extend_from_slice(far);
        }
        let logits = self.out.run(&both, 2 * self.hidden, 1, false);
        logits.as_chunks::<TAGS>().0.iter().map(softmax).collect()
    }
}

fn softmax(logits: &[f32; TAGS]) -> [f32; TAGS] {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let grown = logits.map(|l| (l - most).exp());
    let sum: f32 = grown.iter().sum();
    grown.map(|g| g / sum)
}

/// The network at work, and the words that it has met.
pub(super) struct Reading {
    known: HashMap<String, Vec<f32>>,
}

impl Reading {
    /// Nothing read yet.
    pub(super) fn new() -> Self {
        Self { known: HashMap::new() }
    }

    fn embed(&mut self, tagger: &Tagger, text: &str) -> Vec<f32> {
        // A bound on what is remembered: a text may have as many different words as it likes.
        if self.known.len() > 50_000 {
            self.known.clear();
        }
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let made = tagger.embed(text);
        self.known.insert(text.to_owned(), made.clone());
        made
    }

    /// What the network takes for names and addresses among the words of one turn, after the last that the others said before it. A word is
    /// one if that is likelier than not, or nearly so: `lean` is how much less likely it may be, in natural logarithms of odds.
    pub(super) fn find(&mut self, items: &[Item], asked: &str, lean: f32) -> Vec<Tagged> {
        let Some(tagger) = TAGGER.as_ref() else { return Vec::new() };
        let words = self.words(tagger, items, asked);
        let from = words.len() - items.len();
        let mut found = spans(tagger.run(&words).get(from..).unwrap_or_default(), lean);
        found.retain(|f| match items.get(f.items.clone()) {
            Some([alone]) => !HEARD.contains(&alone.text.as_str()),
            _ => true,
        });
        found
    }

    /// What the network is given: what was asked, an empty word, and the turn.
    fn words(&mut self, tagger: &Tagger, items: &[Item], asked: &str) -> Vec<(Vec<f32>, [bool; FLAGS])> {
        let flags = |text: &str, [capital, upper, ends, stops]: [bool; 4], asked: bool| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            [capital, upper, ends, stops, digits, is_number(text), text.chars().count() == 1, asked]
        };
        let mut words = Vec::with_capacity(items.len() + 16);
        for text in asked.split_whitespace() {
            words.push((self.embed(tagger, text), flags(text, [false; 4], true)));
        }
        words.push((vec![0.0; tagger.dim], [false; FLAGS]));
        for item in items {
            let written = [item.capital, item.upper, item.ends, item.stops];
            words.push((self.embed(tagger, &item.text), flags(&item.text, written, false)));
        }
        words
    }
}

/// Runs of words of one kind.
fn spans(likely: &[[f32; TAGS]], lean: f32) -> Vec<Tagged> {
    let mut found: Vec<Tagged> = Vec::new();
    for (i, p) in likely.iter().enumerate() {
        let mut odds = p.map(|p| p.max(1e-9).ln());
        odds[0] -= lean;
        let tag = odds.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(tag, _)| tag);
        let (entity, sure) = match tag {
            0 => continue,
            1 | 2 => (Entity::Name, p[1] + p[2]),
            _ => (Entity::Address, p[3] + p[4]),
        };
        match found.last_mut().filter(|f| f.entity == entity && f.items.end == i && tag % 2 == 0) {
            Some(going_on) => {
                let words = going_on.items.len() as f32;
                going_on.confidence = (going_on.confidence * words + sure) / (words + 1.0);
                going_on.items.end = i + 1;
            }
            None => found.push(Tagged { entity, items: i..i + 1, confidence: sure }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::words::Side;
    use super::*;

    const GOLDEN: &str = include_str!("../../../../models/weights/tagger.golden.json");

    #[derive(serde::Deserialize)]
    struct Turn {
        asked: String,
        text: String,
        likely: Vec<[f32; TAGS]>,
    }

    #[test]
    fn the_network_says_what_it_said_where_it_was_trained() {
        let tagger = TAGGER.as_ref().unwrap();
        for turn in serde_json::from_str::<Vec<Turn>>(GOLDEN).unwrap() {
            let mut side = Side::of_text(&turn.text);
            if let Some(last) = side.items.last_mut() {
                (last.ends, last.stops) = (true, true);
            }
            let words = Reading::new().words(tagger, &side.items, &turn.asked);
            let likely = tagger.run(&words);
            let likely = &likely[likely.len() - side.items.len()..];
            assert_eq!(likely.len(), turn.likely.len(), "{}", turn.text);
            for (found, golden) in likely.iter().flatten().zip(turn.likely.iter().flatten()) {
                assert!((found - golden).abs() < 2e-3, "{}: {likely:?}", turn.text);
            }
        }
    }

    #[test]
    fn names_and_addresses_are_found_without_a_cue() {
        let said = |text: &str| {
            let side = Side::of_text(text);
            let found = Reading::new().find(&side.items, "", 0.0);
            let words =
                |f: &Tagged| side.items[f.items.clone()].iter().map(|i| i.text.clone()).collect::<Vec<_>>().join(" ");
            found.iter().map(|f| (f.entity, words(f))).collect::<Vec<_>>()
        };
        assert_eq!(
            said("we spoke with kenji watanabe about the invoice"),
            [(Entity::Name, "kenji watanabe".to_owned())]
        );
        assert_eq!(said("Ask for Siobhan in billing."), [(Entity::Name, "siobhan".to_owned())]);
        assert_eq!(said("please ship it to 14 rue des Lilas"), [(Entity::Address, "14 rue des lilas".to_owned())]);
        for text in
            ["Lovely.", "lovely", "the price will rise in may", "i would like to pay my bill please", "perfect thanks"]
        {
            assert_eq!(said(text), [], "{text}");
        }
    }

    #[test]
    fn a_damaged_file_is_no_network() {
        let mut bytes = WEIGHTS.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        assert!(Tagger::parse(&bytes).is_none());
        for length in [0, 8, 31, 32, 60, WEIGHTS.len() - 1] {
            assert!(Tagger::parse(&WEIGHTS[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn words_of_any_kind_have_numbers() {
        let tagger = TAGGER.as_ref().unwrap();
        for text in ["", "a", "\u{1F600}", "ßßßßßß", "99999999999", "a1b2c3d4", &"x".repeat(10_000)] {
            assert!(tagger.embed(text).iter().all(|v| v.is_finite()), "{text:?}");
        }
        assert_eq!(shape("1234567"), ['9'; 1], "a long number is one nine");
        assert_eq!(shape("421"), ['9'; 3]);
        assert_eq!(spans(&[], 0.0), []);
    }
}
