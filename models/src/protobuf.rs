//! Just enough of Protocol Buffers and of ONNX's messages to say how large a graph is before anything else reads it, and to take a
//! network's weights out of it.
//!
//! *Source*: Protocol Buffers' encoding guide; `onnx.proto3` of ONNX 1.17.

use std::collections::HashMap;

/// Most nodes of a graph, its subgraphs included. CAM++ as PyTorch writes it has 3,600.
pub(crate) const MAX_NODES: usize = 50_000;
/// How deep graphs lie in graphs (branches and loops).
pub(crate) const MAX_GRAPH_DEPTH: usize = 4;
/// Most constants and attributes.
pub(crate) const MAX_PARTS: usize = 500_000;
/// Largest graph, in bytes.
pub(crate) const MAX_GRAPH_BYTES: usize = 200 << 20;

/// The value of a field.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Word([u8; 4]),
}

/// The fields of a message, one after another.
struct Fields<'a> {
    rest: &'a [u8],
}

type Field<'a> = (u64, Value<'a>);

fn damaged() -> String {
    "not an ONNX graph, or damaged".to_owned()
}

impl<'a> Fields<'a> {
    fn number(&mut self) -> Result<u64, String> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or_else(damaged)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged())
    }

    fn bytes(&mut self, n: u64) -> Result<&'a [u8], String> {
        let n = usize::try_from(n).map_err(|_| damaged())?;
        let (head, rest) = self.rest.split_at_checked(n).ok_or_else(damaged)?;
        self.rest = rest;
        Ok(head)
    }

    fn next(&mut self) -> Result<Option<Field<'a>>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => Value::Bytes(self.bytes(8)?),
            2 => {
                let n = self.number()?;
                Value::Bytes(self.bytes(n)?)
            }
            5 => Value::Word(self.bytes(4)?.try_into().map_err(|_| damaged())?),
            _ => return Err(damaged()),
        };
        Ok(Some((tag >> 3, value)))
    }
}

/// Calls `each` with every field of a message.
fn read<'a>(message: &'a [u8], mut each: impl FnMut(u64, Value<'a>) -> Result<(), String>) -> Result<(), String> {
    let mut fields = Fields { rest: message };
    while let Some((number, value)) = fields.next()? {
        each(number, value)?;
    }
    Ok(())
}

/// What a graph is made of, counted.
#[derive(Default)]
struct Count {
    nodes: usize,
    parts: usize,
}

/// The graphs of a model.
fn graphs(onnx: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut found = Vec::new();
    read(onnx, |number, value| {
        if let (7, Value::Bytes(graph)) = (number, value) {
            found.push(graph);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Refuses what is no graph, and graphs that are larger or deeper than the limits of this module.
///
/// # Errors
/// In words.
pub(crate) fn check(onnx: &[u8]) -> Result<(), String> {
    if onnx.len() > MAX_GRAPH_BYTES {
        return Err(format!("{} bytes, at most {MAX_GRAPH_BYTES} are read", onnx.len()));
    }
    let found = graphs(onnx)?;
    if found.is_empty() {
        return Err(damaged());
    }
    let mut count = Count::default();
    found.into_iter().try_for_each(|graph| check_graph(graph, 1, &mut count))
}

fn check_graph(graph: &[u8], depth: usize, count: &mut Count) -> Result<(), String> {
    if depth > MAX_GRAPH_DEPTH {
        return Err(format!("graphs within graphs, deeper than {MAX_GRAPH_DEPTH}"));
    }
    read(graph, |number, value| {
        let Value::Bytes(bytes) = value else { return Ok(()) };
        match number {
            1 => {
                count.nodes += 1;
                if count.nodes > MAX_NODES {
                    return Err(format!("more than {MAX_NODES} nodes"));
                }
                read(bytes, |number, value| match (number, value) {
                    (5, Value::Bytes(attribute)) => check_attribute(attribute, depth, count),
                    _ => Ok(()),
                })
            }
            _ => part(count),
        }
    })
}

fn part(count: &mut Count) -> Result<(), String> {
    count.parts += 1;
    if count.parts > MAX_PARTS { Err(format!("more than {MAX_PARTS} constants and attributes")) } else { Ok(()) }
}

fn check_attribute(attribute: &[u8], depth: usize, count: &mut Count) -> Result<(), String> {
    part(count)?;
    read(attribute, |number, value| match (number, value) {
        (6 | 11, Value::Bytes(graph)) => check_graph(graph, depth + 1, count),
        _ => Ok(()),
    })
}

/// Numbers of a graph, with their shape.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

/// A node of a graph.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) op: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) epsilon: Option<f32>,
    pub(crate) trans_b: bool,
}

/// A graph's nodes in order, and its constants of `f32` by name.
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) constants: HashMap<String, Constant>,
}

fn text(bytes: &[u8]) -> Result<String, String> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| damaged())
}

