//! Faces as a contact network takes them, in batches.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use render::maths::{Rng, mix_seed};

use crate::data::cache::CropSpec;
use crate::net::EyeInput;
use crate::train::augment;
use crate::train::settings::Settings;

/// One face.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    /// Its crop with the margin.
    pub crop: Vec<u8>,
    /// Whether it looks into the lens.
    pub contact: bool,
}

/// Faces and how a network takes them.
#[derive(Debug, Clone)]
pub struct Examples<'a> {
    /// What the crops are like.
    pub spec: CropSpec,
    /// What the network takes.
    pub input: &'a EyeInput,
    /// All of them.
    pub faces: &'a [Face],
}

/// One look of an epoch: number of the face, whether it is seen in a mirror, where its
/// augmentation's chance comes from.
type Look = (usize, bool, Option<u64>);

/// What one step learns from.
#[derive(Debug)]
pub struct Batch {
    /// [B, 3, S, S]
    pub faces: Tensor<4>,
    /// 1 is contact: [B, 1]
    pub contact: Tensor<2>,
    /// How much each counts, 1 in the mean: [B, 1]
    pub weight: Tensor<2>,
}

impl Examples<'_> {
    /// An epoch's batches: order, mirror and augmentation by chance, of seed and epoch alone. A
    /// rest too small to norm by is left out.
    pub fn epoch(&self, of: &[usize], settings: &Settings, epoch: usize) -> Vec<Vec<Look>> {
        let seed = mix_seed(settings.seed, 0xface, epoch as u64);
        let mut rng = Rng::new(seed);
        let mut order = of.to_vec();
        for i in (1..order.len()).rev() {
            order.swap(i, (rng.bits() % (i as u64 + 1)) as usize);
        }
        let looks: Vec<Look> = (order.into_iter())
            .map(|i| {
                let mirror = rng.unit() < settings.augment.flip;
                (i, mirror, Some(mix_seed(seed, 0x100c, i as u64)))
            })
            .collect();
        let mut batches: Vec<Vec<Look>> =
            looks.chunks(settings.batch).map(<[Look]>::to_vec).collect();
        if batches.len() > 1 && batches.last().is_some_and(|b| 4 * b.len() < settings.batch) {
            batches.pop();
        }
        batches
    }

    /// The looks as the daemon would have them.
    pub fn exact(of: &[usize]) -> Vec<Look> {
        of.iter().map(|i| (*i, false, None)).collect()
    }

    /// `weights`: how much one counts that is in contact, and one that is not.
    pub fn batch(
        &self,
        looks: &[Look],
        settings: &Settings,
        weights: [f32; 2],
        device: &Device,
    ) -> Batch {
        let (n, len) = (looks.len(), self.spec.exact_len());
        let mut pictures = vec![0.0; n * len];
        pictures
            .par_chunks_mut(len)
            .zip(looks)
            .for_each(|(out, look)| {
                let (face, mirror, chance) = *look;
                let chance = chance.map(|seed| (&settings.augment, Rng::new(seed)));
                let crop = &self.faces[face].crop;
                augment::one(&self.spec, self.input, crop, chance, mirror, out);
            });
        let shape = [n, self.spec.channels, self.spec.size, self.spec.size];
        let contact = |look: &Look| self.faces[look.0].contact;
        let column = |of: &dyn Fn(&Look) -> f32| {
            let values: Vec<f32> = looks.iter().map(of).collect();
            Tensor::<2>::from_data(TensorData::new(values, [n, 1]), device)
        };
        Batch {
            faces: Tensor::from_data(TensorData::new(pictures, shape), device),
            contact: column(&|l| f32::from(u8::from(contact(l)))),
            weight: column(&|l| weights[usize::from(!contact(l))]),
        }
    }
}
