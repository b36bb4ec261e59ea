//! The tensors of a PyTorch `state_dict`, and nothing else that a pickle may hold.
//!
//! A pickle is a program for a small machine that can be told to call anything. This one knows the 24 instructions that saving a
//! dictionary of tensors takes, and three things to call: what makes a tensor of a storage, and an ordered dictionary, empty. It makes
//! no object of anything else; every other instruction, name, shape or nesting is an error.
//!
//! *Source*: CPython's `pickletools.py` (protocol 2), PyTorch's `torch/_utils.py`.

use std::rc::Rc;

use crate::zip::Archive;

/// Largest program, in bytes.
const MAX_PROGRAM_BYTES: usize = 4 << 20;
/// Most values on the stack, and most remembered ones.
const MAX_VALUES: usize = 100_000;
/// How deep tuples lie in tuples.
const MAX_NESTING: usize = 8;
/// Most tensors.
const MAX_TENSORS: usize = 10_000;
/// Most numbers in all tensors together.
const MAX_NUMBERS: usize = 32 << 20;

/// A tensor as it was saved, of `f32`, row-major.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Float,
    Long,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Global {
    RebuildTensor,
    OrderedDict,
    Storage(Kind),
}

#[derive(Clone, Debug)]
enum Held {
    Mark,
    Text(Rc<str>),
    Number(i64),
    No,
    Tuple(Rc<[Held]>, usize),
    Global(Global),
    Storage(Kind, Rc<str>, usize),
    Tensor(Rc<TensorPlace>),
    Dict,
}

/// Where a tensor lies.
#[derive(Debug)]
struct TensorPlace {
    kind: Kind,
    storage: Rc<str>,
    storage_len: usize,
    offset: usize,
    shape: Vec<usize>,
}

/// The machine.
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Held>,
    memo: Vec<Option<Held>>,
    named: Vec<(Rc<str>, Rc<TensorPlace>)>,
    /// Whether the dictionary of tensors has been begun: it is the first thing of all.
    begun: bool,
}

type Step<T> = Result<T, String>;

fn refused(what: impl std::fmt::Display) -> String {
    format!("checkpoint: {what}; only a dictionary of tensors, as torch.save writes it, is read")
}

impl<'a> Machine<'a> {
    fn take(&mut self, n: usize) -> Step<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or_else(|| refused("ends too early"))?;
        self.rest = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Step<u8> {
        Ok(self.take(1)?[0])
    }

    fn word(&mut self) -> Step<u32> {
        let b = self.take(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn line(&mut self) -> Step<&'a [u8]> {
        let end = self.rest.iter().take(200).position(|&b| b == b'\n').ok_or_else(|| refused("a name without end"))?;
        let line = self.take(end + 1)?;
        Ok(&line[..end])
    }

    fn put(&mut self, value: Held) -> Step<()> {
        if self.stack.len() >= MAX_VALUES {
            return Err(refused("too much at once"));
        }
        self.stack.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Step<Held> {
        self.stack.pop().ok_or_else(|| refused("takes what is not there"))
    }

    /// What lies on the latest mark, which goes as well.
    fn above_mark(&mut self) -> Step<Vec<Held>> {
        let mark = self.stack.iter().rposition(|v| matches!(v, Held::Mark)).ok_or_else(|| refused("has no mark"))?;
        let above = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(above)
    }

    fn tuple(&mut self, parts: Vec<Held>) -> Step<()> {
        let depth = |v: &Held| if let Held::Tuple(_, depth) = v { *depth } else { 0 };
        let depth = 1 + parts.iter().map(depth).max().unwrap_or(0);
        if depth > MAX_NESTING || parts.len() > 16 {
            return Err(refused("tuples too deep or too long"));
        }
        self.put(Held::Tuple(parts.into(), depth))
    }

    fn remember(&mut self, at: usize) -> Step<()> {
        let value = self.stack.last().cloned().ok_or_else(|| refused("remembers what is not there"))?;
        if at >= MAX_VALUES {
            return Err(refused("remembers too much"));
        }
        if self.memo.len() <= at {
            self.memo.resize(at + 1, None);
        }
        self.memo[at] = Some(value);
        Ok(())
    }

    fn recall(&mut self, at: usize) -> Step<()> {
        let value = self.memo.get(at).cloned().flatten().ok_or_else(|| refused("recalls what it never had"))?;
        self.put(value)
    }

    fn global(&mut self) -> Step<()> {
        let (module, name) = (self.line()?, self.line()?);
        let global = match (module, name) {
            (b"torch._utils", b"_rebuild_tensor_v2") => Global::RebuildTensor,
            (b"collections", b"OrderedDict") => Global::OrderedDict,
            (b"torch", b"FloatStorage") => Global::Storage(Kind::Float),
            (b"torch", b"LongStorage") => Global::Storage(Kind::Long),
            _ => {
                let (module, name) = (module.escape_ascii(), name.escape_ascii());
                return Err(refused(format_args!("asks for {module}.{name}")));
            }
        };
        self.put(Held::Global(global))
    }

    /// `('storage', kind, key, place, length)`.
    fn storage(&mut self) -> Step<()> {
        let Held::Tuple(parts, _) = self.pop()? else { return Err(refused("a storage without a description")) };
        match &parts[..] {
            [Held::Text(tag), Held::Global(Global::Storage(kind)), Held::Text(key), Held::Text(_), Held::Number(n)]
                if &**tag == "storage" && !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()) =>
            {
                let len = usize::try_from(*n).map_err(|_| refused("a storage of impossible length"))?;
                self.put(Held::Storage(*kind, Rc::clone(key), len))
            }
            _ => Err(refused("a storage that is described otherwise")),
        }
    }

    fn reduce(&mut self) -> Step<()> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        match (callee, arguments) {
            (Held::Global(Global::OrderedDict), Held::Tuple(parts, _)) if parts.is_empty() => self.put(Held::Dict),
            (Held::Global(Global::RebuildTensor), Held::Tuple(parts, _)) => self.tensor(&parts),
            _ => Err(refused("calls something")),
        }
    }

