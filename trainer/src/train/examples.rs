//! Samples as the network takes them: inputs and answers, in batches.

use burn::tensor::{Device, Int, Tensor, TensorData};
use nalgebra::{Point2, Vector3};
use rayon::prelude::*;
use render::maths::{Rng, mix_seed};

use super::augment;
use super::settings::{Augment, Settings};
use crate::data::cache::Cache;
use crate::net::{Head, NetConfig, POSE_DIVISOR};

/// Heads held alike within this many degrees make no pair.
const PAIR_DEG: f32 = 3.0;

/// Why a cache and a network do not fit.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Unfit {
    /// Crops of another kind.
    #[error(
        "the cache's crops are {cache}, the network's {net}: prepare with --size, --scale and --grey like it, or train another network"
    )]
    Crops {
        /// Of the cache.
        cache: String,
        /// Of the network.
        net: String,
    },
    /// No sample can be used.
    #[error("of {of} samples none can be learned from ({why})")]
    None {
        /// How many there are.
        of: usize,
        /// What they lack.
        why: &'static str,
    },
}

/// A cache as one network sees it.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    /// Samples and crops.
    pub cache: &'a Cache,
    /// The network's plan.
    pub config: &'a NetConfig,
}

/// One look of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Number of the sample.
    pub sample: usize,
    /// Whether it is seen in a mirror.
    pub mirror: bool,
    /// Whether it and the look before are of one person and target, the head held otherwise.
    pub pair: bool,
    /// Where its augmentation's chance comes from; none leaves it as it is.
    pub chance: Option<u64>,
}

impl Look {
    /// As the daemon would see it.
    pub fn exact(sample: usize) -> Look {
        Look {
            sample,
            mirror: false,
            pair: false,
            chance: None,
        }
    }
}

/// The screen's plane for each look, so that the place where a ray hits is arithmetic:
/// at p = o + r·k/(n·r), across is (p − c)·u and down (p − c)·v.
#[derive(Debug, Clone)]
pub struct Planes {
    /// Between the eyes less the screen's upper left corner, o − c, mm: [B, 3].
    pub from: Tensor<2>,
    /// Normal, unit: [B, 3].
    pub normal: Tensor<2>,
    /// From the eyes to the plane along the normal, mm: [B, 1].
    pub away: Tensor<2>,
    /// Width's direction ÷ width: [B, 3].
    pub across: Tensor<2>,
    /// Height's direction ÷ height: [B, 3].
    pub down: Tensor<2>,
}

/// What one step learns from.
#[derive(Debug, Clone)]
pub struct Batch {
    /// How many looks.
    pub len: usize,
    /// [B, C, S, S]
    pub left: Tensor<4>,
    /// [B, C, S, S]
    pub right: Tensor<4>,
    /// [B, 3]
    pub pose: Tensor<2>,
    /// [B, 5]
    pub position: Tensor<2>,
    /// [B, 3], where the network takes it.
    pub geometric: Option<Tensor<2>>,
    /// Rays [B, 3] or places [B, 2].
    pub answer: Tensor<2>,
    /// Where rays hit, if there is a pair.
    pub planes: Option<Planes>,
    /// Rows of the pairs' firsts and seconds.
    pub pairs: Option<[Tensor<1, Int>; 2]>,
}

impl Batch {
    /// The same looks in a mirror, as the daemon asks about them a second time: the very pictures
    /// turned round. Planes and pairs are left out.
    #[must_use]
    pub fn mirrored(&self) -> Batch {
        let device = self.pose.device();
        let row = |values: &[f32]| Tensor::<1>::from_floats(values, &device).unsqueeze::<2>();
        let column = |k: usize| self.position.clone().slice([0..self.len, k..k + 1]);
        let other_side = |x: Tensor<2>| -x + 1.0;
        // Places have no mirror that a batch knows.
        let three = |t: Tensor<2>| match t.dims()[1] {
            3 => t * row(&[-1.0, 1.0, 1.0]),
            _ => t,
        };
        Batch {
            len: self.len,
            left: self.right.clone().flip([3]),
            right: self.left.clone().flip([3]),
            pose: self.pose.clone() * row(&[-1.0, 1.0, -1.0]),
            position: Tensor::cat(
                vec![
                    other_side(column(2)),
                    column(3),
                    other_side(column(0)),
                    column(1),
                    column(4),
                ],
                1,
            ),
            geometric: self.geometric.clone().map(three),
            answer: three(self.answer.clone()),
            planes: None,
            pairs: None,
        }
    }
}

/// Numbers of one look.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    pose: [f32; 3],
    position: [f32; 5],
    geometric: [f32; 3],
    answer: [f32; 3],
}

