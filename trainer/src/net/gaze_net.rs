//! The whole network: two eyes, head pose and eye position to a line of sight
//! or a point on the screen.

use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::config::{ConfigError, Head, NetConfig};
use super::encoder::Encoder;
use super::spread::Spread;

/// Head pose enters in degrees ÷ this (the network contract's `pose`).
pub const POSE_DIVISOR: f32 = 45.0;
/// Eye position becomes (v − middle) × factor inside, so that it spans about ±1.
/// The middle: both centres in the middle, eyes an eighth of the picture apart.
pub const POSITION_MIDDLE: [f32; 5] = [0.5, 0.5, 0.5, 0.5, 0.125];
/// Factor of the eye position.
pub const POSITION_FACTOR: [f32; 5] = [2.0, 2.0, 2.0, 2.0, 8.0];
/// Its square is added to a picture's variance, so that a plain one is not blown up to noise; in units of [`super::EyeInput::normalise`]'s answers.
pub const LEAST_CONTRAST: f32 = 0.13;
/// A geometric ray is taken as looking at least this much towards the camera.
pub const LEAST_FORWARD: f32 = 0.2;

/// Everything before the last layer.
#[derive(Module, Debug)]
pub struct Trunk {
    /// Shared by both eyes.
    pub encoder: Encoder,
    /// As [`GazeNet::embed`].
    pub embed: Vec<Linear>,
    /// As [`GazeNet::hidden`].
    pub hidden: Vec<Linear>,
}

/// The network. Parts by name: `encoder` (numbered blocks, see [`super::groups`]),
/// `embed`, `hidden`, `output`, and perhaps `others` and `spread`.
#[derive(Module, Debug)]
pub struct GazeNet {
    /// Shared by both eyes.
    pub encoder: Encoder,
    /// Head pose, eye position (and the geometric ray's tangents) to a vector.
    pub embed: Vec<Linear>,
    /// Behind all of it.
    pub hidden: Vec<Linear>,
    /// Where it is a [committee](super::committee): the other members' parts of the same names.
    pub others: Vec<Trunk>,
    /// To two numbers: tangents of a ray, or a place on the screen. It takes the last hidden
    /// layer's values of all members, one after the other.
    pub output: Linear,
    /// How far it errs, where it tells.
    pub spread: Option<Spread>,
    #[module(skip)]
    head: Head,
    #[module(skip)]
    geometric: bool,
    #[module(skip)]
    standardise: bool,
}

impl NetConfig {
    /// A new network on `device`. The same seed gives the same weights, bit for
    /// bit, on every machine and device.
    pub fn init(&self, seed: u64, device: &Device) -> Result<GazeNet, ConfigError> {
        let mut net = self.init_empty(device)?;
        super::init::fill(&mut net, seed);
        Ok(net)
    }

    /// A network whose weights are all still zero, to be loaded.
    pub(super) fn init_empty(&self, device: &Device) -> Result<GazeNet, ConfigError> {
        self.check()?;
        let linear = |from: usize, to: usize| {
            LinearConfig::new(from, to)
                .with_initializer(Initializer::Zeros)
                .init(device)
        };
        let inputs = 3 + 5 + if self.geometric { 2 } else { 0 };
        let trunk = || {
            let mut from = 2 * Encoder::len(self) + self.embedding;
            let mut hidden = Vec::with_capacity(self.hidden.len());
            for &to in &self.hidden {
                hidden.push(linear(from, to));
                from = to;
            }
            Trunk {
                encoder: Encoder::new(self, device),
                embed: vec![
                    linear(inputs, self.embedding),
                    linear(self.embedding, self.embedding),
                ],
                hidden,
            }
        };
        let first = trunk();
        let last = self.hidden[self.hidden.len() - 1];
        let all = self.members * self.hidden.iter().sum::<usize>();
        Ok(GazeNet {
            encoder: first.encoder,
            embed: first.embed,
            hidden: first.hidden,
            others: (1..self.members).map(|_| trunk()).collect(),
            output: linear(self.members * last, 2),
            spread: (self.spread.as_ref()).map(|plan| Spread::empty(plan, all, device)),
            head: self.head,
            geometric: self.geometric,
            standardise: self.standardise,
        })
    }
}