    /// `(storage, offset, shape, strides, False, OrderedDict())`.
    fn tensor(&mut self, parts: &[Held]) -> Step<()> {
        let wrong = || refused("a tensor that is described otherwise");
        let [
            Held::Storage(kind, key, len),
            Held::Number(offset),
            Held::Tuple(shape, _),
            Held::Tuple(strides, _),
            Held::No,
            Held::Dict,
        ] = parts
        else {
            return Err(wrong());
        };
        let numbers = |parts: &[Held]| -> Option<Vec<usize>> {
            let number = |v: &Held| if let Held::Number(n) = v { usize::try_from(*n).ok() } else { None };
            parts.iter().map(number).collect()
        };
        let (shape, strides) = numbers(shape).zip(numbers(strides)).ok_or_else(wrong)?;
        let mut expected = 1usize;
        for (&size, &stride) in shape.iter().zip(&strides).rev() {
            if stride != expected && size != 1 {
                return Err(refused("a tensor that does not lie in rows"));
            }
            expected = expected.checked_mul(size).ok_or_else(wrong)?;
        }
        let offset = usize::try_from(*offset).map_err(|_| wrong())?;
        let fits = shape.len() == strides.len() && offset.checked_add(expected).is_some_and(|end| end <= *len);
        if !fits || expected == 0 {
            return Err(wrong());
        }
        let place = TensorPlace { kind: *kind, storage: Rc::clone(key), storage_len: *len, offset, shape };
        self.put(Held::Tensor(Rc::new(place)))
    }

    fn entry(&mut self, key: &Held, value: &Held) -> Step<()> {
        let (Held::Text(name), Held::Tensor(place)) = (key, value) else {
            return Err(refused("holds more than tensors"));
        };
        if self.named.len() >= MAX_TENSORS || self.named.iter().any(|(n, _)| n == name) {
            return Err(refused(format_args!("{name}: too many tensors, or one twice")));
        }
        self.named.push((Rc::clone(name), Rc::clone(place)));
        Ok(())
    }

    /// Under the entries lies the one dictionary.
    fn inside_dict(&self) -> Step<()> {
        match &self.stack[..] {
            [Held::Dict] => Ok(()),
            _ => Err(refused("more than one dictionary")),
        }
    }

    /// Puts all that lies above the mark into the dictionary.
    fn entries(&mut self) -> Step<()> {
        let entries = self.above_mark()?;
        self.inside_dict()?;
        if !entries.len().is_multiple_of(2) {
            return Err(refused("a name without a tensor"));
        }
        entries.chunks_exact(2).try_for_each(|pair| self.entry(&pair[0], &pair[1]))
    }

