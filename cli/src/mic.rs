//! The microphone: a capture callback that only copies into a ring, and what reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use anyhow::{Context, Result, bail};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{FromSample, Sample, SampleFormat, SizedSample};
use rtrb::{Consumer, Producer, RingBuffer};

/// Samples that the ring holds, in seconds: what may pile up while the other side is busy.
const RING_SECONDS: usize = 4;

/// A device that can be listened to.
pub struct Device {
    /// What `--device` takes.
    pub id: String,
    /// What a person reads.
    pub name: String,
    /// Whether it is taken when none is chosen.
    pub default: bool,
}

/// Every device that can be listened to.
///
/// # Errors
/// The audio system does not answer.
pub fn devices() -> Result<Vec<Device>> {
    let host = cpal::default_host();
    let chosen = host.default_input_device().and_then(|d| d.id().ok());
    let mut found = Vec::new();
    for device in host.input_devices().context("list of audio devices")? {
        let Ok(id) = device.id() else { continue };
        let name = device.description().map_or_else(|_| id.to_string(), |d| d.name().to_owned());
        found.push(Device { default: chosen.as_ref() == Some(&id), id: id.to_string(), name });
    }
    Ok(found)
}

/// A running capture of one channel.
pub struct Capture {
    stream: cpal::Stream,
    ring: Consumer<f32>,
    errors: Receiver<String>,
    overruns: Arc<AtomicU64>,
    rate_hz: u32,
    name: String,
}

impl Capture {
    /// Starts to listen to a device, the default one for `None`; its first channel.
    ///
    /// # Errors
    /// There is no such device, or it cannot be opened.
    pub fn open(wanted: Option<&str>) -> Result<Self> {
        let host = cpal::default_host();
        let device = match wanted {
            None => host
                .default_input_device()
                .context("no microphone found; `vouch listen --devices` lists what there is")?,
            Some(wanted) => host
                .input_devices()
                .context("list of audio devices")?
                .find(|d| {
                    d.id().is_ok_and(|id| id.to_string() == wanted || id.id() == wanted)
                        || d.description().is_ok_and(|d| d.name() == wanted)
                })
                .with_context(|| format!("--device {wanted}: no such device; `vouch listen --devices` lists them"))?,
        };
        let name = device.description().map_or_else(|_| "microphone".to_owned(), |d| d.name().to_owned());
        let config = device.default_input_config().with_context(|| name.clone())?;
        let rate_hz = config.sample_rate();
        let (producer, ring) = RingBuffer::new(RING_SECONDS * rate_hz as usize);
        let (tell, errors) = sync_channel(8);
        let overruns = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&overruns);
        let stream = match config.sample_format() {
            SampleFormat::I16 => run::<i16>(&device, &config, producer, lost, tell),
            SampleFormat::I32 => run::<i32>(&device, &config, producer, lost, tell),
            SampleFormat::U8 => run::<u8>(&device, &config, producer, lost, tell),
            SampleFormat::F32 => run::<f32>(&device, &config, producer, lost, tell),
            other => bail!("{name}: samples of type {other} are not supported"),
        }
        .with_context(|| name.clone())?;
        stream.play().with_context(|| name.clone())?;
        Ok(Self { stream, ring, errors, overruns, rate_hz, name })
    }

    /// Its rate, in Hz.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// What a person reads.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Samples that found the ring full and are lost.
    pub fn overruns(&self) -> u64 {
        self.overruns.load(Ordering::Relaxed)
    }

    /// Takes what has been captured since the last call.
    ///
    /// # Errors
    /// The device has failed or was unplugged.
    pub fn read(&mut self, out: &mut Vec<f32>) -> Result<()> {
        out.clear();
        let waiting = self.ring.slots();
        if let Ok(chunk) = self.ring.read_chunk(waiting) {
            out.extend(chunk);
        }
        match self.errors.try_recv() {
            Ok(error) if out.is_empty() => {
                let _ = self.stream.pause();
                bail!("{}: {error}", self.name)
            }
            _ => Ok(()),
        }
    }
}

fn run<T: SizedSample>(
    device: &cpal::Device,
    config: &cpal::SupportedStreamConfig,
    mut ring: Producer<f32>,
    overruns: Arc<AtomicU64>,
    tell: SyncSender<String>,
) -> Result<cpal::Stream, cpal::Error>
where
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels()).max(1);
    let take = move |data: &[T], _: &cpal::InputCallbackInfo| {
        let frames = data.len() / channels;
        let room = frames.min(ring.slots());
        if room < frames {
            overruns.fetch_add((frames - room) as u64, Ordering::Relaxed);
        }
        if let Ok(chunk) = ring.write_chunk_uninit(room) {
            chunk.fill_from_iter(data.iter().step_by(channels).map(|&s| f32::from_sample(s)));
        }
    };
    let failed = move |error: cpal::Error| {
        if !matches!(
            error.kind(),
            cpal::ErrorKind::Xrun | cpal::ErrorKind::RealtimeDenied | cpal::ErrorKind::DeviceChanged
        ) {
            // A full channel already holds an error to be told.
            let (Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) =
                tell.try_send(error.to_string());
        }
    };
    device.build_input_stream(config.config(), take, failed, None)
}