impl GazeNet {
    /// `left`, `right`: [B, C, S, S], image sides, normalised as
    /// [`super::EyeInput::normalise`] does. `pose`: [B, 3], yaw, pitch, roll in
    /// degrees ÷ [`POSE_DIVISOR`]. `position`: [B, 5], both eye centres ÷ image size (left x, y, right
    /// x, y) and their distance ÷ image width.
    ///
    /// Gives [B, 3], unit rays in the camera frame, or [B, 2], normalised screen.
    ///
    /// # Panics
    /// If the network was built to take the geometric ray: see [`GazeNet::forward_with`].
    pub fn forward(
        &self,
        left: Tensor<4>,
        right: Tensor<4>,
        pose: Tensor<2>,
        position: Tensor<2>,
    ) -> Tensor<2> {
        self.forward_with(left, right, pose, position, None)
    }

    /// The same with the geometric gaze's unit ray, [B, 3], for networks that
    /// take it (`geometric` in their plan). A network with a ray head then answers
    /// with a correction of it, which is small where geometry is good.
    ///
    /// # Panics
    /// If the ray is given and not wanted, or wanted and not given.
    pub fn forward_with(
        &self,
        left: Tensor<4>,
        right: Tensor<4>,
        pose: Tensor<2>,
        position: Tensor<2>,
        geometric: Option<Tensor<2>>,
    ) -> Tensor<2> {
        let (x, tangents) = self.before_output(left, right, pose, position, geometric);
        self.answer(x, tangents)
    }

    /// The answer, out of what [`GazeNet::before_output`] gives.
    pub fn answer(&self, x: Tensor<2>, tangents: Option<Tensor<2>>) -> Tensor<2> {
        let out = self.output.forward(x);
        match self.head {
            Head::Screen => out + 0.5,
            Head::Ray => ray(match tangents {
                Some(tangents) => out + tangents,
                None => out,
            }),
        }
    }

    /// The answer and how far it errs, [B, 2], standard deviations across and up in degrees;
    /// none where it does not tell.
    ///
    /// # Panics
    /// As [`GazeNet::forward_with`].
    pub fn forward_and_spread(
        &self,
        left: Tensor<4>,
        right: Tensor<4>,
        pose: Tensor<2>,
        position: Tensor<2>,
        geometric: Option<Tensor<2>>,
    ) -> (Tensor<2>, Option<Tensor<2>>) {
        let (hidden, tangents) = self.hidden_layers(left, right, pose, position, geometric);
        let last = hidden[hidden.len() - 1].clone();
        let spread = self.spread.as_ref();
        let spread = spread.map(|s| s.degrees(Tensor::cat(hidden, 1)));
        (self.answer(last, tangents), spread)
    }

    /// What the last layer gets, [B, its inputs], and the geometric ray's tangents, [B, 2],
    /// which are added to what it gives: all that is needed to tune it alone.
    ///
    /// # Panics
    /// As [`GazeNet::forward_with`].
    pub fn before_output(
        &self,
        left: Tensor<4>,
        right: Tensor<4>,
        pose: Tensor<2>,
        position: Tensor<2>,
        geometric: Option<Tensor<2>>,
    ) -> (Tensor<2>, Option<Tensor<2>>) {
        let (mut hidden, tangents) = self.hidden_layers(left, right, pose, position, geometric);
        (hidden.pop().expect("a plan has hidden layers"), tangents)
    }