    fn run(&mut self) -> Step<()> {
        if self.take(2)? != b"\x80\x02" {
            return Err(refused("not of protocol 2"));
        }
        loop {
            match self.byte()? {
                b'}' if !self.begun => {
                    self.begun = true;
                    self.put(Held::Dict)?;
                }
                b'q' => {
                    let at = usize::from(self.byte()?);
                    self.remember(at)?;
                }
                b'r' => {
                    let at = self.word()? as usize;
                    self.remember(at)?;
                }
                b'h' => {
                    let at = usize::from(self.byte()?);
                    self.recall(at)?;
                }
                b'j' => {
                    let at = self.word()? as usize;
                    self.recall(at)?;
                }
                b'(' => self.put(Held::Mark)?,
                b'X' => {
                    let len = self.word()? as usize;
                    let text = std::str::from_utf8(self.take(len.min(1 << 16))?).map_err(|_| refused("bad text"))?;
                    self.put(Held::Text(text.into()))?;
                }
                b'c' => self.global()?,
                b'K' => {
                    let n = self.byte()?;
                    self.put(Held::Number(n.into()))?;
                }
                b'M' => {
                    let b = self.take(2)?;
                    self.put(Held::Number(u16::from_le_bytes([b[0], b[1]]).into()))?;
                }
                b'J' => {
                    let n = self.word()?;
                    self.put(Held::Number((n as i32).into()))?;
                }
                0x89 => self.put(Held::No)?,
                b')' => self.tuple(Vec::new())?,
                n @ 0x85..=0x87 => {
                    let n = usize::from(n - 0x84);
                    let at = self.stack.len().checked_sub(n).ok_or_else(|| refused("takes what is not there"))?;
                    let parts = self.stack.split_off(at);
                    self.tuple(parts)?;
                }
                b't' => {
                    let parts = self.above_mark()?;
                    self.tuple(parts)?;
                }
                b'Q' => self.storage()?,
                b'R' => self.reduce()?,
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.inside_dict()?;
                    self.entry(&key, &value)?;
                }
                b'u' => self.entries()?,
                b'.' => {
                    self.inside_dict()?;
                    return if self.rest.is_empty() { Ok(()) } else { Err(refused("goes on behind its end")) };
                }
                other => return Err(refused(format_args!("instruction 0x{other:02x}"))),
            }
        }
    }
}

/// The tensors of floating-point numbers in a checkpoint, by name; whole numbers (counters) are passed over.
///
/// # Errors
/// In words.
pub(crate) fn tensors(checkpoint: &[u8]) -> Result<Vec<Saved>, String> {
    let archive = Archive::open(checkpoint).map_err(|e| format!("checkpoint: {e}"))?;
    let program = archive.only("/data.pkl")?.to_owned();
    let folder = program.strip_suffix("data.pkl").unwrap_or_default();
    let bytes = archive.read(&program)?;
    if bytes.len() > MAX_PROGRAM_BYTES {
        return Err(refused(format_args!("{} bytes of description", bytes.len())));
    }
    let mut machine = Machine { rest: &bytes, stack: Vec::new(), memo: Vec::new(), named: Vec::new(), begun: false };
    machine.run()?;
    let (mut found, mut numbers_left) = (Vec::new(), MAX_NUMBERS);
    for (name, place) in machine.named.iter().filter(|(_, place)| place.kind == Kind::Float) {
        let raw = archive.read(&format!("{folder}data/{}", place.storage))?;
        let count = place.shape.iter().product::<usize>();
        let left = numbers_left.checked_sub(count);
        numbers_left = left.ok_or_else(|| refused(format_args!("more than {MAX_NUMBERS} numbers")))?;
        if raw.len() != 4 * place.storage_len {
            return Err(refused(format_args!("{name}: a storage of {} bytes", raw.len())));
        }
        let numbers = raw.chunks_exact(4).skip(place.offset).take(count);
        let data: Vec<f32> = numbers.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if data.len() != count || data.iter().any(|v| !v.is_finite()) {
            return Err(refused(format_args!("{name}: numbers that are missing or not finite")));
        }
        found.push(Saved { name: name.to_string(), shape: place.shape.clone(), data });
    }
    Ok(found)
}