fn words(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// A tensor's name, and its numbers if they are `f32`.
fn constant(bytes: &[u8]) -> Result<(String, Option<Constant>), String> {
    let (mut name, mut shape, mut data, mut kind, mut outside) = (String::new(), Vec::new(), Vec::new(), 0, false);
    read(bytes, |number, value| {
        match (number, value) {
            (1, Value::Number(n)) => shape.push(usize::try_from(n).map_err(|_| damaged())?),
            (1, Value::Bytes(packed)) => {
                let mut packed = Fields { rest: packed };
                while !packed.rest.is_empty() {
                    shape.push(usize::try_from(packed.number()?).map_err(|_| damaged())?);
                }
            }
            (2, Value::Number(n)) => kind = n,
            (4, Value::Word(word)) => data.push(f32::from_le_bytes(word)),
            (4 | 9, Value::Bytes(packed)) => data = words(packed).collect(),
            (8, Value::Bytes(bytes)) => name = text(bytes)?,
            (14, Value::Number(n)) => outside = n != 0,
            _ => {}
        }
        Ok(())
    })?;
    if outside {
        return Err(format!("{name}: its numbers lie in another file"));
    }
    if kind != 1 {
        return Ok((name, None));
    }
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    if count != Some(data.len()) || data.iter().any(|v| !v.is_finite()) {
        return Err(format!("{name}: numbers that are missing or not finite"));
    }
    Ok((name, Some(Constant { shape, data })))
}

impl Graph {
    /// Reads a graph that has passed [`check`].
    ///
    /// # Errors
    /// In words.
    pub(crate) fn read(onnx: &[u8]) -> Result<Self, String> {
        check(onnx)?;
        let (mut nodes, mut constants) = (Vec::new(), HashMap::new());
        for graph in graphs(onnx)? {
            read(graph, |number, value| {
                match (number, value) {
                    (1, Value::Bytes(bytes)) => {
                        let (node, value) = Node::read(bytes)?;
                        if let (Some(value), Some(name)) = (value, node.outputs.first()) {
                            constants.insert(name.clone(), value);
                        }
                        nodes.push(node);
                    }
                    (5, Value::Bytes(bytes)) => {
                        if let (name, Some(value)) = constant(bytes)? {
                            constants.insert(name, value);
                        }
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
        Ok(Self { nodes, constants })
    }
}

impl Node {
    /// The node, and its value if it is a constant of `f32`.
    fn read(bytes: &[u8]) -> Result<(Self, Option<Constant>), String> {
        let (mut node, mut held) = (Self::default(), None);
        read(bytes, |number, value| {
            let Value::Bytes(bytes) = value else { return Ok(()) };
            match number {
                1 => node.inputs.push(text(bytes)?),
                2 => node.outputs.push(text(bytes)?),
                4 => node.op = text(bytes)?,
                5 => {
                    let (mut name, mut number, mut integer, mut tensor) = (String::new(), None, None, None);
                    read(bytes, |field, value| {
                        match (field, value) {
                            (1, Value::Bytes(bytes)) => name = text(bytes)?,
                            (2, Value::Word(word)) => number = Some(f32::from_le_bytes(word)),
                            (3, Value::Number(n)) => integer = Some(n),
                            (5, Value::Bytes(bytes)) => tensor = constant(bytes)?.1,
                            _ => {}
                        }
                        Ok(())
                    })?;
                    match name.as_str() {
                        "epsilon" => node.epsilon = number,
                        "transB" => node.trans_b = integer == Some(1),
                        "value" => held = tensor,
                        _ => {}
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        let held = held.filter(|_| node.op == "Constant");
        Ok((node, held))
    }
}