    /// What each hidden layer gives (of all members, side by side), the last one last, and the
    /// geometric ray's tangents.
    ///
    /// # Panics
    /// As [`GazeNet::forward_with`].
    pub fn hidden_layers(
        &self,
        left: Tensor<4>,
        right: Tensor<4>,
        pose: Tensor<2>,
        position: Tensor<2>,
        geometric: Option<Tensor<2>>,
    ) -> (Vec<Tensor<2>>, Option<Tensor<2>>) {
        assert_eq!(geometric.is_some(), self.geometric, "the geometric ray");
        let batch = left.dims()[0];
        let device = left.device();
        // Both eyes in one pass: half the calls, and batch norm sees both.
        let eyes = Tensor::cat(vec![left, right], 0);
        let eyes = match self.standardise {
            true => standard(eyes),
            false => eyes,
        };
        let row = |values: &[f32]| Tensor::<1>::from_floats(values, &device).unsqueeze::<2>();
        let position = (position - row(&POSITION_MIDDLE)) * row(&POSITION_FACTOR);
        let mut numbers = vec![pose, position];
        let tangents = geometric.map(tangents);
        numbers.extend(tangents.clone());
        let numbers = Tensor::cat(numbers, 1);

        let mut hidden = through(
            (&self.encoder, &self.embed, &self.hidden),
            eyes.clone(),
            numbers.clone(),
            batch,
        );
        for other in &self.others {
            let parts = (&other.encoder, &other.embed[..], &other.hidden[..]);
            let theirs = through(parts, eyes.clone(), numbers.clone(), batch);
            for (mine, theirs) in hidden.iter_mut().zip(theirs) {
                *mine = Tensor::cat(vec![mine.clone(), theirs], 1);
            }
        }
        (hidden, tangents)
    }

    /// What it answers.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Whether it takes the geometric ray.
    pub fn geometric(&self) -> bool {
        self.geometric
    }

    /// How many networks it is made of.
    pub fn members(&self) -> usize {
        1 + self.others.len()
    }

    /// Numbered blocks of the encoder: 19 in MobileNetV2, 22 in MobileOne-S0, 5 in Compact.
    pub fn blocks(&self) -> usize {
        self.encoder.features.len()
    }
}

/// What one member's hidden layers give of both eyes' pictures, [2·B, C, S, S], and the numbers
/// beside them, [B, 8 or 10].
fn through(
    (encoder, embed, hidden): (&Encoder, &[Linear], &[Linear]),
    eyes: Tensor<4>,
    numbers: Tensor<2>,
    batch: usize,
) -> Vec<Tensor<2>> {
    let eyes = encoder.forward(eyes);
    let left = eyes.clone().narrow(0, 0, batch);
    let right = eyes.narrow(0, batch, batch);
    let numbers = (embed.iter()).fold(numbers, |x, layer| relu(layer.forward(x)));
    let mut x = Tensor::cat(vec![left, right, numbers], 1);
    let mut given = Vec::with_capacity(hidden.len());
    for layer in hidden {
        x = relu(layer.forward(x));
        given.push(x.clone());
    }
    given
}

/// [B, C, S, S] to the same with mean 0 and deviation 1 in each picture (less where it is plain).
fn standard(pictures: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = pictures.dims();
    let flat: Tensor<2> = pictures.reshape([batch, channels * height * width]);
    let off = flat.clone() - flat.mean_dim(1);
    let deviation = (off.clone().square().mean_dim(1) + LEAST_CONTRAST * LEAST_CONTRAST).sqrt();
    (off / deviation).reshape([batch, channels, height, width])
}

/// [B, 3] rays to [B, 2]: x and y where they pierce the plane one unit before the
/// camera's (z = −1). People look towards the camera, so this is smooth for all of them.
fn tangents(rays: Tensor<2>) -> Tensor<2> {
    let forward = (-rays.clone().slice([0..rays.dims()[0], 2..3])).clamp_min(LEAST_FORWARD);
    let batch = rays.dims()[0];
    rays.slice([0..batch, 0..2]) / forward
}

/// The way back: (a, b) to the unit ray along (a, b, −1).
fn ray(tangents: Tensor<2>) -> Tensor<2> {
    let [batch, _] = tangents.dims();
    let forward = Tensor::<2>::full([batch, 1], -1.0, &tangents.device());
    let ray = Tensor::cat(vec![tangents, forward], 1);
    let length = ray.clone().square().sum_dim(1).sqrt();
    ray / length
}
