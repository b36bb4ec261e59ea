//! TDNN-F layer with a skip connection.

use super::{LayerError, SplicedAffine, Workspace};

/// x + up(down(x)): a factored time-delay layer (Povey et al., Interspeech 2018) with its input added.
#[derive(Clone, Debug)]
pub struct ResidualBlock {
    down: SplicedAffine,
    up: SplicedAffine,
}

impl ResidualBlock {
    /// `down` sees the context, `up` only the current frame and gives as many channels as came in.
    ///
    /// # Errors
    /// `down` sees no context, `up` does, or its output does not fit the input's `channels`.
    pub fn new(down: SplicedAffine, up: SplicedAffine, channels: usize) -> Result<Self, LayerError> {
        if down.span() == 0 || up.span() != 0 || up.outputs() != channels {
            return Err(LayerError::new(format!("{} channels cannot be added to {channels}", up.outputs())));
        }
        Ok(Self { down, up })
    }

    /// Makes room for it in `work`, for at most `frames` frames at once.
    pub fn reserve(&self, work: &mut Workspace, frames: usize) {
        [&self.down, &self.up].into_iter().for_each(|layer| work.reserve(layer, frames));
        work.reserve_narrow(frames * self.down.outputs());
    }

    /// See [`SplicedAffine::push`].
    pub fn push(&mut self, x: &[f32], frames: usize, out: &mut [f32], work: &mut Workspace) -> usize {
        self.run(out, work, |down, narrow, work| down.push(x, frames, narrow, work))
    }

    /// See [`SplicedAffine::finish`].
    pub fn finish(&mut self, out: &mut [f32], work: &mut Workspace) -> usize {
        self.run(out, work, SplicedAffine::finish)
    }

    /// Back to the state after construction.
    pub fn reset(&mut self) {
        self.down.reset();
        self.up.reset();
    }

    fn run(
        &mut self,
        out: &mut [f32],
        work: &mut Workspace,
        down: impl FnOnce(&mut SplicedAffine, &mut [f32], &mut Workspace) -> usize,
    ) -> usize {
        let mut narrow = std::mem::take(&mut work.narrow);
        let n = down(&mut self.down, &mut narrow, work);
        self.up.push(&narrow, n, out, work);
        work.narrow = narrow;
        engine_simd::add_all(out, self.down.centres(work, n));
        n
    }
}
