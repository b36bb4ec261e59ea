//! Resamplers of rubato, one channel of single precision.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, ResamplerConstructionError, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

/// One channel's conversion, a block at a time.
pub struct Conversion(Box<dyn rubato::Resampler<f32> + Send>);

impl Conversion {
    /// By Fourier transforms, in blocks of `chunk_in` input samples: for rates whose ratio is a fraction of small numbers.
    ///
    /// # Errors
    /// rubato refuses a number.
    pub fn fft(from_hz: usize, to_hz: usize, chunk_in: usize) -> Result<Self, ResamplerConstructionError> {
        let window = WindowFunction::BlackmanHarris2;
        let fft = Fft::<f32>::new_custom(from_hz, to_hz, chunk_in, 1, 1, window, FixedSync::Both)?;
        Ok(Self(Box::new(fft)))
    }

    /// By a windowed sinc of `length` taps, in blocks of `chunk_in` input samples; `ratio` is output over input rate.
    ///
    /// # Errors
    /// rubato refuses a number.
    pub fn sinc(ratio: f64, length: usize, chunk_in: usize) -> Result<Self, ResamplerConstructionError> {
        let parameters = SincInterpolationParameters {
            sinc_len: length,
            f_cutoff: None,
            oversampling_factor: 128,
            interpolation: SincInterpolationType::Cubic,
            window: WindowFunction::BlackmanHarris2,
        };
        let sinc = Async::<f32>::new_sinc(ratio, 1.0, &parameters, chunk_in, 1, FixedAsync::Input)?;
        Ok(Self(Box::new(sinc)))
    }

    /// Converts the next block: [`Conversion::next_in`] samples of `input` to the front of `output`, which holds
    /// [`Conversion::most_out`]; returns how many it made, `None` for buffers that are too short. Does not allocate.
    pub fn process(&mut self, input: &[Vec<f32>; 1], output: &mut [Vec<f32>; 1]) -> Option<usize> {
        let (from, to) = (self.0.input_frames_next(), self.0.output_frames_next());
        let input = SequentialSliceOfVecs::new(&input[..], 1, from).ok()?;
        let mut output = SequentialSliceOfVecs::new_mut(&mut output[..], 1, to).ok()?;
        // The sizes are those that the resampler asked for, which is all that it can object to.
        self.0.process_into_buffer(&input, &mut output, None).ok().map(|(_, made)| made)
    }

    /// Output samples of delay.
    pub fn delay(&self) -> usize {
        self.0.output_delay()
    }

    /// Most input samples of a block.
    pub fn most_in(&self) -> usize {
        self.0.input_frames_max()
    }

    /// Most output samples of a block.
    pub fn most_out(&self) -> usize {
        self.0.output_frames_max()
    }

    /// Input samples that the next block takes.
    pub fn next_in(&self) -> usize {
        self.0.input_frames_next()
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}