impl<'a> Examples<'a> {
    /// Checks that crops are what the network takes.
    ///
    /// # Errors
    /// [`Unfit::Crops`].
    pub fn new(cache: &'a Cache, config: &'a NetConfig) -> Result<Examples<'a>, Unfit> {
        let (crop, eyes) = (&cache.header.crop, &config.eyes);
        let told = |size: usize, scale: f32, channels: usize| {
            let colour = if channels == 1 { "grey" } else { "colour" };
            format!("{size}×{size} {colour} at scale {scale}")
        };
        let is = (crop.size, crop.scale, crop.channels);
        let wanted = (eyes.size, eyes.scale, eyes.channels());
        if is != wanted {
            return Err(Unfit::Crops {
                cache: told(is.0, is.1, is.2),
                net: told(wanted.0, wanted.1, wanted.2),
            });
        }
        Ok(Examples { cache, config })
    }

    /// Samples that the network can learn from: an eye is open, and what it takes and answers
    /// is known.
    ///
    /// # Errors
    /// [`Unfit::None`].
    pub fn usable(&self) -> Result<Vec<usize>, Unfit> {
        let samples = &self.cache.samples;
        let ray = |i: &usize| self.config.head != Head::Ray || samples[*i].ray.is_some();
        let geometric = |i: &usize| !self.config.geometric || samples[*i].geometric.is_some();
        let open = |i: &usize| samples[*i].open.contains(&true);
        let all: Vec<usize> = (0..samples.len())
            .filter(|i| open(i) && geometric(i) && ray(i))
            .collect();
        let why = match () {
            _ if !all.is_empty() => return Ok(all),
            _ if samples.is_empty() => {
                "there is none: record some with gaze-calib, then prepare them"
            }
            _ if !(0..samples.len()).any(|i| ray(&i)) => {
                "their screen's size is not known: prepare with --screen-mm, or train with --head screen"
            }
            _ if samples.iter().all(|s| s.geometric.is_none()) => {
                "none has a geometric line of sight: make pictures with synth and prepare them, or train without --geometric"
            }
            _ => "their eyes are shut, or geometry found no line of sight",
        };
        Err(Unfit::None {
            of: samples.len(),
            why,
        })
    }

    /// An epoch's batches: an order by chance, of seed and epoch alone. Where pairs are
    /// wanted, a look is followed by another of the same person at the same target with the
    /// head held otherwise, if there is one left. A rest too small to norm by is left out.
    pub fn epoch(&self, of: &[usize], settings: &Settings, epoch: usize) -> Vec<Vec<Look>> {
        let seed = mix_seed(settings.seed, 0xe90c, epoch as u64);
        let mut rng = Rng::new(seed);
        let mut order = match settings.balance {
            true => self.balanced(of, &settings.augment, &mut rng),
            false => of.to_vec(),
        };
        for i in (1..order.len()).rev() {
            order.swap(i, (rng.bits() % (i as u64 + 1)) as usize);
        }
        let mut looks = Vec::with_capacity(order.len());
        let mut taken = vec![0u64; self.cache.len()];
        let mut partners: std::collections::BTreeMap<_, Vec<usize>> = Default::default();
        let name = |i: usize| {
            let s = &self.cache.samples[i];
            (s.person, s.target, s.screen)
        };
        if settings.consistency > 0.0 {
            for i in &order {
                partners.entry(name(*i)).or_default().push(*i);
            }
        }
        // A look that comes again is changed otherwise.
        let look = |sample: usize, again: u64, mirror: bool, pair: bool| Look {
            sample,
            mirror,
            pair,
            chance: Some(mix_seed(seed, 0x100c + again, sample as u64)),
        };
        for &i in &order {
            let again = taken[i];
            taken[i] += 1;
            // The second of a pair has had its turn.
            if again > 0 && settings.consistency > 0.0 {
                continue;
            }
            let mirror = rng.unit() < settings.augment.flip;
            looks.push(look(i, again, mirror, false));
            let other = partners.get(&name(i)).and_then(|all| {
                let fit = |j: &&usize| taken[**j] == 0 && self.turned(i, **j) >= PAIR_DEG;
                all.iter().find(fit).copied()
            });
            if let Some(j) = other {
                taken[j] += 1;
                // In the same mirror: they meet at the same place.
                looks.push(look(j, 0, mirror, true));
            }
        }
        let mut batches: Vec<Vec<Look>> =
            looks.chunks(settings.batch).map(<[Look]>::to_vec).collect();
        if batches.len() > 1 && batches.last().is_some_and(|b| 4 * b.len() < settings.batch) {
            batches.pop();
        }
        for batch in &mut batches {
            batch[0].pair = false;
        }
        batches
    }

    /// Largest difference of the heads' angles, degrees.
    fn turned(&self, a: usize, b: usize) -> f32 {
        let [a, b] = [a, b].map(|i| self.cache.samples[i].head_deg);
        (0..3).map(|k| (a[k] - b[k]).abs()).fold(0.0, f32::max)
    }

    /// Numbers of a look; the mirror is at the camera's x = 0.
    fn row(&self, look: &Look) -> Row {
        let sample = &self.cache.samples[look.sample];
        let [yaw, pitch, roll] = sample.head_deg;
        let mut row = Row {
            pose: [yaw, pitch, roll],
            position: sample.eye_position,
            geometric: sample.geometric.unwrap_or_default(),
            answer: match self.config.head {
                Head::Ray => sample.ray.unwrap_or_default(),
                Head::Screen => [sample.target_norm[0], sample.target_norm[1], 0.0],
            },
        };
        if look.mirror {
            let [lx, ly, rx, ry, apart] = row.position;
            row.pose = [-yaw, pitch, -roll];
            row.position = [1.0 - rx, ry, 1.0 - lx, ly, apart];
            row.geometric[0] = -row.geometric[0];
            row.answer[0] = match self.config.head {
                Head::Ray => -row.answer[0],
                // The screen is turned over at the camera, which may not be in its middle.
                Head::Screen => {
                    2.0 * self.cache.screen(look.sample).camera.x_norm as f32 - row.answer[0]
                }
            };
        }
        row.pose = row.pose.map(|v| v / POSE_DIVISOR);
        row
    }

    /// The screen of a look: eyes less corner, normal, distance, across and down.
    fn plane(&self, look: &Look) -> [[f32; 3]; 5] {
        let sample = &self.cache.samples[look.sample];
        let screen = self.cache.screen(look.sample);
        let at = |x: f64, y: f64| screen.point_mm(Point2::new(x, y));
        let corner = at(0.0, 0.0);
        let (width, height) = (at(1.0, 0.0) - corner, at(0.0, 1.0) - corner);
        let normal = width.cross(&height).normalize();
        let eyes = Vector3::from(sample.origin_mm.map(f64::from));
        let away = normal.dot(&(corner - eyes));
        let turned = |v: Vector3<f64>| {
            let side = if look.mirror { -1.0 } else { 1.0 };
            [(v.x * side) as f32, v.y as f32, v.z as f32]
        };
        [
            turned(eyes - corner),
            turned(normal),
            [away as f32, 0.0, 0.0],
            turned(width / width.norm_squared()),
            turned(height / height.norm_squared()),
        ]
    }

    /// Pictures and numbers of `looks`, on `device`.
    pub fn batch(&self, looks: &[Look], augment: &Augment, device: &Device) -> Batch {
        let (spec, input) = (&self.cache.header.crop, &self.config.eyes);
        let (n, len) = (looks.len(), input.len());
        let mut pictures = [(); 2].map(|()| vec![0.0f32; n * len]);
        let [left, right] = &mut pictures;
        (left.par_chunks_mut(len))
            .zip(right.par_chunks_mut(len))
            .zip(looks)
            .for_each(|((left, right), look)| {
                let wide = self.cache.wide_crops(look.sample);
                let chance = look.chance.map(|seed| (augment, Rng::new(seed)));
                augment::eyes(spec, input, wide, chance, look.mirror, [left, right]);
            });
        let shape = [n, input.channels(), input.size, input.size];
        let [left, right] = pictures.map(|p| Tensor::from_data(TensorData::new(p, shape), device));
        let rows: Vec<Row> = looks.iter().map(|l| self.row(l)).collect();
        let seconds: Vec<i32> = (0..n as i32).filter(|i| looks[*i as usize].pair).collect();
        let paired = !seconds.is_empty();
        Batch {
            len: n,
            left,
            right,
            pose: table(rows.iter().map(|r| &r.pose[..]), device),
            position: table(rows.iter().map(|r| &r.position[..]), device),
            geometric: (self.config.geometric)
                .then(|| table(rows.iter().map(|r| &r.geometric[..]), device)),
            answer: table(
                rows.iter().map(|r| &r.answer[..self.config.head.outputs()]),
                device,
            ),
            planes: (paired && self.config.head == Head::Ray).then(|| {
                let planes: Vec<_> = looks.iter().map(|l| self.plane(l)).collect();
                let part = |k: usize, n: usize| table(planes.iter().map(|p| &p[k][..n]), device);
                Planes {
                    from: part(0, 3),
                    normal: part(1, 3),
                    away: part(2, 1),
                    across: part(3, 3),
                    down: part(4, 3),
                }
            }),
            pairs: paired.then(|| {
                let firsts: Vec<i32> = seconds.iter().map(|i| i - 1).collect();
                let rows = [firsts, seconds];
                rows.map(|v| Tensor::<1, Int>::from_ints(&v[..], device))
            }),
        }
    }
}

/// Rows of equal length as a tensor.
fn table<'r>(rows: impl Iterator<Item = &'r [f32]>, device: &Device) -> Tensor<2> {
    let mut values = Vec::new();
    let (mut count, mut width) = (0, 0);
    for row in rows {
        values.extend_from_slice(row);
        (count, width) = (count + 1, row.len());
    }
    Tensor::from_data(TensorData::new(values, [count, width]), device)
}
