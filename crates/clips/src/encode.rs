//! H.264 behind a trait, so that a system's own encoder can take OpenH264's place.

use openh264::encoder::{
    BitRate, Complexity, Encoder as Cisco, EncoderConfig, FrameRate, IntraFramePeriod,
    MatrixCoefficients, RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;
use openh264::{OpenH264API, Timestamp};
use openh264_sys2::{ENCODER_OPTION_TRACE_LEVEL, WELS_LOG_QUIET};

use crate::nal::{Units, without_start_code};
use crate::yuv::Yuv;

/// Why a picture could not be coded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The encoder refused it.
    #[error("the H.264 encoder failed: {0}")]
    Refused(String),
    /// It gave no picture, or no parameter sets with its first one.
    #[error("the H.264 encoder gave {0}")]
    Missing(&'static str),
}

/// What a decoder must know before the first picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// Sequence parameter set, NAL header included.
    pub sps: Vec<u8>,
    /// Picture parameter set, NAL header included.
    pub pps: Vec<u8>,
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// When its light fell in, monotonic nanoseconds.
    pub at_ns: u64,
    /// It can be decoded without any before it.
    pub key: bool,
    /// NAL units, each after its length in four bytes, without parameter sets.
    pub data: Vec<u8>,
}

/// Codes pictures of one size, each shown in the order that it comes in.
pub trait Encoder: Send {
    /// Codes a picture; a key picture if `key`. The first is one anyway.
    ///
    /// # Errors
    /// The encoder's; it is of no use after that.
    fn encode(&mut self, picture: &Yuv, at_ns: u64, key: bool) -> Result<Coded, EncodeError>;

    /// Of the pictures so far; `None` before the first.
    fn parameters(&self) -> Option<&Parameters>;
}

/// A key picture is asked for at least this often: a clip begins at one.
pub const KEY_EVERY_NS: u64 = 1_000_000_000;

/// Bits a second for pictures of this size, up to 30 a second: a tenth of a bit a pixel.
pub fn bits_per_second(width: usize, height: usize) -> u32 {
    (width * height * 3).clamp(200_000, 20_000_000) as u32
}

/// Cisco's encoder, compiled from its sources.
pub struct OpenH264 {
    cisco: Cisco,
    parameters: Option<Parameters>,
}

impl OpenH264 {
    /// For up to `fps` pictures a second, at about `bits` a second; the first sets their size.
    ///
    /// # Errors
    /// It could not be made.
    pub fn new(fps: f64, bits: u32) -> Result<Self, EncodeError> {
        let config = EncoderConfig::new()
            .usage_type(UsageType::CameraVideoRealTime)
            .complexity(Complexity::Low)
            .rate_control_mode(RateControlMode::Bitrate)
            .bitrate(BitRate::from_bps(bits))
            .max_frame_rate(FrameRate::from_hz(fps as f32))
            // Every picture that is fed is in the clip: its times are the camera's.
            .skip_frames(false)
            // The other cores are for what measures.
            .num_threads(1)
            // Key pictures come when they are asked for, by time.
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            // What `yuv::COLOURS` says.
            .vui(VuiConfig::bt709().matrix_coefficients(MatrixCoefficients::Smpte170M));
        let mut cisco =
            Cisco::with_api_config(OpenH264API::from_source(), config).map_err(refused)?;
        be_quiet(&mut cisco);
        Ok(OpenH264 {
            cisco,
            parameters: None,
        })
    }
}

/// It would warn of its settings on standard error, whenever it is made.
#[allow(unsafe_code)]
fn be_quiet(cisco: &mut Cisco) {
    let mut level = WELS_LOG_QUIET;
    // SAFETY: the option takes a pointer to an int and copies it; it may be set before the
    // encoder is initialised, and no option that the wrapper relies on is touched.
    unsafe {
        let level = std::ptr::addr_of_mut!(level).cast();
        // Where it refuses, it warns.
        let _ = cisco
            .raw_api()
            .set_option(ENCODER_OPTION_TRACE_LEVEL, level);
    }
}

fn refused(e: openh264::Error) -> EncodeError {
    EncodeError::Refused(
        e.to_string()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    )
}

impl Encoder for OpenH264 {
    fn encode(&mut self, picture: &Yuv, at_ns: u64, key: bool) -> Result<Coded, EncodeError> {
        let (w, h) = (picture.width, picture.height);
        let planes = YUVSlices::new(
            (&picture.y, &picture.u, &picture.v),
            (w, h),
            (w, w / 2, w / 2),
        );
        if key && self.parameters.is_some() {
            self.cisco.force_intra_frame();
        }
        let at = Timestamp::from_millis(at_ns / 1_000_000);
        let stream = self.cisco.encode_at(&planes, at).map_err(refused)?;
        let mut units = Units::default();
        for layer in (0..stream.num_layers()).filter_map(|i| stream.layer(i)) {
            for unit in (0..layer.nal_count()).filter_map(|i| layer.nal_unit(i)) {
                units.add(without_start_code(unit));
            }
        }
        units.finish(at_ns, (w, h), &mut self.parameters)
    }

    fn parameters(&self) -> Option<&Parameters> {
        self.parameters.as_ref()
    }
}
