//! Crops in bytes become the values of an input.

use super::contract::Contract;
use crate::sampler::Layout;

/// How one contract's pictures are written into inputs.
pub(crate) struct PictureSpec {
    size: usize,
    channels: usize,
    layout: Layout,
    /// What each byte becomes, for each channel: one rounding for product and sum together, and
    /// no call of a function for every byte.
    values: [Box<[f32; 256]>; 3],
}

impl PictureSpec {
    pub fn of(contract: &Contract) -> PictureSpec {
        PictureSpec {
            size: contract.crop.size,
            channels: contract.colour.channels(),
            layout: contract.layout,
            values: [0, 1, 2].map(|c| {
                let (factor, summand) = contract.normalisation.of_channel(c);
                let value = |byte: usize| (byte as f32).mul_add(factor, summand);
                Box::new(std::array::from_fn(value))
            }),
        }
    }

    /// Values of one picture.
    pub fn len(&self) -> usize {
        self.channels * self.size * self.size
    }

    /// The input's shape for `n` pictures.
    pub fn shape(&self, n: usize) -> [usize; 4] {
        match self.layout {
            Layout::Nchw => [n, self.channels, self.size, self.size],
            Layout::Nhwc => [n, self.size, self.size, self.channels],
        }
    }

    /// Writes a crop (plane after plane, row by row) into one picture of an input,
    /// mirrored if told.
    pub fn write(&self, crop: &[u8], mirrored: bool, out: &mut [f32]) {
        let (n, area) = (self.size, self.size * self.size);
        assert_eq!(crop.len(), self.len(), "a crop of this contract");
        assert_eq!(out.len(), self.len(), "room for one crop");
        for (c, plane) in crop.chunks_exact(area).enumerate() {
            let values = &self.values[c];
            for (row, bytes) in plane.chunks_exact(n).enumerate() {
                let to = |x: usize| {
                    let x = if mirrored { n - 1 - x } else { x };
                    match self.layout {
                        Layout::Nchw => c * area + row * n + x,
                        Layout::Nhwc => (row * n + x) * self.channels + c,
                    }
                };
                for (x, byte) in bytes.iter().enumerate() {
                    out[to(x)] = values[usize::from(*byte)];
                }
            }
        }
    }
}
